"""``poolsweep env``: what a report of a fault should say of this installation."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from pathlib import Path

from poolsweep.cli.arguments import VerbParser

# Values of these are shown; of all other variables nothing is, since they may hold keys.
_SHOWN = (
    "POOLSWEEP_OUTPUTS", "POOLSWEEP_CACHE", "POOLSWEEP_DEBUG", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES",
    "HF_HUB_OFFLINE", "WANDB_MODE", "SLURM_JOB_ID",
)  # fmt: skip


def env(arguments: list[str]) -> int:
    """Versions, hardware and places."""
    parser = VerbParser("env", "Prints versions, hardware and places, for a report of a fault. It shows no keys.")
    parser.add_argument("--json", action="store_true", help="for programs")
    given = parser.parse_args(arguments)
    from poolsweep.terminal.console import Console

    found = environment()
    if given.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return 0
    console = Console()
    for title, facts in found.items():
        console.print(title, style="bold")
        for name, value in facts.items():
            console.print(f"  {name:<24}{value}", soft_wrap=True)  # whole lines, to be pasted
    return 0


def environment() -> dict[str, dict[str, str]]:
    """Title → facts, in the order in which they are printed."""
    import torch

    from poolsweep.conf_dir import config_dirs
    from poolsweep.data.cache import cache_dir
    from poolsweep.process.cpu_affinity import usable_cores
    from poolsweep.runs.environment import git_commit, versions
    from poolsweep.runs.locate import output_root

    commit = git_commit()
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "versions": {**versions(), **({} if commit is None else {"commit": commit})},
        "extras": _extras(),
        "machine": {
            "system": platform.platform(),
            "CPU": _cpu(),
            "cores": f"{len(usable_cores())}; torch uses {torch.get_num_threads()}",
            "instructions": torch.backends.cpu.get_cpu_capability(),
            "GPUs": ", ".join(gpus) or ("MPS" if torch.backends.mps.is_available() else "none"),
        },
        "places": {
            "configs": os.pathsep.join(map(str, config_dirs())),
            "outputs": str(output_root().absolute()),
            "cache": str(cache_dir()),
        },
        "variables": {name: os.environ[name] for name in _SHOWN if name in os.environ},
    }


def _extras() -> dict[str, str]:
    """Packages of extras, with their versions where they are installed."""
    from packaging.requirements import Requirement

    found = {}
    for line in importlib.metadata.requires("poolsweep") or ():
        wanted = Requirement(line)
        condition = str(wanted.marker)
        if "extra ==" in condition and 'extra == "dev"' not in condition:
            found[wanted.name] = _version(wanted.name)
    return dict(sorted(found.items()))


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _cpu() -> str:
    about = Path("/proc/cpuinfo")
    lines = about.read_text(encoding="utf-8").splitlines() if about.is_file() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
