"""What is measured of a synthetic set without training on it: masks, images, novelty, agreement; one module each."""
