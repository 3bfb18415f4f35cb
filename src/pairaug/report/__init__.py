"""Pictures of plain results: arrays and rows of numbers in, PNG bytes out. Knows no model and no data set."""
