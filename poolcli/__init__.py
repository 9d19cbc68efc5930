"""Pooling of feature maps: one function for 1-D, 2-D and 3-D, and a command line around it."""

from __future__ import annotations

__version__ = "0.1.0"
