"""Pictures and pages of plain results: arrays and rows of numbers in, PNG bytes or HTML out. Knows no model."""
