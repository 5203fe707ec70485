"""The run folder: its files, lock, status and identity, and the records beside it. Nothing here trains."""
