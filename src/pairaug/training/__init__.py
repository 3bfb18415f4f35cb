"""From checked pairs to a fitted model: tensors, the one training loop, checkpoints, model files."""
