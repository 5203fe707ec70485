"""The last layer for the first token of each text alone, where the pooling reads no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from poolsweep.encoder.packing import Packing

_PROJECTIONS = (("key", "value"), ("k_lin", "v_lin"), ("k_proj", "v_proj"))


@dataclass(frozen=True)
class FirstTokens:
    """What attention is handed instead of a ``Packing``: queries of first tokens, keys and values of all.

    Attributes:
        packing: The batch's layout.
        hidden: (1, N, H) states below the layer.
        projected: Keys, then values, of all tokens; (1, N, heads · d) each.
    """

    packing: Packing
    hidden: Tensor
    projected: list[Tensor] = field(default_factory=list)

    def take(self, values: Tensor) -> Tensor:
        """The first token of each text; (1, N, …) → (1, texts, …)."""
        return values.index_select(1, self.packing.firsts)


class FirstTokenLayer:
    """Makes a layer of a packed model compute query, attention output and feed-forward of first tokens alone.

    The layer's own code runs, on a row that holds nothing but first tokens; the two projections that give keys and
    values are handed all tokens instead. That takes two projections that are modules of their own: a model that makes
    query, key and value in one (ModernBERT) is left as it is.

    Args:
        layer: The highest layer that is run.
    """

    def __init__(self, layer: nn.Module) -> None:
        self._now: FirstTokens | None = None
        attention, self.projections = _key_and_value(layer)
        if attention is not None:
            layer.register_forward_pre_hook(_select, with_kwargs=True)
            # Apart from the layer's hook, since gradient checkpointing runs the layer's forward again without it.
            attention.register_forward_pre_hook(self._enter, with_kwargs=True)
            attention.register_forward_hook(self._leave, always_call=True)
        for projection in self.projections:
            projection.register_forward_pre_hook(self._read_all)
            projection.register_forward_hook(self._keep)

    def _enter(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:  # noqa: ANN401
        packing = kwargs.get("packing")
        if isinstance(packing, FirstTokens):
            packing.projected.clear()
            self._now = packing

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:  # noqa: ANN401
        self._now = None

    def _read_all(self, module: nn.Module, args: tuple[Any, ...]) -> Any:  # noqa: ANN401
        return None if self._now is None else (self._now.hidden,)

    def _keep(self, module: nn.Module, args: Any, output: Tensor) -> Tensor | None:  # noqa: ANN401
        if self._now is None:
            return None
        self._now.projected.append(output)
        return self._now.take(output)  # of the shape that the layer expects; attention reads the whole


def _select(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any] | None:
    packing = kwargs.get("packing")
    if not isinstance(packing, Packing) or not packing.only_first or not args:
        return None
    first = FirstTokens(packing, args[0])
    return (first.take(args[0]), *args[1:]), {**kwargs, "packing": first}


def _key_and_value(layer: nn.Module) -> tuple[nn.Module | None, Sequence[nn.Module]]:
    """The module of a layer that has keys and values apart, and these two."""
    for module in layer.modules():
        children = dict(module.named_children())
        for names in _PROJECTIONS:
            if all(name in children for name in names):
                return module, [children[name] for name in names]
    return None, []
