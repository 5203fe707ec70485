"""The pages of the reference: verbs, keys, poolings, Python."""

from __future__ import annotations

import argparse
import contextlib
import io
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Literal

from config_keys import options_of_conf
from pictures import picture

import poolsweep
from poolsweep.cli.program import VERBS, main
from poolsweep.conf_dir import conf_dir
from poolsweep.pooling.base import LayerMix, TokenPooling
from poolsweep.pooling.catalogue import count, formula, sources
from poolsweep.pooling.make import make_chunks, make_layers, make_pooling, make_tokens
from poolsweep.pooling.presets import describe, half_name, half_names, load_half, load_preset, preset_names

_SIZES = {"num_layers": 12, "hidden_size": 768}


def commands() -> str:
    """Every verb's help."""
    parts = ["# Commands", _block(_printed(["--help"]))]
    for verb in VERBS:
        parts += [f"## poolsweep {verb}", _block(_printed([verb, "--help"]))]
    return "\n\n".join(parts) + "\n"


def config_keys() -> str:
    """Every key of a config."""
    parts = [
        "# Keys of a config",
        "Each can be typed behind `poolsweep train`, and swept with `-m`: `optimizer.lr=1e-5,3e-5`.",
    ]
    for option in options_of_conf():
        rows = [(f"`{key.path}`", f"`{key.default}`", key.kind, _plain(key.meaning)) for key in option.keys]
        parts += [f"## {option.title}", option.about, _table(("key", "default", "type", "meaning"), rows)]
    return "\n\n".join(parts) + "\n"


def poolings() -> str:
    """Every preset, both halves and the ways to read long texts, with formula, source and picture."""
    parts = [
        "# All poolings",
        "`pooling=PRESET`, or `pooling/layers=LAYERS pooling/tokens=TOKENS`. Sizes are those of BERT-base.",
        _HOW_DRAWN,
        "## Presets",
    ]
    for name in preset_names():
        parts += [f"### {name}", *_preset(name)]
    parts += ["## Layers", "`h[l]` is layer l: 0 = embeddings, −1 = the last. Drawn with `tokens=mean`."]
    for name in half_names("layers"):
        parts += [f"### {name}", *_half("layers", name, make_layers(load_half("layers", name), **_SIZES))]
    parts += [
        "## Tokens",
        "`x[t]` is token t of the mixed layers; `m[t]` is 1 where it is real. Drawn with `layers=last`.",
    ]
    for name in half_names("tokens"):
        made = make_tokens(load_half("tokens", name), input_size=_SIZES["hidden_size"])
        parts += [f"### {name}", *_half("tokens", name, made)]
    parts += [
        "## Long texts",
        "`pooling/chunks=NAME`; `w[k]` is the vector of window k of K.",
        _table(("name", "formula", "numbers a text", "what it is", "source"), _chunks()),
    ]
    return "\n\n".join(parts) + "\n"


def pictures() -> Iterator[tuple[str, str]]:
    """Name and SVG of every picture of the poolings' page."""
    for name in _drawn():
        yield name, _picture(name)[0]


def python() -> str:
    """What Python code calls, from its docstrings."""
    names = [name for name in poolsweep.__all__ if not name.endswith("Error")]
    parts = [
        "# Python",
        *(f"::: poolsweep.{_home(name)}" for name in names),
        "::: poolsweep.sklearn.PooledTextClassifier",
    ]
    return "\n\n".join(parts) + "\n"


_HOW_DRAWN = """A picture shows the states that a pooling reads, of an encoder with six layers.
A row is a layer, a column is a token of a padded text, one letter each.
Special tokens and padding are grey. A dot stands for a template's words.

- **Blue** states have a fixed weight: the stronger the colour, the more they count.
- **Orange** states count by the text (a maximum), or by what training finds.
- What is not coloured is not read.

The pictures are measured: a state is coloured if the vector moves with it."""


def _preset(name: str) -> Iterator[str]:
    halves = load_preset(name)
    pooling = make_pooling(halves, **_SIZES)
    layers, tokens = (half_name(kind, halves[kind]) for kind in ("layers", "tokens"))
    yield _image(name)
    yield _plain(describe(conf_dir() / "pooling" / f"{name}.yaml"))
    size = f"{pooling.output_size:,} numbers a text, {count(pooling):,} parameters"
    yield f"`{formula(pooling)}`  \nlayers `{layers}`, tokens `{tokens}`; {size}  \n{_cited(sources(pooling))}"


def _drawn() -> dict[str, dict[str, dict[str, object]]]:
    """Name of a picture → the halves that it shows; a half is shown beside the plainest other."""
    last, mean = load_half("layers", "last"), load_half("tokens", "mean")
    found = {name: load_preset(name) for name in preset_names()}
    found |= {f"layers-{name}": {"layers": load_half("layers", name), "tokens": mean} for name in half_names("layers")}
    return found | {
        f"tokens-{name}": {"layers": last, "tokens": load_half("tokens", name)} for name in half_names("tokens")
    }


@cache
def _picture(name: str) -> tuple[str, str]:
    return picture(_drawn()[name])


def _image(name: str) -> str:
    return f"![{_picture(name)[1]}](pictures/{name}.svg)"


def _half(kind: Literal["layers", "tokens"], name: str, part: LayerMix | TokenPooling) -> Iterator[str]:
    yield _image(f"{kind}-{name}")
    yield _plain(describe(conf_dir() / "pooling" / kind / f"{name}.yaml"))
    yield f"`{formula(part)}`  \n{part.output_size:,} numbers, {count(part):,} parameters  \n{_cited(part.source)}"


def _chunks() -> Iterator[tuple[str, ...]]:
    for name in half_names("chunks"):
        part = make_chunks(load_half("chunks", name), input_size=_SIZES["hidden_size"])
        about = describe(conf_dir() / "pooling" / "chunks" / f"{name}.yaml")
        yield f"`{name}`", f"`{formula(part)}`", str(part.output_size), about, _cited(part.source)


def _cited(text: str) -> str:
    """A citation whose arXiv number leads there."""
    return re.sub(r"arXiv:(\d{4}\.\d{4,5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", text)


def _home(name: str) -> str:
    return f"{poolsweep._MODULES[name]}.{name}"


def _printed(arguments: Sequence[str]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit), _width(100):
        main(list(arguments))
    return out.getvalue()


@contextlib.contextmanager
def _width(columns: int) -> Iterator[None]:
    before = argparse.HelpFormatter.__init__

    def wide(self: argparse.HelpFormatter, prog: str, *args: object, **options: object) -> None:
        before(self, prog, *args, **{"width": columns, **options})  # type: ignore[arg-type]

    argparse.HelpFormatter.__init__ = wide  # type: ignore[method-assign]
    try:
        yield
    finally:
        argparse.HelpFormatter.__init__ = before  # type: ignore[method-assign]


def _plain(text: str) -> str:
    """Text in which nothing is taken for Markdown's emphasis or for a tag."""
    return re.sub(r"([_*<])", r"\\\1", text)


def _block(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```"


def _table(head: Sequence[str], rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
