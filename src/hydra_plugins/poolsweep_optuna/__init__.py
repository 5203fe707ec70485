"""Where Hydra looks for plugins; the work is done in ``poolsweep.sweep.optuna``."""
