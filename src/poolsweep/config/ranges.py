"""Whether the numbers and names of a config are such as can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poolsweep.config.own_metrics import name_problems
from poolsweep.errors import nearest
from poolsweep.tasks import Task, make_task


def range_problems(config: Mapping[str, Any]) -> list[str]:
    """What does not go together in a resolved config whose keys are of the right types."""
    task = make_task(config["task"])
    problems = [*task.option_problems(), *_loss_problems(config, task), *_metric_problems(config, task)]
    if config["calibrate"] != "none" and not task.has_labels:
        problems.append(
            f"calibrate={config['calibrate']} is for probabilities, and task={task.name} predicts numbers: "
            "calibrate=none"
        )
    problems += _batching_problems(config)
    problems += _row_problems(config)
    problems += _memory_problems(config)
    study = config["study"]
    if study.startswith(".") or "/" in study or "\\" in study:
        problems.append(f"study={study!r} must be the name of one folder, without a slash and not starting with a dot")
    return problems


def _loss_problems(config: Mapping[str, Any], task: Task) -> list[str]:
    """A loss of ours that reads other targets; one of the user's own is believed."""
    target = config["loss"]["_target_"]
    name = target.removeprefix("poolsweep.loss.").partition(".")[0]
    if not target.startswith("poolsweep.loss.") or name in task.losses:
        return []
    return [f"loss={name} is none for task={task.name}; valid: {', '.join(task.losses)}"]


def _metric_problems(config: Mapping[str, Any], task: Task) -> list[str]:
    problems = [
        f"metrics={name} is no metric of task={task.name}; {nearest(name, task.metrics)}"
        for name in config["metrics"]
        if name not in task.metrics
    ]
    problems += [
        f"metrics has {name} twice" for name in {n for n in config["metrics"] if config["metrics"].count(n) > 1}
    ]
    if problems:
        return problems
    problems = name_problems(config)
    measured = [f"val/{name}" for name in (*config["metrics"], "loss", *(config.get("own_metrics") or {}))]
    asked = {"monitor": config["monitor"]}
    asked |= {f"callbacks.{name}.monitor": node.get("monitor") for name, node in (config["callbacks"] or {}).items()}
    for key, metric in asked.items():
        if isinstance(metric, str) and metric not in measured and (key == "monitor" or metric != config["monitor"]):
            more = "; metrics=[…] adds it" if metric.removeprefix("val/") in task.metrics else ""
            problems.append(f"{key}={metric} is not measured{more}; {nearest(metric, measured)}")
    return problems


def _batching_problems(config: Mapping[str, Any]) -> list[str]:
    data, trainer = config.get("data") or {}, config.get("trainer") or {}
    if data.get("batching") != "by_tokens":
        return []
    problems = []
    if (config.get("encoder") or {}).get("frozen"):
        problems.append("data.batching=by_tokens needs an encoder that is trained; of a frozen one heads read vectors")
    if trainer.get("devices", 1) not in (1, "1", [0]) or trainer.get("num_nodes", 1) != 1:
        problems.append(f"data.batching=by_tokens runs on one device, got trainer.devices={trainer.get('devices')}")
    length, tokens = data.get("max_length"), data.get("max_tokens")
    if type(length) is int and type(tokens) is int and tokens < 3 * length:
        problems.append(f"data.max_tokens must be at least three times data.max_length={length}, got {tokens}")
    return problems


def _memory_problems(config: Mapping[str, Any]) -> list[str]:
    """An input that is longer than what the encoder may be run on at once."""
    limit, length = config["encoder"].get("max_tokens_at_once"), config["data"].get("max_length")
    if type(limit) is not int or type(length) is not int or limit >= length:
        return []
    return [f"encoder.max_tokens_at_once must be at least data.max_length={length}, got {limit}"]


def _row_problems(config: Mapping[str, Any]) -> list[str]:
    """What does not go together among the keys that choose rows."""
    data, problems = config["data"], []
    folds, fold = data.get("folds"), data.get("fold")
    if folds is not None and fold is None and "refit" not in config:
        problems.append(
            f"data.folds={folds} stands for {folds} runs: poolsweep train -m makes them, and data.fold=0 one of them"
        )
    elif fold is not None and folds is None:
        problems.append(f"data.fold={fold} is a fold of none: data.folds=5 says how many there are")
    elif folds is not None and fold is not None and fold >= folds:
        problems.append(f"data.fold must be below data.folds={folds}, got {fold}")
    asked = {key: data.get(key) for key in ("train_rows", "rows_per_label") if data.get(key) is not None}
    if len(asked) > 1:
        both = " and ".join(f"data.{key}={value}" for key, value in asked.items())
        problems.append(f"{both} both say how many training rows there are: leave one out")
    if "rows_per_label" in asked and not make_task(config["task"]).has_labels:
        problems.append(
            f"data.rows_per_label={asked['rows_per_label']} counts rows of labels, and task={config['task']['name']} "
            "has none: data.train_rows counts rows"
        )
    return problems
