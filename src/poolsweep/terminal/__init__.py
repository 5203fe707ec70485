"""What is written to the terminal: text that is safe to show, progress, tables."""
