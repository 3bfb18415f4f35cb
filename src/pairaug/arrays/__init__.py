"""Pixels and numbers: every rule that turns the one into the other, once."""
