"""From two fitted models to a data set on disk: drafts, gates, painting, gates again, files and a manifest row."""
