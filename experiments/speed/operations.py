"""Where the time of a step goes, by operation, with the least time that this machine's rates allow beside it.

Every operation below autograd and autocast is timed where torch hands it over, so a cast that autocast adds is one of
them. torch.profiler knows wall time alone, and not what an operation returns, which its bytes are counted from.
"""

from __future__ import annotations

import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from fine_tuning import PRECISIONS
from timing import CLOCK, copy_rate, matrix_rate, seconds
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry
from work import work

from poolsweep.data import Batch
from poolsweep.model.classifier import Classifier

BATCHES, REPEATS = 5, 3
CACHED = 2**22  # bytes that are still in a cache when the next operation reads them
_GATHERS = {"embedding", "index_select", "index"}  # they read as many rows as they give, not the whole table
Step = Callable[[Batch], object]


@dataclass
class Cost:
    """What calls of one operation took, and what they would at the machine's rates.

    Attributes:
        calls: Their number.
        seconds: Their time, without Python's.
        flops: Of matrix products.
        bytes: Read and written, in tensors that fit a cache and in others.
    """

    calls: float = 0
    seconds: float = 0.0
    flops: float = 0.0
    bytes: tuple[float, float] = (0.0, 0.0)

    def ideal(self, rate: float, copies: tuple[float, float]) -> float:
        """Seconds at the rate of products, or of memory if that is slower."""
        return max(self.flops / rate, self._moved(copies))

    def bound(self, rate: float, copies: tuple[float, float]) -> str:
        """Which of the two it is."""
        return "flops" if self.flops / rate > self._moved(copies) else "bytes"

    def divided(self, batches: int) -> Cost:
        """The cost of one batch."""
        cached, others = self.bytes
        return Cost(
            self.calls / batches, self.seconds / batches, self.flops / batches, (cached / batches, others / batches)
        )

    def _moved(self, copies: tuple[float, float]) -> float:
        return sum(moved / speed for moved, speed in zip(self.bytes, copies, strict=True))


class Operations(TorchDispatchMode):
    """Times every operation while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.costs: dict[str, Cost] = defaultdict(Cost)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        started = CLOCK()
        found = func(*args, **kwargs)
        took = CLOCK() - started
        packet = func._overloadpacket
        cost = self.costs[str(packet).removeprefix("aten.")]
        cost.calls += 1
        cost.seconds += took
        cost.flops += _flops(packet, args, kwargs, found)
        moved = 0 if func.is_view else _bytes(func, args, found)
        cached, others = cost.bytes
        cost.bytes = (cached + moved, others) if moved < CACHED else (cached, others + moved)
        return found


def _flops(packet: Any, args: Any, kwargs: Any, found: Any) -> float:
    name = str(packet)
    if name.startswith("mkldnn._linear"):
        return 2.0 * args[0].numel() * found.shape[-1]
    if name == "aten._scaled_dot_product_flash_attention_for_cpu":
        return 4.0 * args[0].numel() * args[1].shape[2]
    counted = flop_registry.get(packet)
    return 0.0 if counted is None else float(counted(*args, **kwargs, out_val=found))


def _bytes(func: Any, args: Any, found: Any) -> int:
    given = _sizes(found)
    if func._overloadpacket.__name__ in _GATHERS:
        return 2 * given
    written = [a.alias_info is not None and a.alias_info.is_write for a in func._schema.arguments[: len(args)]]
    read = sum(_sizes(each) for each in args)
    changed = sum(_sizes(each) for each, is_written in zip(args, written, strict=False) if is_written)
    return read + (changed or given)


def _sizes(values: object) -> int:
    return sum(leaf.numel() * leaf.element_size() for leaf in tree_leaves(values) if isinstance(leaf, Tensor))


def operations(data: str | None, *, rows: int) -> None:
    """Print a table for a fine-tuning step and one for an inference pass, in float32 and bfloat16.

    Args:
        data: Path of a csv file, or None for icd10.
        rows: Rows that batches are made of.
    """
    copies = copy_rate(CACHED // 2), copy_rate(2**27)
    print(f"memory: {copies[1] / 1e9:.1f} GB/s read and written, {copies[0] / 1e9:.1f} GB/s in a cache")
    for precision, dtype in PRECISIONS.items():
        rate = matrix_rate(dtype)
        for name, step_of in {"fine-tuning": training_step, "inference": inference_step}.items():
            with tempfile.TemporaryDirectory() as root:
                typed = "pooling=masked_mean", f"trainer.precision={precision}"
                made, _ = work(data, *typed, rows=rows, root=Path(root)).made()
                made.data.setup("fit")
                batches = list(made.data.train_dataloader())[:BATCHES]
                took, costs = measured(step_of(made.classifier, dtype), batches)
            tokens = sum(int(batch.mask.sum()) for batch in batches) / len(batches)
            print(f"\n**{name}, {str(dtype).removeprefix('torch.')}**: {1e3 * took:.1f} ms, {tokens:.0f} tokens\n")
            print("\n".join(table(costs, took=took, rate=rate, copies=copies)), flush=True)


def training_step(model: Classifier, dtype: torch.dtype) -> Step:
    """A step of a bare loop with the optimizer that a run has."""
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, fused=True)

    def step(batch: Batch) -> None:
        with _autocast(dtype):
            loss = model.mean_loss(model(batch), batch.targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


def inference_step(model: Classifier, dtype: torch.dtype) -> Step:
    """Logits of a batch, from a model that nobody trains any more."""
    model.eval().requires_grad_(requires_grad=False)

    def step(batch: Batch) -> None:
        with torch.no_grad(), _autocast(dtype):  # inference mode hides what a composite operation is made of
            model(batch)

    return step


def _autocast(dtype: torch.dtype) -> AbstractContextManager[object]:
    return torch.autocast("cpu", dtype=dtype) if dtype == torch.bfloat16 else nullcontext()


def measured(step: Step, batches: Sequence[Batch], *, repeats: int = REPEATS) -> tuple[float, dict[str, Cost]]:
    """Seconds of a batch, and what each operation costs in it.

    Args:
        step: Work on one batch.
        batches: Batches of one pass.
        repeats: Passes, timed as a whole and by operation in turn.
    """
    for batch in batches:
        step(batch)
    times, timed = [], Operations()
    for _ in range(repeats):
        times.append(seconds(lambda: [step(batch) for batch in batches]) / len(batches))
        with timed:
            for batch in batches:
                step(batch)
    shares = {name: cost.divided(repeats * len(batches)) for name, cost in timed.costs.items()}
    return statistics.median(times), shares


def table(costs: dict[str, Cost], *, took: float, rate: float, copies: tuple[float, float]) -> Iterator[str]:
    """Lines of a Markdown table, the dearest operation first; those below 1% of the batch in one line.

    Args:
        costs: Operation → cost in a batch.
        took: Seconds of a batch.
        rate: Products' operations per second.
        copies: Bytes per second in a cache, and beyond.
    """
    yield "| operation | calls | ms | share | ideal, ms | ideal by |"
    yield "|---|---:|---:|---:|---:|---|"
    ordered = sorted(costs.items(), key=lambda item: -item[1].seconds)
    large = [(name, cost) for name, cost in ordered if cost.seconds >= 0.01 * took]
    rest = [cost for name, cost in ordered if cost.seconds < 0.01 * took]
    lines = [
        (name, cost.calls, cost.seconds, cost.ideal(rate, copies), cost.bound(rate, copies)) for name, cost in large
    ]
    lines.append((f"{len(rest)} others", sum(c.calls for c in rest), sum(c.seconds for c in rest),
                  sum(c.ideal(rate, copies) for c in rest), "bytes"))  # fmt: skip
    within = sum(cost.seconds for cost in costs.values())
    lines.append(("between operations: Python, autograd", 0, took - within, 0.0, ""))
    lines.append(("all", sum(line[1] for line in lines), took, sum(line[3] for line in lines), ""))
    for name, calls, spent, ideal, bound in lines:
        yield f"| {name} | {calls:.0f} | {1e3 * spent:.2f} | {spent / took:.1%} | {1e3 * ideal:.2f} | {bound} |"
