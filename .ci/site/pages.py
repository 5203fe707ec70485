"""The pages of the reference: verbs, keys, poolings, Python."""

from __future__ import annotations

import argparse
import contextlib
import io
import re
from collections.abc import Iterator, Sequence

from config_keys import options_of_conf

import poolsweep
from poolsweep.cli.program import VERBS, main
from poolsweep.conf_dir import conf_dir
from poolsweep.pooling.base import LayerMix, TokenPooling
from poolsweep.pooling.catalogue import formula
from poolsweep.pooling.chunks.base import ChunkPooling
from poolsweep.pooling.make import make_chunks, make_layers, make_tokens
from poolsweep.pooling.presets import describe, half_names, load_half, load_preset, preset_names

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
    """Every preset, both halves and the ways to read long texts, with formula and source."""
    parts = [
        "# All poolings",
        "`pooling=PRESET`, or `pooling/layers=LAYERS pooling/tokens=TOKENS`; sizes for BERT-base.",
    ]
    presets = [
        (f"`{name}`", " + ".join(_half(load_preset(name), kind) for kind in ("layers", "tokens")),
         describe(conf_dir() / "pooling" / f"{name}.yaml"))
        for name in preset_names()
    ]  # fmt: skip
    parts += ["## Presets", _table(("preset", "halves", "what it is"), presets)]
    parts += ["## Layers", "`h[l]` is layer l: 0 = embeddings, −1 = the last.", _table(_HALF, _layers())]
    parts += [
        "## Tokens",
        "`x[t]` is token t of the mixed layers; `m[t]` is 1 where it is real.",
        _table(_HALF, _tokens()),
    ]
    parts += [
        "## Long texts",
        "`pooling/chunks=NAME`; `w[k]` is the vector of window k of K.",
        _table(_HALF, _chunks()),
    ]
    return "\n\n".join(parts) + "\n"


def python() -> str:
    """What Python code calls, from its docstrings."""
    names = [name for name in poolsweep.__all__ if not name.endswith("Error")]
    parts = [
        "# Python",
        *(f"::: poolsweep.{_home(name)}" for name in names),
        "::: poolsweep.sklearn.PooledTextClassifier",
    ]
    return "\n\n".join(parts) + "\n"


_HALF = ("name", "formula", "numbers a text", "what it is", "source")


def _half(preset: dict[str, dict[str, object]], kind: str) -> str:
    return str(preset[kind]["_target_"]).split(".")[-2]


def _layers() -> Iterator[tuple[str, ...]]:
    for name in half_names("layers"):
        yield _row("layers", name, make_layers(load_half("layers", name), **_SIZES))


def _tokens() -> Iterator[tuple[str, ...]]:
    for name in half_names("tokens"):
        with contextlib.suppress(ValueError):  # one that goes with one encoder alone
            yield _row("tokens", name, make_tokens(load_half("tokens", name), input_size=_SIZES["hidden_size"]))


def _chunks() -> Iterator[tuple[str, ...]]:
    for name in half_names("chunks"):
        yield _row("chunks", name, make_chunks(load_half("chunks", name), input_size=_SIZES["hidden_size"]))


def _row(kind: str, name: str, part: LayerMix | TokenPooling | ChunkPooling) -> tuple[str, ...]:
    about = describe(conf_dir() / "pooling" / kind / f"{name}.yaml")
    return f"`{name}`", f"`{formula(part)}`", str(part.output_size), about, part.source


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
