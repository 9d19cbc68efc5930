"""Array kernels: they know axes, ufuncs and memory, and nothing of modes, options or files."""
