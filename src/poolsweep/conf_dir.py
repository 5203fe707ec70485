"""Where the configs lie: inside the installed package, or at the top of a checkout."""

from __future__ import annotations

from pathlib import Path


def conf_dir() -> Path:
    """The absolute path of ``conf``.

    Raises:
        FileNotFoundError: If the installation is broken.
    """
    package = Path(__file__).resolve().parent
    for candidate in (package / "conf", package.parents[1] / "conf"):
        if (candidate / "train.yaml").is_file():
            return candidate
    raise FileNotFoundError(f"no conf/train.yaml in {package} or {package.parents[1]}; reinstall poolsweep")
