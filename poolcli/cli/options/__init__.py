"""The options of all commands, each declared once, in groups by subject."""
