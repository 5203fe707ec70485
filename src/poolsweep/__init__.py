"""Which way of pooling a BERT encoder is best for your texts, and is the difference real?"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from poolsweep.process.thread_policy import limit_spinning

if TYPE_CHECKING:
    from poolsweep.api.load import load
    from poolsweep.api.run_sweep import run_sweep
    from poolsweep.api.study import Study, load_study
    from poolsweep.api.trained import TrainedModel
    from poolsweep.errors import UserError
    from poolsweep.sweep.grid import SweepFailedError

__all__ = ["Study", "SweepFailedError", "TrainedModel", "UserError", "load", "load_study", "run_sweep"]
__version__ = "0.1.0"

_MODULES = {
    "run_sweep": "api.run_sweep", "Study": "api.study", "load_study": "api.study", "TrainedModel": "api.trained",
    "load": "api.load", "SweepFailedError": "sweep.grid", "UserError": "errors",
}  # fmt: skip

limit_spinning()  # before any module here loads torch


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)  # nothing heavy for `poolsweep --help`


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
