"""What trains a model: its losses, its discriminators, its optimisers. One file for each model that trains."""
