"""Many files: one task each, through one executor interface, whole or not at all, and resumable.

`jobs` turns paths into jobs, `work` is what is done with each, `executors` are who does it, `run` brings the three
together; `journal` says what made the results, from which `resume` tells what is done already; `report` writes down
what became of it all, `tally` counts it.
"""
