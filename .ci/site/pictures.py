"""Pictures of what poolings read, drawn from what each reads on a small encoder: tokens by layers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import torch
from torch import Tensor, nn

from poolsweep.data.reading import Reading
from poolsweep.data.text_reader import reader
from poolsweep.data.token_rows import rows_for
from poolsweep.data.tokenise import tokenise_at_once
from poolsweep.encoder.tiny import tiny
from poolsweep.pooling.base import PoolingContext
from poolsweep.pooling.make import make_pooling
from poolsweep.pooling.pooling import Pooling

NUM_LAYERS = 6
_TEXTS = ("never", "forever")  # the first is drawn, the second pads it
_DRAWS = 3
_SPECIAL = {"cls", "sep", "mask", "·"}
_SIDE, _LEFT = 18, 34
_STYLE = """<style>
text{font:10px system-ui,sans-serif;fill:#555}.e,.s,.p{fill:none;stroke:#bbb}.s{fill:#8882}.p{fill:#8885}
.w{fill:#1565c0}.v{fill:#c25b00}
@media(prefers-color-scheme:dark){text{fill:#bbb}.e,.s,.p{stroke:#666}.w{fill:#64b5f6}.v{fill:#ffa64d}}
</style>"""


@dataclass(frozen=True)
class Reads:
    """What a pooling reads of one padded text.

    Attributes:
        weights: Share of each state in the vector, (layers + 1, T); row 0 = embeddings.
        fixed: Whether shares are the same whatever the states and the pooling's own weights are.
        names: Name of each token; a dot stands for the words of a template.
    """

    weights: Tensor
    fixed: bool
    names: tuple[str, ...]


def picture(halves: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """An SVG of what a pooling reads, and the same in words.

    Args:
        halves: Options of ``layers`` and ``tokens``.
    """
    found = reads(halves)
    told = f"It reads {_in_words(found)}"
    return _svg(found, told), told


def reads(halves: Mapping[str, Mapping[str, Any]]) -> Reads:
    """Measure what a pooling reads: how each state moves its vector.

    The states and the pooling's weights are drawn several times. Where the shares stay the same, nothing but the place
    of a token and its layer decides them.
    """
    draws = [_one_draw(_shortened(halves), seed) for seed in range(_DRAWS)]
    shares = torch.stack([draw.weights / draw.weights.sum() for draw in draws])
    fixed = bool((shares - shares[0]).abs().max() < 1e-5)
    return replace(draws[0], weights=shares.mean(dim=0), fixed=fixed)


def _one_draw(halves: Mapping[str, Mapping[str, Any]], seed: int) -> Reads:
    loaded = tiny(num_layers=NUM_LAYERS, attention="eager", dropout=0.0, weights_seed=seed)
    encoder, tokenizer = loaded.encoder, loaded.tokenizer
    pooling = _redrawn(make_pooling(halves, num_layers=NUM_LAYERS, hidden_size=encoder.hidden_size), seed)
    read = reader(tokenizer, Reading(128, pooling.template), pair=False)
    rows = rows_for(loaded, tokenise_at_once(read, list(_TEXTS), None), context={"special", "template"})
    batch = rows.__getitems__(range(len(_TEXTS)))
    assert batch.input_ids is not None
    with torch.no_grad():
        output = encoder(batch.input_ids, batch.mask, layers=pooling.layers_needed, context={"attentions"})
    states = tuple(state.requires_grad_() for state in output.hidden)
    pooled_by_encoder = encoder.pooler(states[-1][:, :1]) if encoder.pooler is not None else None
    weights = torch.zeros(NUM_LAYERS + 1, batch.mask.shape[1])
    moved = _moved(pooling, states, batch.mask, batch.context(pooled_by_encoder, output.attentions))
    weights[list(pooling.layers_needed)] = moved
    tokens = tokenizer.convert_ids_to_tokens(batch.input_ids[0].tolist())
    return Reads(weights, False, _names(tokens, in_template=pooling.template is not None))


def _moved(pooling: Pooling, states: tuple[Tensor, ...], mask: Tensor, context: PoolingContext) -> Tensor:
    """How the first row's vector moves with each state: the summed absolute derivatives, (layers needed, T)."""
    vector = pooling(states, mask, context)[0]
    found = torch.zeros(len(states), mask.shape[1])
    for number in vector:
        for layer, slope in enumerate(torch.autograd.grad(number, states, retain_graph=True, allow_unused=True)):
            if slope is not None:
                found[layer] += slope[0].abs().sum(dim=-1)
    return found


def _redrawn(pooling: Pooling, seed: int) -> Pooling:
    """The pooling with weights as no start of training has them, so that a zero at the start hides nothing."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in pooling.parameters():
        nn.init.uniform_(parameter, 0.2, 1.0, generator=generator)
    return pooling.eval()


def _shortened(halves: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The same halves; of a template each run of words is one token."""
    short = {kind: dict(options) for kind, options in halves.items()}
    if "template" in short["tokens"]:
        parts = re.split(r"(\{text\}|\[MASK\])", short["tokens"]["template"])
        words = (part if i % 2 else ":" if part.strip() else "" for i, part in enumerate(parts))
        short["tokens"]["template"] = " ".join(words).strip()
    return short


def _names(tokens: list[str], *, in_template: bool) -> tuple[str, ...]:
    bare = (token.removeprefix("##").strip("[]").lower() if len(token) > 3 else token[-1] for token in tokens)
    return tuple("·" if in_template and name == ":" else name for name in bare)


def _in_words(found: Reads) -> str:
    rows = [i for i, row in enumerate(found.weights) if row.sum() > 0]
    layers = "the embeddings" if rows == [0] else "the embeddings and " if rows[0] == 0 else ""
    if above := [row for row in rows if row > 0]:
        consecutive = len(above) > 2 and above[-1] - above[0] == len(above) - 1
        numbers = f"{above[0]} to {above[-1]}" if consecutive else " and ".join(map(str, above))
        layers += f"layer{'s' if len(above) > 1 else ''} {numbers} of {NUM_LAYERS}"
    columns = [name for name, weight in zip(found.names, found.weights.sum(dim=0), strict=True) if weight > 0]
    how = "fixed weights" if found.fixed else "weights that follow from the text or from training"
    return f"{layers}, at {' '.join(columns)}, with {how}"


def _svg(found: Reads, told: str) -> str:
    width, height = _LEFT + _SIDE * len(found.names) + 2, _SIDE * (NUM_LAYERS + 1) + 42
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img"><title>{escape(told)}</title>{_STYLE}',
        *_cells(found),
        *_labels(found),
        "</svg>",
    ]
    return "".join(parts) + "\n"


def _cells(found: Reads) -> Iterator[str]:
    """Paths of squares that look alike."""
    shades = found.weights / found.weights.max() if found.fixed else (found.weights > 0) * 0.75
    squares: dict[str, list[str]] = {}
    for layer, row in enumerate(shades.tolist()):
        for place, (shade, name) in enumerate(zip(row, found.names, strict=True)):
            square = f"M{_LEFT + _SIDE * place} {_SIDE * (NUM_LAYERS - layer) + 1.5}h15v15h-15z"
            squares.setdefault(f'class="{"p" if name == "pad" else "s" if name in _SPECIAL else "e"}"', []).append(
                square
            )
            if shade > 0:
                look = f'class="{"w" if found.fixed else "v"}" opacity="{shade:.2f}"'
                squares.setdefault(look, []).append(square)
    yield from (f'<path {look} d="{"".join(drawn)}"/>' for look, drawn in squares.items())


def _labels(found: Reads) -> Iterator[str]:
    for layer in range(NUM_LAYERS + 1):
        y = _SIDE * (NUM_LAYERS - layer) + 12
        yield f'<text x="{_LEFT - 6}" y="{y}" text-anchor="end">{layer or "emb."}</text>'
    y = _SIDE * (NUM_LAYERS + 1) + 3
    for place, name in enumerate(found.names):
        x = _LEFT + _SIDE * place + 7
        upright = ' text-anchor="middle" dy="8"'
        turned = f' text-anchor="end" transform="rotate(-90 {x} {y})" dy="3"'
        yield f'<text x="{x}" y="{y}"{turned if len(name) > 1 else upright}>{escape(name)}</text>'
