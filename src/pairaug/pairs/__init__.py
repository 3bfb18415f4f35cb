"""Pairs on disk: finding them, decoding them, their label values, and writing new ones in the same form."""
