"""Which way of pooling a BERT encoder is best for your texts, and is the difference real?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from poolsweep.process.thread_policy import limit_spinning

if TYPE_CHECKING:
    from poolsweep.report.study import Study, load_study

__all__ = ["Study", "load_study"]
__version__ = "0.1.0"

limit_spinning()  # before any module here loads torch


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from poolsweep.report import study  # pandas is not imported for `poolsweep --help`

    return getattr(study, name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
