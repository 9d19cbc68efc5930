"""The options of every command, written down once, in groups that say what they are about."""
