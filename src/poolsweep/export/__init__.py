"""Writes a trained model in formats that other libraries load, each proven equal where poolsweep is not installed."""
