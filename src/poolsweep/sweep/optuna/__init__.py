"""``sweep=optuna``: Optuna chooses what to try, and the study's folder remembers all of it."""
