"""Lists the poolings: what each computes, how large its vector is, what it learns."""

from __future__ import annotations

import inspect
from typing import Any

import hydra.utils
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from torch import nn

from poolsweep.pooling.base import LayerMix, TokenPooling
from poolsweep.pooling.pooling import Pooling
from poolsweep.pooling.presets import half_names, load_half, load_preset, preset_names


def print_catalogue(*, hidden_size: int, num_layers: int) -> None:
    """Print every preset and every half.

    Args:
        hidden_size: H of the encoder.
        num_layers: L of the encoder.
    """
    console = Console()
    title = f"presets, for an encoder of {num_layers} layers of {hidden_size}: pooling=…"
    table = _table(title, "preset", "layers h[l]", "then tokens x[t]", "dims", "parameters")
    for name in preset_names():
        pooling = build(load_preset(name), hidden_size=hidden_size, num_layers=num_layers)
        if isinstance(pooling, str):
            table.add_row(name, pooling, "", "", "")
        else:
            size = str(pooling.output_size)
            table.add_row(name, formula(pooling.layers), formula(pooling.tokens), size, f"{_count(pooling):,}")
    console.print(table)
    for kind, variable in (("layers", "h[l]"), ("tokens", "x[t]")):
        halves = _table(f"pooling/{kind}=…", kind, f"formula of {variable}", "what it is")
        for name in half_names(kind):
            node = load_half(kind, name)
            found = hydra.utils.get_class(node["_target_"])
            options = {k: v for k, v in node.items() if k != "_target_"}
            halves.add_row(name, getattr(found, "formula", "").format_map(options), _summary(found))
        console.print(halves)


def build(config: dict[str, dict[str, Any]], *, hidden_size: int, num_layers: int) -> Pooling | str:
    """Make a pooling from plain configs, or say why it does not fit such an encoder."""
    try:
        layers = _make(config["layers"], num_layers=num_layers, hidden_size=hidden_size)
        tokens = _make(config["tokens"], input_size=layers.output_size)
    except ValueError as error:
        return str(error)
    assert isinstance(layers, LayerMix)
    assert isinstance(tokens, TokenPooling)
    return Pooling(layers=layers, tokens=tokens)


def formula(half: LayerMix | TokenPooling) -> str:
    """A half's formula with its own options filled in.

    Example:
        >>> from poolsweep.pooling.layers.concat import Concat
        >>> formula(Concat(last=4, num_layers=6, hidden_size=8))
        '[h[-4]; …; h[-1]]'
    """
    return half.formula.format_map(vars(half))


def _make(node: dict[str, Any], **derived: int) -> Any:  # noqa: ANN401
    options = {key: value for key, value in node.items() if key != "_target_"}
    return hydra.utils.get_class(node["_target_"])(**options, **derived)


def _summary(found: type) -> str:
    return (inspect.getdoc(found) or "").strip().split("\n\n")[0].replace("\n", " ")


def _count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for name in columns:
        table.add_column(name, overflow="fold", justify="right" if name in {"dims", "parameters"} else "left")
    return table
