"""The project's measuring stick: a small segmentation network, trained on real pairs, synthetic pairs or both."""
