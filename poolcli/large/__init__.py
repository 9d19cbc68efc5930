"""Arrays larger than memory: sources read in parts, Zarr, chains of steps done block by block."""
