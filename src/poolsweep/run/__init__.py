"""One run's identity, its folder, and what is recorded in it."""
