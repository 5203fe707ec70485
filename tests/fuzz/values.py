"""What can be typed after KEY=: values of every kind, right and wrong, made from the key's type and default."""

from __future__ import annotations

import json
import math
import types
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Literal, Union, get_args, get_origin

NOTHING: Any = object()


@dataclass(frozen=True)
class Key:
    """A key of the config.

    Attributes:
        path: Dotted.
        default: Value in the YAML; ``NOTHING`` for an argument that no YAML sets, which needs a ``+``.
        hint: Its annotation; ``NOTHING`` if it has none.
        option: ``GROUP=OPTION`` that has the key; None = every config has.
    """

    path: str
    default: Any
    hint: Any
    option: str | None = None


def hydra_text(value: Any) -> str:
    """A value as Hydra's grammar reads it back."""
    if isinstance(value, str):
        plain = value and all(c.isalnum() or c in "_./-" for c in value) and not value[0].isdigit()
        return value if plain else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list | tuple):
        return f"[{','.join(map(hydra_text, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{k}: {hydra_text(v)}" for k, v in value.items()) + "}"
    return json.dumps(value)


def right(rng: Random, key: Key) -> str:
    """A value of the key's type, near its default."""
    kinds = _kinds(key.hint)
    default = None if key.default is NOTHING or (isinstance(key.default, str) and "$" in key.default) else key.default
    options: list[Any] = [] if default is None or default == "???" else [default]
    for kind in kinds:
        if get_origin(kind) is Literal:
            options += get_args(kind)
        elif kind is bool:
            options += [True, False]
        elif kind is int:
            options += [0, 1, 2, 3]
        elif kind is float:
            options += [0.1, 0.5, 1.0, 0.001]
        elif kind is str:
            options += ["name", "val/loss", "2"]
        elif get_origin(kind) is list or kind is list:
            options += [[], ["a"], [1, 2]]
        elif get_origin(kind) is dict or kind is dict:
            options += [{}, {"a": 1}]
    if type(None) in kinds or not options:
        options.append(None)
    if isinstance(default, float):
        options += [default / 2, default * 2]
    return hydra_text(rng.choice(options))


def _of(*texts: str) -> Callable[[Random, Key], str]:
    return lambda rng, _: rng.choice(texts)


# Kind of value → how one is drawn.
KINDS: dict[str, Callable[[Random, Key], str]] = {
    "right": right,
    "null": _of("null", "None", "~"),
    "empty": _of("", "''", '""', "[]", "{}"),
    "bool": _of("true", "false", "True", "yes", "off"),
    "integer": _of("0", "1", "2", "7"),
    "negative": _of("-1", "-3", "-0.5", "-1e-9", "-0"),
    "huge": _of("1000000000000", "1e30", "9223372036854775808", "1e400"),
    "not finite": _of("inf", "-inf", "nan", "NaN", ".inf", "'inf'"),
    "fraction": _of("0.5", "1.5", "1e-3", "2.0", "1e3", "0.1"),
    "word": _of("wrong", "x", "auto", "none", "a/b", "val/accuracy", "cls", "17th"),
    "quoted": _of("'a b'", '"1"', "'true'", "'null'", "'a,b'", '"[1,2]"', "'it\\'s'"),
    "bare": _of("a b", "stars (1-5)", "a:b", "a=b", "it's", "[1,2", "{a", "a;b", "50%", "#x", "@y", "a|b", "`x`", "\\"),
    "unicode": _of("é", "naïve", "数据", "🦉", "a\u200bb", "\u202eabc", "ß=ß", "A\u0301", "\ufeffx"),
    "control": _of("a\tb", "a\nb", "\x1b[31mred", "a\rb", "\x7f", "\x00x".replace("\x00", "\x01")),
    "list": _of("[1,2]", "[a]", "[null]", "[[1],[2]]", "[a,1,0.5]", "[{a: 1}]", "[-1]", "[0.1,0.2]"),
    "mapping": _of("{a: 1}", "{_target_: os.system}", "{a: {b: c}}", "{1: 2}", "{_target_: torch.nn.Identity}"),
    "interpolation": _of("${seed}", "${nope}", "${oc.env:HOME}", "${oc.env:NO_SUCH}", "${if:true,1,2}", "${study}",
                         "???", "${data.train}", "${oc.env:}", "${", "${.x}", "$", "a${seed}b", "${if:1}"),
    "path": _of("no/such/file.csv", ".", "..", "/dev/null", "animals.csv", "other.csv", "outputs", "~/x", "x" * 300,
                "empty.csv", "animals.txt", "/proc/self/mem", "tagged[1].csv"),
    "wide": _of("x" * 5000, "9" * 400, "[" * 50 + "]" * 50, ",".join(["1"] * 3) + ","),
    "call": _of("range(1,3)", "choice(1,2)", "interval(0,1)", "glob(*)", "int(1.5)", "str(1)", "float(x)", "sort(2,1)",
                "shuffle(1,2)", "tag(a,interval(0,1))", "bool(maybe)", "json_str([1])", "extend_list(1)", "nope(1)"),
}  # fmt: skip

_PER_MILLE = {"right": 500, "null": 60, "list": 60, "mapping": 50, "negative": 60, "not finite": 60}


def draw(rng: Random, key: Key) -> str:
    """The text of a value for a key, of a kind drawn at random."""
    kinds = [*KINDS]
    kind = rng.choices(kinds, weights=[_PER_MILLE.get(kind, 30) for kind in kinds])[0]
    if kind == "huge" and any(word in key.path for word in ("workers", "devices", "nodes", "runs_at_once", "cpus")):
        kind = "right"  # what is asked for would be done: a million processes
    return KINDS[kind](rng, key)


def sweep(rng: Random, key: Key) -> str:
    """The text of a sweep of a key."""
    shape = rng.choice(["list", "list", "list", "mixed", "choice", "range", "interval", "glob", "one", "tagged"])
    if shape == "range":
        return rng.choice(["range(0,2)", "range(1,3)", "range(3)", "range(0.0,1.0,0.5)", "range(2,1)", "range(a,b)"])
    if shape == "interval":
        return rng.choice(["interval(0,1)", "interval(1e-4,1e-2)", "interval(1,0)", "tag(log,interval(1e-4,1e-2))"])
    if shape == "glob":
        return rng.choice(["glob(c*)", "glob([m*,cls])", "glob(nothing*)", "glob(*,exclude=[*])"])
    drawn = [right(rng, key), right(rng, key) if shape != "mixed" else draw(rng, key)]
    if shape == "one":
        return f"{drawn[0]},"
    text = ",".join(drawn)
    return {"choice": f"choice({text})", "tagged": f"tag(a,choice({text}))"}.get(shape, text)


def fits(value: Any, hint: Any) -> bool:
    """Whether a value that was accepted is of its key's type; True also for types that say nothing here."""
    if isinstance(value, float) and not math.isfinite(value):
        return False
    plain = [
        kind for kind in _kinds(hint) if kind in (bool, int, float, str, type(None)) or get_origin(kind) is Literal
    ]
    if hint is NOTHING or len(plain) < len(_kinds(hint)):
        return True
    return any(
        value in get_args(kind) if get_origin(kind) is Literal
        else isinstance(value, int | float) and not isinstance(value, bool) if kind is float
        else isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
        for kind in plain
    )  # fmt: skip


def _kinds(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else () if hint is NOTHING else (hint,)
