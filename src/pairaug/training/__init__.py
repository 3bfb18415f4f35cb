"""From checked pairs to a fitted model: objectives, the one training loop, checkpoints, the run folder."""
