"""Puts a trained model to use: predictions and vectors of texts."""
