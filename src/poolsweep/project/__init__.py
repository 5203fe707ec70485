"""A small project of a user's own: ``poolsweep init`` writes it."""
