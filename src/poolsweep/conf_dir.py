"""Where the config groups are."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_VARIABLE = "POOLSWEEP_CONFIG_DIR"  # so that the processes that a sweep starts know it too


def conf_dir() -> Path:
    """The folder of the config groups: inside the package in a wheel, at the top of a checkout otherwise.

    Example:
        >>> (conf_dir() / "pooling" / "masked_mean.yaml").is_file()
        True
    """
    package = Path(__file__).resolve().parent
    packaged = package / "conf"
    return packaged if packaged.is_dir() else package.parents[1] / "conf"


def config_dirs() -> tuple[Path, ...]:
    """The folders of config groups in the order in which they count: ours, then that of ``--config-dir``."""
    own = os.environ.get(_VARIABLE)
    return (conf_dir(), Path(own)) if own else (conf_dir(),)


@contextmanager
def own_config_dir(arguments: Sequence[str]) -> Iterator[None]:
    """Let ``config_dirs`` know what ``--config-dir`` names on a command line."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--config-dir", "-cd")
    named = parser.parse_known_args(list(arguments))[0].config_dir
    before = os.environ.get(_VARIABLE)
    if named is not None:
        os.environ[_VARIABLE] = str(Path(named).absolute())
    try:
        yield
    finally:
        os.environ.pop(_VARIABLE, None)
        if before is not None:
            os.environ[_VARIABLE] = before
