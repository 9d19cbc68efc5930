"""poolcli beside its peers: ``python -m benchmarks kernels`` and ``python -m benchmarks commands``.

How fast many files and large arrays go through, `benchmarks.scaling` measures.

`benchmarks.cases` holds one table of cases; the tests compare each on a small array with plain NumPy, and the kernel
benchmark times each on a large one beside every peer that is installed (``pip install 'poolcli[bench]'``).
"""
