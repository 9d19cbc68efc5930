"""A map, its windows and its tables as text in a terminal."""
