"""What the keys of fine-tuning (how much of an encoder is trained, and from where) ask of the rest of a config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from poolsweep.config.probe import is_probe, probe_needs, probe_problems
from poolsweep.config.processes import processes_of
from poolsweep.config.run_config import RunConfig
from poolsweep.config.settle import option

if TYPE_CHECKING:
    from poolsweep.encoder import Encoder
    from poolsweep.pooling import Pooling

_ALL = {"train": "all", "unfreeze_every": None, "reinitialise_top": 0}  # of the encoder, where all is trained at once


def fine_tuning_problems(config: Mapping[str, Any]) -> list[str]:
    """What does not go together in a resolved config whose keys are of the right types.

    Args:
        config: Resolved, of the right shape.
    """
    encoder, problems = config["encoder"], []
    asked = {f"encoder.{key}": encoder[key] for key, usual in _ALL.items() if encoder.get(key, usual) != usual}
    if encoder.get("adapter") is not None:
        both = "encoder/adapter both say what is trained: leave one out"
        problems += [f"{key}={value} and {both}" for key, value in asked.items()]
    asked |= {"init": config["init"]} if config["init"] != "random" else {}
    if encoder.get("frozen"):
        if not is_probe(config) and config["optimizer"].get("layer_decay", 1) != 1:
            asked["optimizer.layer_decay"] = config["optimizer"]["layer_decay"]
        needs = "needs an encoder that is trained: encoder.frozen=false"
        problems += [f"{key}={value} {needs}" for key, value in asked.items()]
    elif config["init"] == "probe":
        found = probe_problems(solving_config(config))
        problems += [problem.replace("trainer=probe", "init=probe") for problem in found]
    if config["r_drop"] and is_probe(config):
        problems.append(f"r_drop={config['r_drop']} compares two passes of training, and a probe has none")
    if encoder.get("reinitialise_top") and not encoder.get("frozen"):
        problems += _reinitialised_problems(config)
    several = processes_of(config["trainer"]) > 1 and config["trainer"].get("strategy") == "fsdp"
    if encoder.get("unfreeze_every") is not None and several:
        problems.append("encoder.unfreeze_every changes what is trained, which trainer.strategy=fsdp fixes; use ddp")
    return problems


def _reinitialised_problems(config: Mapping[str, Any]) -> list[str]:
    """Weights that are drawn anew, and then not trained, or not those that a head was solved for."""
    encoder, problems = config["encoder"], []
    new, part = f"encoder.reinitialise_top={encoder['reinitialise_top']}", str(encoder.get("train", "all"))
    if part != "all" and _top(part) < encoder["reinitialise_top"]:
        problems.append(f"{new} draws weights anew that encoder.train={part} does not train")
    if config["init"] == "probe":
        problems.append(f"init=probe solves a head for layers as they are, and {new} draws them anew; leave one out")
    return problems


def _top(part: str) -> int:
    """N of ``top:N``, else 0."""
    return int(part.removeprefix("top:")) if part.startswith("top:") else 0


def fine_tuning_needs(config: RunConfig, pooling: Pooling, *, encoder: Encoder, layers: int) -> list[str]:
    """What a pooling and an encoder lack for the way that a run trains them.

    Args:
        config: The run's, validated.
        pooling: Pooling of the run.
        encoder: Encoder of the run, all of it.
        layers: Number of its layers that are run for the pooling.
    """
    if encoder.frozen:
        return []
    decay = config.optimizer.get("layer_decay", 1)
    top, new = f"encoder.train={encoder.trained_part}", f"encoder.reinitialise_top={encoder.reinitialise_top}"
    counted = {top: _top(encoder.trained_part), new: encoder.reinitialise_top}
    asked = [key for key, number in counted.items() if number]
    asked += [f"encoder.unfreeze_every={encoder.unfreeze_every}"] if encoder.unfreeze_every is not None else []
    asked += [f"optimizer.layer_decay={decay}"] if decay != 1 else []
    problems = [
        f"{key}: pooling={config.pooling_name} of {encoder.name} runs {layers} layers"
        for key, number in counted.items()
        if number > layers
    ]
    if encoder.layers is None:
        problems = [f"{key} counts layers, and those of {encoder.name} are one, or not found" for key in asked]
    if config.init == "probe":
        solving = RunConfig.of(solving_config(config.content))
        found = probe_needs(solving, pooling, encoder=encoder)
        problems += [one.replace("trainer=probe", "init=probe") for one in found if one.startswith("trainer=probe")]
    return problems


def solving_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config of the probe whose head a run with ``init=probe`` starts from: the same texts, the encoder frozen.

    Args:
        config: Resolved; of that run.
    """
    trainer = option("trainer", "probe") | {"bootstrap": False}
    trainer |= {key: config["trainer"][key] for key in ("accelerator", "precision") if key in config["trainer"]}
    content = {key: value for key, value in config.items() if key != "refit"}
    return content | {
        "encoder": {**config["encoder"], **_ALL, "adapter": None, "frozen": True, "gradient_checkpointing": False},
        "trainer": trainer, "init": "random", "r_drop": 0.0, "logger": {}, "callbacks": {},
    }  # fmt: skip
