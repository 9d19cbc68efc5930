"""Many files: one task each, through one executor interface, whole or not at all, and resumable.

`jobs` turns paths into jobs, `work` is what is done with each, `executors` are who does it, `run` brings the three
together, `resume` tells what is done already, and `report` writes down what became of it all.
"""
