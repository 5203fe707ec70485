"""What ``trainer=probe`` asks of the rest of a config, and what it does not read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from poolsweep.tasks import make_task

if TYPE_CHECKING:
    from poolsweep.config.run_config import RunConfig
    from poolsweep.encoder import Encoder
    from poolsweep.pooling import Pooling

_HEAD = "poolsweep.head.linear.Linear"
_UNUSED = ("optimizer", "scheduler", "callbacks", "seed")
_TOKENS, _POOLER = "poolsweep.pooling.tokens.", "poolsweep.pooling.tokens.pooler."
_UNUSED_OF_DATA = ("batch_size", "effective_batch_size", "eval_batch_size", "batching", "max_tokens")


def is_probe(config: Mapping[str, Any]) -> bool:
    """Whether a config's trainer is the probe."""
    return str((config.get("trainer") or {}).get("_target_", "")).startswith("poolsweep.probe.")


def without_unused(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config without what cannot change a probe's result; any other trainer's as it is.

    A probe has no optimizer, no schedule, no batches and no dropout. Its seeds draw bootstrap samples (``data_seed``);
    without these it has no use for a seed at all, so that all seeds are one run. ``init_seed`` draws the weights of a
    pooler that a checkpoint lacks, and nothing else.
    """
    if not is_probe(config):
        return dict(config)
    dropped = _UNUSED if config["trainer"]["bootstrap"] else (*_UNUSED, "data_seed")
    if not config["trainer"]["bootstrap"] or not _may_read_pooler(config):
        dropped = (*dropped, "init_seed")
    content = {key: value for key, value in config.items() if key not in dropped}
    content["data"] = {key: value for key, value in config["data"].items() if key not in _UNUSED_OF_DATA}
    content["head"] = {key: value for key, value in config["head"].items() if key != "dropout"}
    return content


def _may_read_pooler(config: Mapping[str, Any]) -> bool:
    """Whether the encoder's own pooler may be read: by the pooling that does, or one that is not of ours."""
    tokens = str(((config.get("pooling") or {}).get("tokens") or {}).get("_target_", ""))
    return tokens.startswith(_POOLER) or not tokens.startswith(_TOKENS)


def probe_problems(config: Mapping[str, Any]) -> list[str]:
    """What in a resolved config does not go with the probe, if that is its trainer."""
    if not is_probe(config):
        return []
    problems = []
    if not (config.get("encoder") or {}).get("frozen"):
        problems.append("trainer=probe needs encoder.frozen=true: it solves a head on features that stay as they are")
    head, loss = ((config.get(part) or {}).get("_target_") for part in ("head", "loss"))
    if head != _HEAD:
        problems.append(f"trainer=probe needs head._target_={_HEAD}, got {head}")
    task = make_task(config["task"])
    if (why := task.why_no_probe()) is not None:
        problems.append(why)
    elif not str(loss).startswith(f"poolsweep.loss.{task.default_loss}."):
        problems.append(f"trainer=probe solves loss={task.default_loss} for task={task.name}, got {loss}")
    options = config.get("loss") or {}
    if options.get("weight") is not None and options.get("label_smoothing"):
        problems.append("trainer=probe solves loss.weight without label smoothing: loss.label_smoothing=0")
    return problems


def probe_needs(config: RunConfig, pooling: Pooling, *, encoder: Encoder) -> list[str]:
    """What a pooling and an encoder lack for the probe."""
    name, trained = config.pooling_name, sum(p.numel() for p in pooling.parameters() if p.requires_grad)
    problems = []
    if trained:
        problems.append(f"trainer=probe needs a pooling without parameters of its own; pooling={name} has {trained:,}")
    fresh = encoder.pooler_is_fresh and "pooler_output" in pooling.context_needed
    if fresh and config.refit is not None:
        problems.append(
            f"the pooler of {encoder.name} is new and depends on the seed, which a refit of a probe has not; name a run"
        )
    elif fresh and not config.trainer["bootstrap"]:
        problems.append(
            f"trainer.bootstrap=false needs a pooler with weights for pooling={name}; that of {encoder.name} is "
            "new and depends on the seed"
        )
    return problems
