"""The command line: one file per command, one place that catches errors, and the only part that uses Typer."""
