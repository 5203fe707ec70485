"""From what Hydra composed to the typed config of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

import poolsweep.resolvers  # noqa: F401  the workers of every launcher have them
from poolsweep.config.node import Node
from poolsweep.config.run_config import RunConfig
from poolsweep.config.settle import settled, with_task
from poolsweep.config.shared import Composed, SharedConfig, without_sweep
from poolsweep.errors import UserError
from poolsweep.tasks import AUTO


def resolve(config: Composed, *, find_task: Callable[[Node, Sequence[str]], str] | None = None) -> RunConfig:
    """The config of a run, every interpolation resolved, without what is Hydra's or the sweep's.

    Args:
        config: Config as Hydra composed it, or one of several that share a composition.
        find_task: Names the task where a config leaves it open, from its data and ``trusted``.
    Raises:
        UserError: If a mandatory value is missing, an interpolation cannot be resolved, or a key is none.
    """
    try:
        content = _content(config)
    except OmegaConfBaseException as error:
        raise UserError(str(error).strip().splitlines()[0]) from error
    content = dict[str, Any](logger={}, callbacks={}, own_metrics={}) | content  # ~logger: none
    if isinstance(callbacks := content["callbacks"], dict):  # callbacks.average=none leaves a name with nothing
        content["callbacks"] = {name: node for name, node in callbacks.items() if node != {}}
    if find_task is not None and content.get("task") == {"name": AUTO}:
        content = with_task(content, find_task(Node(content["data"]), content["trusted"]))
    return RunConfig.of(settled(content))


def _content(config: Composed) -> dict[str, Any]:
    if isinstance(config, SharedConfig):
        content = config.resolved()
        if content is not None and not _lacks_a_value(content):
            return {str(key): value for key, value in content.items()}
        config = config.composed()
    part = without_sweep(config)
    try:
        content = OmegaConf.to_container(part, resolve=True)
    except OmegaConfBaseException:
        _require_given(part)  # an interpolation of a missing value is said to be that
        raise
    if _lacks_a_value(content):
        _require_given(part)
    assert isinstance(content, dict)
    return {str(key): value for key, value in content.items()}


def _lacks_a_value(node: Any) -> bool:  # noqa: ANN401
    """Whether a mandatory value is missing; ``OmegaConf.missing_keys`` resolves everything once more to tell."""
    if isinstance(node, dict):
        return any(map(_lacks_a_value, node.values()))
    return any(map(_lacks_a_value, node)) if isinstance(node, list) else node == "???"


def _require_given(config: DictConfig) -> None:
    """Name the mandatory values that are missing.

    Raises:
        UserError: If there is one.
    """
    if missing := sorted(OmegaConf.missing_keys(config)):
        raise UserError(*(f"{key} must be given: {key}=…" for key in missing))
