"""Readers of files: each gives the columns that are asked for, as text, a few thousand rows at a time."""
