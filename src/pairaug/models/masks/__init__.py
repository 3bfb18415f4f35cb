"""Mask generators: one final class a file."""
