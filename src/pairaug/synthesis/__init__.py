"""From two fitted models to a data set on disk: index -> seed -> mask -> image -> files and a manifest row."""
