"""Tests of poolcli."""

import sys

sys.dont_write_bytecode = False  # rewriting the assertions takes as long as importing all else: once is enough
