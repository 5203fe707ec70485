"""Searches: Optuna chooses what to try, and the study's folder remembers all of it."""

from __future__ import annotations

import importlib.util

from poolsweep.errors import UserError


def require_optuna() -> None:
    """Say what to install.

    Raises:
        UserError: If Optuna is not there.
    """
    if importlib.util.find_spec("optuna") is None:
        raise UserError("sweep=optuna needs Optuna: pip install 'poolsweep[optuna]'")
