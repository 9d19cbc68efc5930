"""What the machine gives: files, memory limits, other packages, a cluster."""
