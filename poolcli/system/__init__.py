"""The machine: files, memory limits, other packages, a cluster."""
