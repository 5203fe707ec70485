"""From a class's dotted name to the poolings that it can be part of."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from poolsweep.errors import UserError, nearest
from poolsweep.pooling.base import LayerMix, TokenPooling
from poolsweep.pooling.conformance.subject import HIDDEN_SIZE, NUM_LAYERS, Subject
from poolsweep.pooling.layers.concat import Concat
from poolsweep.pooling.layers.max import Max as LayerMax
from poolsweep.pooling.layers.single import Single
from poolsweep.pooling.make import find_class
from poolsweep.pooling.pooling import Pooling
from poolsweep.pooling.presets import half_names, load_half
from poolsweep.pooling.tokens.cls import Cls
from poolsweep.pooling.tokens.max import Max
from poolsweep.pooling.tokens.mean import Mean

_DERIVED: dict[str, Any] = {"num_layers": NUM_LAYERS, "hidden_size": HIDDEN_SIZE}
_LAYER_PARTNERS: dict[str, Callable[[], LayerMix]] = {
    "last": lambda: Single(index=-1, **_DERIVED),
    "concat[last=2]": lambda: Concat(last=2, **_DERIVED),
    "max[last=2]": lambda: LayerMax(last=2, **_DERIVED),
}
_TOKEN_PARTNERS: dict[str, Callable[..., TokenPooling]] = {"max": Max, "mean": Mean, "cls": Cls}


def subjects(target: str, options: Mapping[str, Any] | None = None) -> list[Subject]:
    """The poolings to check for a class: itself, or each half beside a few partners.

    Args:
        target: Dotted name of a ``TokenPooling``, a ``LayerMix``, or a whole pooling.
        options: The class's own options; missing ones come from the YAML in ``conf/pooling`` that has it as
            ``_target_``. Derived sizes are added.
    Raises:
        UserError: If it cannot be imported, or an option without a default is missing.
    """
    cls = find_class(target)
    given = _yaml_options(target) | dict(options or {})
    if issubclass(cls, LayerMix):
        build_mix = _builder(cls, target, given, _DERIVED)
        return [_whole(f"{target} + {name}", build_mix, tokens) for name, tokens in _TOKEN_PARTNERS.items()]
    if issubclass(cls, TokenPooling):
        partners = {"last": _LAYER_PARTNERS["last"]} if cls.needs_last_layer else _LAYER_PARTNERS
        sized = {"input_size": HIDDEN_SIZE}
        build_tokens = _builder(cls, target, given, sized)
        return [_whole(f"{name} + {target}", layers, build_tokens) for name, layers in partners.items()]
    return [Subject(target, _builder(cls, target, given, _DERIVED))]


def pair_subject(
    layers: str,
    tokens: str,
    *,
    layer_options: Mapping[str, Any] | None = None,
    token_options: Mapping[str, Any] | None = None,
) -> Subject:
    """The pooling of two YAML halves.

    Args:
        layers: Name of a YAML in ``conf/pooling/layers``.
        tokens: Name of a YAML in ``conf/pooling/tokens``.
        layer_options: Options of the layer mix in place of the YAML's.
        token_options: Options of the token pooling in place of the YAML's.
    """
    mix = load_half("layers", layers) | dict(layer_options or {})
    pool = load_half("tokens", tokens) | dict(token_options or {})
    build_mix = _builder(find_class(mix.pop("_target_")), layers, mix, _DERIVED)
    build_tokens = _builder(find_class(pool.pop("_target_")), tokens, pool, {"input_size": HIDDEN_SIZE})
    changed = [f"{key}={value}" for key, value in {**(layer_options or {}), **(token_options or {})}.items()]
    return _whole(f"{layers}+{tokens}" + (f"[{','.join(changed)}]" if changed else ""), build_mix, build_tokens)


def _whole(name: str, layers: Callable[..., Any], tokens: Callable[..., Any]) -> Subject:
    def build() -> Pooling:
        mix = layers()
        return Pooling(layers=mix, tokens=tokens(input_size=mix.output_size))

    return Subject(name, build)


def _builder(
    cls: type[nn.Module], target: str, options: Mapping[str, Any], derived: Mapping[str, Any]
) -> Callable[..., Any]:
    """A function that makes the class from its options and the derived sizes that its signature names."""
    parameters = inspect.signature(cls).parameters
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    sizes = {name: value for name, value in derived.items() if name in parameters or open_ended}
    known = options.keys() | sizes.keys()
    required = [n for n, p in parameters.items() if p.default is p.empty and p.kind is p.KEYWORD_ONLY]
    missing = [name for name in required if name not in known]
    unknown = [] if open_ended else [name for name in options if name not in parameters]
    problems = [f"{target} needs the option {name}: give {name}=…" for name in missing]
    own = [name for name in parameters if name not in derived]
    problems += [f"{target} has no option {name}; {nearest(name, own)}" for name in unknown]
    if problems:
        raise UserError(*problems)
    return lambda **override: cls(**{**options, **sizes, **override})


def _yaml_options(target: str) -> dict[str, Any]:
    for kind in ("layers", "tokens"):
        for name in half_names(kind):
            half = load_half(kind, name)
            if half.pop("_target_") == target:
                return half
    return {}
