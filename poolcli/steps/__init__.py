"""Named steps, files of them, the shapes they lead to, and what made a file."""
