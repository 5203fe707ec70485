"""Which cores and GPUs each of the runs gets that go on at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass(frozen=True)
class Slot:
    """Room for one run.

    Attributes:
        cores: Numbers of the cores it is bound to; empty where the system cannot bind processes.
        threads: How many threads its matrix products use.
        gpus: What ``CUDA_VISIBLE_DEVICES`` names; None = it is left as it is.
    """

    cores: tuple[int, ...]
    threads: int
    gpus: tuple[str, ...] | None = None

    def environment(self, before: Mapping[str, str]) -> dict[str, str]:
        """The environment variables of its process; a number of threads that the user has set stays.

        Args:
            before: Those of this process.
        """
        threads = {name: before.get(name) or str(self.threads) for name in _THREADS}
        visible = {} if self.gpus is None else {"CUDA_VISIBLE_DEVICES": ",".join(self.gpus)}
        return {**before, **threads, **visible}


def make_slots(
    *, cores: Sequence[int], gpus: Sequence[str], gpus_per_run: int, runs_at_once: int | None, runs_per_gpu: int
) -> list[Slot]:
    """Divide cores and GPUs: no two runs share a core as long as there are enough.

    Args:
        cores: Usable ones; neighbours share the most.
        gpus: Names of GPUs, as in ``CUDA_VISIBLE_DEVICES``; empty = runs on the CPU.
        gpus_per_run: How many each run trains on.
        runs_at_once: None = one per GPU, or one per two cores and at least two where there are two.
        runs_per_gpu: How many share a GPU.
    Example:
        >>> [slot.cores for slot in make_slots(cores=range(5), gpus=[], gpus_per_run=0, runs_at_once=2, runs_per_gpu=1)]
        [(0, 1, 2), (3, 4)]
    """
    groups = [tuple(gpus[i : i + gpus_per_run]) for i in range(0, len(gpus), gpus_per_run)] if gpus else []
    groups = [group for group in groups if len(group) == gpus_per_run] * runs_per_gpu
    if runs_at_once is None:
        runs_at_once = len(groups) or min(len(cores), max(2, len(cores) // 2))
    shares = [_share(cores, i, runs_at_once) for i in range(runs_at_once)]
    return [
        Slot(share, max(1, len(share)), groups[i % len(groups)] if groups else None) for i, share in enumerate(shares)
    ]


def _share(cores: Sequence[int], index: int, count: int) -> tuple[int, ...]:
    if count > len(cores):
        return (cores[index % len(cores)],)
    size, longer = divmod(len(cores), count)
    start = index * size + min(index, longer)
    return tuple(cores[start : start + size + (index < longer)])


def visible_gpus(*, count: int, chosen: Sequence[int] | None, environment: Mapping[str, str]) -> list[str]:
    """GPUs as ``CUDA_VISIBLE_DEVICES`` names them.

    Args:
        count: How many torch sees.
        chosen: Which of them, counted from 0; None = all.
        environment: Names the visible ones, if it restricts them.
    Raises:
        ValueError: If one is chosen that is not visible.
    Example:
        >>> visible_gpus(count=2, chosen=[1], environment={"CUDA_VISIBLE_DEVICES": "4,GPU-8a"})
        ['GPU-8a']
    """
    named = environment.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        names, shows = [str(index) for index in range(count)], f"torch sees {count} here"
    else:
        names = [name.strip() for name in named.split(",") if name.strip()][:count]
        shows = f"CUDA_VISIBLE_DEVICES={named} shows {names}"
    if chosen is None:
        return names
    if isinstance(chosen, str) or not isinstance(chosen, Sequence) or any(type(index) is not int for index in chosen):
        raise ValueError(f"hydra.launcher.gpus must be a list of the numbers of GPUs, [0, 2] say, got {chosen!r}")
    beyond = [index for index in chosen if not 0 <= index < len(names)]
    if beyond:
        raise ValueError(f"hydra.launcher.gpus names GPU {beyond[0]}, and {shows}")
    return [names[index] for index in chosen]
