"""Runs on a cluster: submitting them, following them, and leaving an allocation without losing anything."""
