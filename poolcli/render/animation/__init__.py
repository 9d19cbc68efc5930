"""A map and its windows as a moving picture or a drawing."""
