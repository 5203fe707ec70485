"""What ``trainer=probe`` and ``trainer=untrained`` ask of the rest of a config, and what they do not read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from poolsweep.tasks import make_task

if TYPE_CHECKING:
    from poolsweep.config.run_config import RunConfig
    from poolsweep.encoder import Encoder
    from poolsweep.pooling import Pooling

_COSINE = "poolsweep.head.cosine.Cosine"
_HEAD = "poolsweep.head.linear.Linear"
_UNTRAINED = "poolsweep.probe.untrained.Untrained"
_UNUSED = ("optimizer", "scheduler", "callbacks", "seed")
_TOKENS, _POOLER = "poolsweep.pooling.tokens.", "poolsweep.pooling.tokens.pooler."
_UNUSED_OF_DATA = ("batch_size", "effective_batch_size", "eval_batch_size", "batching", "max_tokens")


def is_probe(config: Mapping[str, Any]) -> bool:
    """Whether nothing but a head is fitted, if anything: a config's trainer is the probe, or ``untrained``."""
    return str((config.get("trainer") or {}).get("_target_", "")).startswith("poolsweep.probe.")


def without_unused(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config without what cannot change a probe's result; any other trainer's as it is.

    A probe has no optimizer, no schedule, no batches and no dropout. Its seeds draw bootstrap samples (``data_seed``);
    without these it has no use for a seed at all, so that all seeds are one run. ``init_seed`` draws the weights of a
    pooler that a checkpoint lacks, and nothing else.
    """
    if not is_probe(config):
        return dict(config)
    bootstrap = config["trainer"].get("bootstrap", False)
    dropped = _UNUSED if bootstrap else (*_UNUSED, "data_seed")
    if not bootstrap or not _may_read_pooler(config):
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
    task, untrained = make_task(config["task"]), config["trainer"].get("_target_") == _UNTRAINED
    if untrained or not task.trains:
        return _untrained_problems(config, task.name, fits=untrained and not task.trains)
    if not is_probe(config):
        return []
    problems = []
    if not (config.get("encoder") or {}).get("frozen"):
        problems.append("trainer=probe needs encoder.frozen=true: it solves a head on features that stay as they are")
    head, loss = ((config.get(part) or {}).get("_target_") for part in ("head", "loss"))
    if head != _HEAD:
        problems.append(f"trainer=probe needs head._target_={_HEAD}, got {head}")
    if (why := task.why_no_probe()) is not None:
        problems.append(why)
    elif not str(loss).startswith(f"poolsweep.loss.{task.default_loss}."):
        problems.append(f"trainer=probe solves loss={task.default_loss} for task={task.name}, got {loss}")
    options = config.get("loss") or {}
    if options.get("weight") is not None and options.get("label_smoothing"):
        problems.append("trainer=probe solves loss.weight without label smoothing: loss.label_smoothing=0")
    return problems


def _untrained_problems(config: Mapping[str, Any], task: str, *, fits: bool) -> list[str]:
    """What keeps the vectors of pairs from being compared as they are."""
    if not fits:
        trainer = config["trainer"].get("_target_", "").rpartition(".")[2]
        return [f"task=similarity and trainer=untrained go together, got task={task} and trainer {trainer}"]
    problems = []
    if not (config.get("encoder") or {}).get("frozen"):
        problems.append("task=similarity needs encoder.frozen=true: nothing is trained")
    if config["head"].get("_target_") != _COSINE:
        problems.append(f"task=similarity needs head=cosine, got {config['head'].get('_target_')}")
    return problems


def probe_needs(config: RunConfig, pooling: Pooling, *, encoder: Encoder) -> list[str]:
    """What a pooling and an encoder lack for the probe."""
    name, trained = config.pooling_name, sum(p.numel() for p in pooling.parameters() if p.requires_grad)
    problems = []
    trainer, bare = ("trainer=probe", "trainer.bootstrap=false") if config.task.trains else ("task=similarity",) * 2
    if trained:
        problems.append(f"{trainer} needs a pooling without parameters of its own; pooling={name} has {trained:,}")
    fresh = encoder.pooler_is_fresh and "pooler_output" in pooling.context_needed
    if fresh and config.refit is not None:
        problems.append(
            f"the pooler of {encoder.name} is new and depends on the seed, which a refit of a probe has not; name a run"
        )
    elif fresh and not config.trainer.get("bootstrap", False):
        problems.append(
            f"{bare} needs a pooler with weights for pooling={name}; that of {encoder.name} is new and depends on the "
            "seed"
        )
    return problems
