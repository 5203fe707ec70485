"""Where metrics go beside the run folder; no tracker is a source of truth."""
