"""Networks and samplers: what draws masks and paints images. Torch and numpy alone: no files, no command line."""
