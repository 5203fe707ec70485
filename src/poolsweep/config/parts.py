"""The swappable parts of a config: what each may be, and which of its arguments are derived."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import hydra.utils


@dataclass(frozen=True)
class Part:
    """What a ``_target_`` at one place of a config must be.

    Attributes:
        prefixes: Packages it may come from.
        base: Dotted path of the class it must derive from, or several of them; None = any function of those packages.
        derived: Arguments that ``build`` passes, so that no YAML holds them.
    """

    prefixes: tuple[str, ...]
    base: str | tuple[str, ...] | None = None
    derived: frozenset[str] = frozenset()

    @property
    def bases(self) -> tuple[str, ...]:
        """The dotted paths of ``base``."""
        return (self.base,) if isinstance(self.base, str) else self.base or ()


PARTS: dict[str, Part] = {
    "data": Part(("poolsweep.data.sources.",)),
    "encoder": Part(("poolsweep.encoder.",)),
    "encoder.adapter": Part(("poolsweep.encoder.adapter.",), "poolsweep.encoder.adapter.Adapter"),
    "pooling.layers": Part(
        ("poolsweep.pooling.",), "poolsweep.pooling.LayerMix", frozenset({"num_layers", "hidden_size"})
    ),
    "pooling.tokens": Part(("poolsweep.pooling.",), "poolsweep.pooling.TokenPooling", frozenset({"input_size"})),
    "pooling.chunks": Part(("poolsweep.pooling.",), "poolsweep.pooling.ChunkPooling", frozenset({"input_size"})),
    "pairs": Part(("poolsweep.pairs.",), "poolsweep.pairs.base.Pairs"),
    "postprocess": Part(
        ("poolsweep.postprocess.",), "poolsweep.postprocess.base.Postprocess", frozenset({"size", "frozen"})
    ),
    "head": Part(("poolsweep.head.",), "torch.nn.Module", frozenset({"input_size", "num_labels", "initializer_range"})),
    "loss": Part(("poolsweep.loss.",), "torch.nn.Module"),
    "optimizer": Part(("poolsweep.optimizer.",), derived=frozenset({"encoder", "pooling", "head", "fused"})),
    "scheduler": Part(("poolsweep.scheduler.",), derived=frozenset({"optimizer", "total_steps"})),
    "trainer": Part(
        ("pytorch_lightning.", "poolsweep.probe."),
        ("poolsweep.probe.Probe", "poolsweep.probe.untrained.Untrained", "pytorch_lightning.Trainer"),
        frozenset({"monitor", "loggers"}),
    ),
    "logger": Part(
        ("poolsweep.loggers.",),
        "pytorch_lightning.loggers.Logger",
        frozenset({"run_id", "run_folder", "group", "config"}),
    ),
    "own_metrics": Part(("torchmetrics.classification.", "torchmetrics.regression."), "torchmetrics.Metric"),
    "callbacks": Part(("poolsweep.", "pytorch_lightning."), "pytorch_lightning.Callback"),
}
NAMED = ("logger", "callbacks", "own_metrics")  # groups of several parts, each with a name of its own


def part_at(path: tuple[str, ...]) -> Part | None:
    """The part that a config path stands for; loggers, callbacks and own metrics are named one level down."""
    if len(path) == 2 and path[0] in NAMED:
        return PARTS[path[0]]
    return PARTS.get(".".join(path)) if path and path[0] not in NAMED else None


def base_classes(part: Part) -> Iterator[type]:
    """The classes one of which a part's target must derive from, each imported when it is asked for."""
    return map(hydra.utils.get_class, part.bases)
