"""Array kernels: they work with axes, ufuncs and memory, and know nothing about modes, options or files."""
