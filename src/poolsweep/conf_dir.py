"""Where the config groups are."""

from __future__ import annotations

from pathlib import Path


def conf_dir() -> Path:
    """The folder of the config groups: inside the package in a wheel, at the top of a checkout otherwise.

    Example:
        >>> (conf_dir() / "pooling" / "masked_mean.yaml").is_file()
        True
    """
    package = Path(__file__).resolve().parent
    packaged = package / "conf"
    return packaged if packaged.is_dir() else package.parents[1] / "conf"
