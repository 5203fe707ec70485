"""Times of steps on a device, interleaved, with their peak memory."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from gpu_models import Setting
from transformers import PreTrainedConfig

from poolsweep.data import Batch

Step = Callable[[Batch], object]


@dataclass(frozen=True)
class Timed:
    """Times of the same batches by several tools; the first is poolsweep.

    Attributes:
        seconds: Tool → one time per repeat.
        peak: Tool → most memory, MiB.
        examples: Of one repeat.
    """

    seconds: Mapping[str, Sequence[float]]
    peak: Mapping[str, float]
    examples: int

    def ratio(self, ours: str | None = None, other: str | None = None, *, inverse: bool = False) -> str:
        """Another tool's time by ours, or the inverse: median, least and greatest."""
        names = list(self.seconds)
        pairs = zip(self.seconds[ours or names[0]], self.seconds[other or names[1]], strict=True)
        found = [a / b if inverse else b / a for a, b in pairs]
        return f"{statistics.median(found):.2f}× ({min(found):.2f} to {max(found):.2f})"

    def speeds(self) -> str:
        """Examples per second of each tool."""
        return "; ".join(f"{self.examples / statistics.median(times):.0f}" for times in self.seconds.values())

    def shares(self, flops: float, rate: float) -> str:
        """Share of the matrix rate of each tool."""
        return "; ".join(f"{flops / statistics.median(times) / rate:.2f}" for times in self.seconds.values())

    def peaks(self) -> str:
        """Peak memory of each tool."""
        return "; ".join(f"{most:.0f}" for most in self.peak.values())


def interleaved(tools: Mapping[str, Step], batches: Sequence[Batch], setting: Setting) -> Timed:
    """Let every tool do all batches in turn, after a turn that warms it up.

    Args:
        tools: Tool → one step on a batch.
        batches: On the device.
        setting: Device and number of repeats.
    """
    is_cuda = setting.device == "cuda"
    times: dict[str, list[float]] = {tool: [] for tool in tools}
    peaks: dict[str, float] = {}
    for repeat in range(setting.repeats + 1):
        for tool, step in tools.items():
            if is_cuda:
                torch.cuda.reset_peak_memory_stats()
                torch.cuda.synchronize()
            started = time.perf_counter()
            for batch in batches:
                step(batch)
            if is_cuda:
                torch.cuda.synchronize()
            if repeat:
                times[tool].append(time.perf_counter() - started)
            peaks[tool] = torch.cuda.max_memory_allocated() / 2**20 if is_cuda else 0.0
    return Timed(times, peaks, sum(len(batch) for batch in batches))


def matrix_rate(device: str, config: PreTrainedConfig) -> float:
    """Operations per second of bfloat16 products of the shape of a model's feed-forward."""
    tokens, hidden, inner = 8192 if device == "cuda" else 256, config.hidden_size, config.intermediate_size
    a = torch.randn(tokens, hidden, dtype=torch.bfloat16, device=device)
    b = torch.randn(hidden, inner, dtype=torch.bfloat16, device=device)
    times = []
    for _ in range(30):
        started = time.perf_counter()
        for _ in range(10):
            torch.matmul(a, b)
        if device == "cuda":
            torch.cuda.synchronize()
        times.append((time.perf_counter() - started) / 10)
    return 2 * tokens * hidden * inner / statistics.median(times)
