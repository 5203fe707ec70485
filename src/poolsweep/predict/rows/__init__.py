"""Rows of a file with all of their columns, a window of some thousand at a time."""
