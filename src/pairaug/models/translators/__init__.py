"""Translators from a mask to an image: one final class a file."""
