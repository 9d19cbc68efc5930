"""A package that adds a mode, a filter and a format to poolcli; ``pyproject.toml`` names them as entry points."""
