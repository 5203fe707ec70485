"""What the fields of result.json and status.json may hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from poolsweep.metric_names import METRICS

RESULT_VERSION = 1
CHECKED = (
    "config.yaml", "labels.json", "metrics.csv", "predictions-validation.parquet", "predictions-test.parquet",
    "checkpoints/best.safetensors",
)  # fmt: skip
REPLICATES = ("seed", "init_seed", "data_seed", "data.split_seed", "data.fold")  # may differ in runs of one setting
REGIMES = ("probe", "frozen", "lora", "fine-tuned")  # how much is trained, the least first

Check = Callable[[Any], bool]


def _text(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, str)


def _number(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _time(value: Any) -> bool:  # noqa: ANN401
    return _number(value) and 0 <= value < 1e12


def _whole(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _count(value: Any) -> bool:  # noqa: ANN401
    return _whole(value) and value >= 0


def _flag(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, bool)


def _one_of(*names: str) -> Check:
    return lambda value: value in names if isinstance(value, str) else False


def _or_nothing(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _by_name(check: Check) -> Check:
    return lambda value: isinstance(value, dict) and all(map(check, value.values()))


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _any_of(*checks: Check) -> Check:
    return lambda value: any(check(value) for check in checks)


def _metrics(value: Any) -> bool:  # noqa: ANN401
    if not _by_name(_number)(value):
        return False
    known = [
        (number, METRICS[short]) for name, number in value.items() if (short := name.rpartition("/")[2]) in METRICS
    ]
    return all(metric.low - 1e-6 <= number <= metric.high + 1e-6 for number, metric in known)


def _files(value: Any) -> bool:  # noqa: ANN401
    told = _by_name(lambda one: isinstance(one, dict) and _count(one.get("bytes")) and _text(one.get("xxh3")))
    return told(value) and value.keys() <= set(CHECKED)


def _numbers(*names: str) -> Check:
    """Exactly these names, each with a number of at least 0 or nothing."""
    return lambda value: isinstance(value, dict) and value.keys() == {*names} and _by_name(_or_nothing(_count))(value)


def _refit(value: Any) -> bool:  # noqa: ANN401
    told = isinstance(value, dict) and _text(value.get("of")) and _list_of(_text)(value.get("runs"))
    return told and _flag(value.get("with_validation"))


_SHARED: dict[str, Check] = {
    "run_id": _text, "name": _text, "reason": _or_nothing(_text), "kind": _or_nothing(_text), "attempts": _count,
    "metrics": _metrics, "measured": _list_of(lambda value: value in METRICS), "task": _text,
}  # fmt: skip
RESULT_FIELDS: dict[str, Check] = _SHARED | {
    "schema_version": lambda value: value == RESULT_VERSION, "status": _one_of("finished", "failed", "pruned"),
    "study": _text, "data": _text, "encoder": _text, "pooling": _text, "setting": _text, "monitor": _text,
    "regime": _one_of(*REGIMES), "frozen": _flag, "seed": _whole, "mode": _one_of("max", "min"), "labels": _count,
    "sizes": _by_name(_count),
    "seconds": _time, "cpu_seconds": _time, "train_seconds": _time, "started": _text, "parameters": _by_name(_count),
    "peak_memory_mib": _by_name(_time), "truncated_share": _by_name(_number), "versions": _by_name(_text),
    "windows": _by_name(_number),
    "hardware": _by_name(_any_of(_text, _number)), "git_commit": _or_nothing(_text), "git_changes": _or_nothing(_text),
    "best_epoch": _count, "epochs": _count, "steps": _count, "seeds_are": _or_nothing(_text), "penalty": _number,
    "temperature": lambda value: _number(value) and value > 0,
    "data_id": _or_nothing(_text), "encoder_id": _or_nothing(_text), "data_place": _or_nothing(_list_of(_text)),
    "encoder_place": _or_nothing(_list_of(_text)), "files": _files, "checksum": _text,
    "split": _numbers("seed", "fold", "folds"), "rows_asked": _numbers("train_rows", "rows_per_label"),
    "penalties_tried": _list_of(_by_name(_number)), "best_step": _count, "scheduled_steps": _count, "refit": _refit,
}  # fmt: skip
STATUS_FIELDS: dict[str, Check] = _SHARED | {
    "state": _one_of("running", "finished", "failed", "pruned", "interrupted"), "phase": _or_nothing(_text),
    "started": _time, "heartbeat": _time, "seconds": _time, "seconds_left": _or_nothing(_time), "shared_seconds": _time,
    "step": _count, "steps": _count, "epoch": _count, "epochs": _count, "host": _or_nothing(_text),
    "pid": _or_nothing(_count), "job": _or_nothing(_text), "micro_batches": _count, "log": _list_of(_text),
    "monitor": _text, "refit": _text,
    "value": lambda value: isinstance(value, int | float),
}  # fmt: skip
