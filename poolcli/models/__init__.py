"""Model files in, their pooling layers out: every format is walked without its framework, and nothing is unpickled."""
