"""Lists the poolings: what each computes, where it comes from, how large its vector is, what it learns."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from torch import nn

from poolsweep.conf_dir import conf_dir
from poolsweep.pooling.base import LayerMix, TokenPooling
from poolsweep.pooling.chunks.base import ChunkPooling
from poolsweep.pooling.make import make_chunks, make_layers, make_pooling, make_tokens
from poolsweep.pooling.pooling import Pooling
from poolsweep.pooling.presets import describe, half_names, load_half, load_preset, preset_names
from poolsweep.terminal.console import Console

Part = Pooling | LayerMix | TokenPooling | ChunkPooling


def print_catalogue(*, hidden_size: int, num_layers: int, console: Console | None = None) -> None:
    """Print every preset, every half, and every way to read long texts.

    Args:
        hidden_size: H of the encoder.
        num_layers: L of the encoder.
        console: Place to print to; None = standard output.
    """
    console = console or Console()
    folder = conf_dir() / "pooling"
    _heading(console, f"presets (pooling=NAME), for an encoder of {num_layers} layers of {hidden_size}")
    for name in preset_names():
        preset = load_preset(name)

        _entry(
            console, name, describe(folder / f"{name}.yaml"),
            lambda preset=preset: make_pooling(preset, num_layers=num_layers, hidden_size=hidden_size),
        )  # fmt: skip
    _heading(console, "layer mixes (pooling/layers=NAME): h[l] is layer l, 0 = embeddings, -1 = last")
    for name in half_names("layers"):
        node = load_half("layers", name)
        _entry(
            console, name, describe(folder / "layers" / f"{name}.yaml"),
            lambda node=node: make_layers(node, num_layers=num_layers, hidden_size=hidden_size),
        )  # fmt: skip
    _heading(
        console, "token poolings (pooling/tokens=NAME): x[t] is token t of the mixed layers, m[t] = 1 if it is real"
    )
    for name in half_names("tokens"):
        node = load_half("tokens", name)
        _entry(
            console, name, describe(folder / "tokens" / f"{name}.yaml"),
            lambda node=node: make_tokens(node, input_size=hidden_size),
        )  # fmt: skip
    _heading(console, "long texts (pooling/chunks=NAME): w[k] is the vector of window k of K")
    for name in half_names("chunks"):
        node = load_half("chunks", name)
        _entry(
            console, name, describe(folder / "chunks" / f"{name}.yaml"),
            lambda node=node: make_chunks(node, input_size=hidden_size),
        )  # fmt: skip


def formula(part: Part) -> str:
    """The formula of a pooling or of a half, its own options filled in.

    Example:
        >>> from poolsweep.pooling.tokens.max import Max
        >>> formula(Max(input_size=8))
        'max_t x[t]'
    """
    if isinstance(part, Pooling):
        return f"{formula(part.layers)}  →  {formula(part.tokens)}"
    return part.formula.format_map(vars(part))


def _entry(console: Console, name: str, summary: str, make: Callable[[], Part]) -> None:
    try:
        part = make()
    except ValueError as error:  # it does not go with an encoder of this size
        console.say(Text.assemble((f"  {name:<24}", "bold"), str(error)))
        return
    size = f"{part.output_size:>6} dims {count(part):>11,} parameters"
    console.say(Text.assemble((f"  {name:<24}", "bold"), size))
    console.say(f"      {formula(part)}", style="cyan", hang=2)
    console.say(f"      {summary}", hang=2)
    console.say(f"      {sources(part)}", style="dim")


def sources(part: Part) -> str:
    """The citations of a pooling or of a half, each once."""
    found = [part.layers.source, part.tokens.source] if isinstance(part, Pooling) else [part.source]
    return "; ".join(dict.fromkeys(source for source in found if source))


def count(module: nn.Module) -> int:
    """Parameters, trained or not."""
    return sum(p.numel() for p in module.parameters())


def _heading(console: Console, text: str) -> None:
    console.say(f"\n{text}", style="bold")
