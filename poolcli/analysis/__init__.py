"""What the commands that explain know: windows cell by cell, formulas, comparisons, translation invariance."""
