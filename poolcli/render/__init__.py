"""Drawings of feature maps: each takes data and returns a renderable or bytes; none prints."""
