"""Sets in folds: for each of them, models and pairs that know nothing of the originals it validates on."""
