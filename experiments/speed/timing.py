"""Ratios of times measured side by side, and what the machine's matrix multiplication could do."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import torch

REPEATS = int(os.environ.get("BENCH_REPEATS", "3"))
# On a machine that others use too, BENCH_CLOCK=cpu with OMP_NUM_THREADS=1 counts this process's own time.
CLOCK = time.process_time if os.environ.get("BENCH_CLOCK") == "cpu" else time.perf_counter


@dataclass(frozen=True)
class Compared:
    """Times of the same work done by several tools, interleaved.

    Attributes:
        seconds: Tool → one time per repeat; the first tool is poolsweep.
        examples: Of one repeat.
        flops: Useful floating-point operations of one repeat: those on real tokens.
    """

    seconds: Mapping[str, Sequence[float]]
    examples: int
    flops: float

    def say(self, name: str, *, rate: float) -> None:
        """Print each peer's time by poolsweep's, both speeds and their share of the matrix rate."""
        ours, *peers = self.seconds
        for peer in peers:
            ratios = [b / a for a, b in zip(self.seconds[ours], self.seconds[peer], strict=True)]
            speeds = [self.examples / statistics.median(self.seconds[tool]) for tool in (ours, peer)]
            shares = [self.flops / statistics.median(self.seconds[tool]) / rate for tool in (ours, peer)]
            used = f", {shares[0]:.2f} against {shares[1]:.2f} of the matrix rate" if self.flops else ""
            print(
                f"{name:<34} {peer:<24} {statistics.median(ratios):5.2f}× ({min(ratios):.2f} to {max(ratios):.2f})  "
                f"{speeds[0]:7.1f} against {speeds[1]:7.1f} examples/s{used}",
                flush=True,
            )


def compare(
    work: Mapping[str, Callable[[], float]], *, examples: int, flops: float, repeats: int = REPEATS
) -> Compared:
    """Call every tool in turn, ``repeats`` times.

    Args:
        work: Tool → does the work and returns the seconds it counts.
        examples: Of one call.
        flops: Useful operations of one call.
        repeats: Of all.
    """
    found: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(repeats):
        for name, run in work.items():
            found[name].append(run())
    return Compared(found, examples, flops)


def seconds(work: Callable[[], object]) -> float:
    """Time of one call by the chosen clock."""
    started = CLOCK()
    work()
    return CLOCK() - started


def matrix_rate(dtype: torch.dtype, *, tokens: int = 1024, hidden: int = 384, inner: int = 1536) -> float:
    """Operations per second of this machine's matrix multiplication, of the shape of MiniLM's feed-forward.

    The faster of torch's matrix product and its convolution of width 1, the same product by another library, which the
    dilation makes a single thread use, too.
    """
    torch.empty(7_500_000)  # once 30 MB are freed, glibc keeps what products of 6 MB take
    a, b = torch.randn(tokens, hidden, dtype=dtype), torch.randn(hidden, inner, dtype=dtype)
    pixels, kernel = a.view(1, 1, tokens, hidden).permute(0, 3, 1, 2), b.t().contiguous()[:, :, None, None]
    return max(
        2 * tokens * hidden * inner / _median(multiply)
        for multiply in (lambda: a @ b, lambda: torch.nn.functional.conv2d(pixels, kernel, dilation=(2, 1)))
    )


def copy_rate(size: int) -> float:
    """Bytes per second that are read and written where ``size`` bytes are copied."""
    source = torch.ones(size // 4)
    target = torch.empty_like(source)
    return 2 * size / _median(lambda: target.copy_(source))


def _median(work: Callable[[], object]) -> float:
    """Seconds of one call."""
    seconds(work)
    times: list[float] = []
    while len(times) < 3 or (sum(times) < 0.5 and len(times) < 50):
        times.append(seconds(work))
    return statistics.median(times)


@cache
def has_fast_bfloat16() -> bool:
    """Whether bfloat16 matrices multiply faster than float32 ones: a CPU without instructions for it emulates them."""
    return matrix_rate(torch.bfloat16) > matrix_rate(torch.float32)


def useful_flops(lengths: Sequence[int], *, hidden: int = 384, inner: int = 1536, layers: int = 6) -> float:
    """Operations of one forward pass of an encoder over real tokens; a training step takes three times as many.

    Args:
        lengths: Tokens of each text.
        hidden: H.
        inner: Of the feed-forward.
        layers: L.
    """
    projections = sum(lengths) * 2 * (4 * hidden * hidden + 2 * hidden * inner)
    attention = sum(4 * length * length * hidden for length in lengths)
    return float(layers * (projections + attention))
