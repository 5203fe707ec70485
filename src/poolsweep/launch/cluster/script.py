"""The sbatch scripts of a sweep, for those who submit them by hand."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from poolsweep.launch.cluster.limits import Limits, Shape, parameters, shape_of
from poolsweep.launch.cluster.submit import arrays, job_name
from poolsweep.launch.launcher import Job
from poolsweep.process.interpreter import python_in_shell


def scripts(runs: Sequence[Job], *, study: Path, limits: Limits, flags: Sequence[str] = ()) -> list[str]:
    """One script per array; each carries its runs in itself and may be stored, edited and given to sbatch.

    Args:
        runs: Those that are missing.
        study: Their study's folder.
        limits: Limits of each job.
        flags: Flags of each run's ``poolsweep train``.
    """
    shapes = {run.folder: shape_of(run.config, limits) for run in runs}
    found = arrays(runs, shapes=shapes, size=limits.array_size)
    return [script(part, shape=shape, name=job_name(study), limits=limits, flags=flags) for shape, part in found]


def script(runs: Sequence[Job], *, shape: Shape, name: str, limits: Limits, flags: Sequence[str] = ()) -> str:
    """An array of runs that need the same nodes and devices.

    Args:
        runs: In the order of the array's indices.
        shape: What they need.
        name: Name of the job.
        limits: Limits of each job.
        flags: Flags of each run's ``poolsweep train``.
    """
    from submitit.slurm.slurm import _make_sbatch_string  # the same header as that of the jobs we submit

    given = parameters(limits, shape, name=name)
    more = {"output": "slurm-%A_%a.out", **given.pop("additional_parameters")}
    srun = shlex.join(["srun", "--unbuffered", *given.pop("srun_args")])
    cases = [f"  {i}) set -- {shlex.join(run.overrides)} ;;" for i, run in enumerate(runs)]
    train = shlex.join(["train", *flags])
    given["setup"] = [*given["setup"], "", "# the runs", 'case "$SLURM_ARRAY_TASK_ID" in', *cases, "esac"]
    return _make_sbatch_string(
        command=f'{srun} {python_in_shell(limits.python)} -m poolsweep {train} "$@"',
        folder=".",
        map_count=len(runs),
        additional_parameters=more,
        use_srun=False,
        **given,
    )
