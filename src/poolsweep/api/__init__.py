"""What Python code calls: sweeps from data frames, studies, trained models."""
