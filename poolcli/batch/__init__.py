"""Many files: one task each, local or on a cluster, atomic and resumable.

`jobs` turns paths into jobs, `work` does one of them, `executors` provide the workers, and `run` brings the three
together. `journal` records what made the results, so that `resume` can skip them; `report` counts and lists the
outcomes.
"""
