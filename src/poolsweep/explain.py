"""Looks inside a run: what each token and each layer of a text contributed to its vector."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from poolsweep.encoder import EncoderOutput
from poolsweep.errors import UserError, nearest
from poolsweep.files.writing import write_whole
from poolsweep.terminal.console import Console
from poolsweep.terminal.text import number
from poolsweep.training.load import LoadedRun, load_run

_WHAT = {
    "weights": "weight of each token's vector in the pooled vector",
    "shares": "share of the vector's dimensions that each token won",
    "attention": "the encoder's own attention from the first token, last layer, mean over heads",
    "last_attention": "the encoder's own attention from the last token, last layer, mean over heads",
    "layers": "weight of each layer",
}

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title><style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.6 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }}
h1 {{ font-size: 1.2rem; overflow-wrap: anywhere }}
h2 {{ font-size: 1.05rem; margin-bottom: .2rem }}
p {{ margin: .3rem 0 }}
td {{ padding-right: 1.5rem }}
.tokens span {{ display: inline-block; padding: .1rem .35rem; margin: .1rem; border-radius: .3rem; color: #111;
  background: color-mix(in srgb, #e8833a calc(var(--w) * 100%), #f2f2f2) }}
</style></head><body><h1>{title}</h1>
{sections}
</body></html>
"""


@dataclass(frozen=True)
class Explanation:
    """What a run made of one text.

    Attributes:
        text: Text, as given.
        tokens: Tokens, as the encoder read them; with two towers those of both texts.
        predicted: What the task predicts, in words, each with its probability if it has one.
        token_values: Kind → one value per token; kinds of several heads are ``kind (head i)``.
        layer_values: Layer index → weight; empty where layers have no weights.
    """

    text: str
    tokens: tuple[str, ...]
    predicted: tuple[str, ...]
    token_values: Mapping[str, tuple[float, ...]]
    layer_values: Mapping[int, float]


def explain(run: LoadedRun, text: str, pair: str | None = None, *, label: str | None = None) -> Explanation:
    """Run one text through a run and read off what its pooling did.

    Args:
        run: Loaded with ``attention="eager"`` if the encoder's own attentions are wanted.
        text: Any text.
        pair: The second text, where the run read pairs.
        label: A label whose probability is wanted, instead of what is predicted.
    """
    batch = run.batch([text], None if pair is None else [pair])
    pooling, encoder = run.classifier.pooling, run.loaded.encoder
    if batch.windows is not None and len(batch.mask) > len(batch.windows.places):
        raise UserError(
            f"pooling={run.config.pooling_name} reads this text in {len(batch.mask)} windows, and explain shows one: "
            f"give a part of at most {run.reading.max_length} tokens"
        )
    assert batch.input_ids is not None
    wanted = {*pooling.context_needed} | ({"attentions"} if encoder.gives_attentions else set())
    with torch.no_grad():
        output: EncoderOutput = encoder(
            batch.input_ids, batch.mask, batch.token_type_ids, layers=pooling.layers_needed, context=wanted
        )
        context = batch.context(output.pooler_output, output.attentions)
        found = dict(pooling.explain(output.hidden, batch.mask, context))
        outputs = run.config.task.predicted(run.contract, run.classifier(batch)).numpy()
    layers = found.pop("layers", None)
    if output.attentions is not None:
        by_query = output.attentions[-1].mean(dim=1)
        if run.loaded.promises.first_sees_text:
            found["attention"] = by_query[:, 0]
        else:
            ends = batch.mask.sum(dim=1) - 1
            found["last_attention"] = by_query[torch.arange(len(ends)), ends]
    return Explanation(
        text=text if pair is None else f"{text} | {pair}",
        tokens=tuple(run.loaded.tokenizer.convert_ids_to_tokens(batch.input_ids[batch.mask].tolist())),
        predicted=_in_words(run, outputs, label=label),
        token_values={
            name: values for kind, value in found.items() for name, values in _by_head(kind, _real(value, batch.mask))
        },
        layer_values={} if layers is None else _by_layer(layers, pooling.layers_needed, batch.mask),
    )


def explain_run(
    path: Path,
    texts: Sequence[str],
    *,
    page: Path | None,
    pairs: Sequence[str] | None = None,
    label: str | None = None,
    trusted: Sequence[str] = (),
    trust_remote_code: bool = False,
) -> None:
    """Print explanations of some texts and, if asked, write them as a page.

    Args:
        path: A run folder.
        texts: What to read.
        page: An HTML file to write.
        pairs: The second text of each, where the run read pairs.
        label: A label whose probability is wanted, instead of what is predicted.
        trusted: Packages of your own whose classes the run names.
        trust_remote_code: Run the model code that the run's encoder carries.
    """
    run = load_run(path, attention="eager", trusted=trusted, trust_remote_code=trust_remote_code)
    if pairs is not None and len(pairs) != len(texts):
        raise UserError(f"there must be a --text-pair for each --text, got {len(pairs)} for {len(texts)}")
    if label is not None:
        _require_label(run, label)
    found = [
        explain(run, text, pair, label=label) for text, pair in zip(texts, pairs or [None] * len(texts), strict=True)
    ]
    console = Console()
    for one in found:
        print_explanation(one, console=console)
    if page is not None:
        write_page(found, title=str(path), path=page)
        console.print(str(page), soft_wrap=True)


def print_explanation(found: Explanation, *, console: Console) -> None:
    """Print one explanation: a line per token with a bar per value."""
    console.say(found.text, style="bold")
    for line in found.predicted:
        console.say(line)
    for kind, values in found.token_values.items():
        console.say(f"\n{kind}: {_describe(kind)}")
        largest = max(map(abs, values)) or 1.0
        for token, value in zip(found.tokens, values, strict=True):
            bar = "█" * round(30 * abs(value) / largest)
            console.print(f"  {token:<20}{number(value, '>9.4f')}  {bar}", soft_wrap=True)
    if found.layer_values:
        console.say(f"\nlayers: {_WHAT['layers']}")
        for layer, value in found.layer_values.items():
            name = "embeddings" if layer == 0 else f"layer {layer}"
            console.print(f"  {name:<20}{number(value, '>9.4f')}", soft_wrap=True)
    if not found.token_values and not found.layer_values:
        console.say("this pooling has no weights to show")


def write_page(found: Sequence[Explanation], *, title: str, path: Path) -> None:
    """Write explanations as one HTML file without scripts or network, every text escaped."""
    sections = "\n".join(_section(one) for one in found)
    page = _PAGE.format(title=html.escape(title), sections=sections)
    with write_whole(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _section(found: Explanation) -> str:
    parts = [
        f"<h2>{html.escape(found.text)}</h2>",
        *(f"<p>{html.escape(line)}</p>" for line in found.predicted),
    ]
    for kind, values in found.token_values.items():
        largest = max(map(abs, values)) or 1.0
        spans = "".join(
            f'<span style="--w:{abs(value) / largest:.3f}" title="{number(value, ".4f")}">{html.escape(token)}</span>'
            for token, value in zip(found.tokens, values, strict=True)
        )
        parts.append(f'<p>{html.escape(kind)}: {_describe(kind)}</p><p class="tokens">{spans}</p>')
    if found.layer_values:
        rows = "".join(
            f"<tr><td>{layer}</td><td>{number(value, '.4f')}</td></tr>" for layer, value in found.layer_values.items()
        )
        parts.append(f"<p>{_WHAT['layers']} (0 = embeddings)</p><table>{rows}</table>")
    return "<section>" + "\n".join(parts) + "</section>"


def _in_words(run: LoadedRun, outputs: np.ndarray, *, label: str | None) -> tuple[str, ...]:
    """What is predicted of one text, or the probability of a label; outputs (1, C)."""
    task, contract = run.config.task, run.contract
    if label is not None:
        return (f"probability of {label} {outputs[0, contract.names.index(label)]:.3f}",)
    predicted = task.answers(contract, outputs, all_outputs=False)["predicted"][0].as_py()
    if not task.has_labels:
        return (f"predicted {predicted:.4g}",)
    names = predicted if isinstance(predicted, list) else [predicted]
    told = (f"predicted {name}, probability {outputs[0, contract.names.index(name)]:.3f}" for name in names)
    return tuple(told) or ("no label is predicted",)


def _require_label(run: LoadedRun, label: str) -> None:
    """Refuse a label that the run does not have.

    Raises:
        UserError: With the nearest that it has.
    """
    if not run.config.task.has_labels:
        raise UserError(f"--label {label}: the run predicts a score, and has no labels")
    if label not in run.contract.names:
        raise UserError(f"--label {label} is no label of the run; {nearest(label, run.contract.names)}")


def _describe(kind: str) -> str:
    return _WHAT.get(kind.split(" ", 1)[0], "")


def _real(values: Tensor, mask: Tensor) -> Tensor:
    """Values of the real tokens of all inputs, one after the other: with two towers each text is one.

    Shape:
        values (R, T) or (R, heads, T); mask (R, T); returns (N,) or (heads, N).
    """
    return values[mask] if values.ndim == 2 else values.transpose(1, 2)[mask].T


def _by_head(kind: str, values: Tensor) -> list[tuple[str, tuple[float, ...]]]:
    if values.ndim == 1:
        return [(kind, tuple(values.tolist()))]
    return [(f"{kind} (head {i})", tuple(head.tolist())) for i, head in enumerate(values, start=1)]


def _by_layer(weights: Tensor, layers: Sequence[int], mask: Tensor) -> dict[int, float]:
    """Weights that depend on the token are averaged over the real ones."""
    if weights.ndim > 1:
        weights = weights[mask].mean(dim=0)
    return dict(zip(layers, weights.tolist(), strict=True))
