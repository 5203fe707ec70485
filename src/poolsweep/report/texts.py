"""The test texts of a run, read again from where its config says they come from."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poolsweep.data.source import Source
from poolsweep.errors import UserError
from poolsweep.report.predictions import Predicted
from poolsweep.report.results import RunRecord


@dataclass(frozen=True)
class TestTexts:
    """The texts behind some predictions, or why they cannot be had.

    Attributes:
        texts: In the order of the predictions; None where they cannot be had.
        reason: Why not; empty where they can.
    """

    __test__ = False  # pytest takes the name for a test

    texts: tuple[str, ...] | None
    reason: str


def read_texts(run: RunRecord, predicted: Predicted) -> TestTexts:
    """Read the test texts; only poolsweep's own sources are called, whatever a run's config names.

    They count only if rows and labels are still those that were predicted. Nothing is fetched: a data set of the hub is
    read from the local cache.

    Args:
        run: One run of the group.
        predicted: Its predictions.
    """
    data = run.config.get("data") or {}
    source = _sources().get(str(data.get("_target_")))
    if source is None:
        return TestTexts(None, "the run's config names no source of poolsweep's own")
    if source.__module__ == "poolsweep.data.sources.hub" and Path(str(data.get("name"))).exists():
        return TestTexts(None, "its data.name is a file or a folder here, and a report reads no folder as a data set")
    known = inspect.signature(source).parameters
    try:
        with _offline():
            test = source(**{key: value for key, value in data.items() if key in known}).read().test
        order = np.argsort(test.row_ids)
        names = np.array(test.column("label").to_pylist(), dtype=object)[order]
        texts = test.column("text").to_pylist()
        pairs = test.column("text_pair").to_pylist() if test.is_pair else None
    except UserError as error:
        return TestTexts(None, error.problems[0].partition(";")[0])  # what follows names what lies beside a file
    except (OSError, TypeError, ValueError, ImportError) as error:
        return TestTexts(None, f"{type(error).__name__}: {error}")
    same = np.array_equal(np.asarray(test.row_ids)[order], predicted.row_ids)
    if not same or list(names) != [predicted.names[i] for i in predicted.labels]:
        return TestTexts(None, "the data have changed since: rows or labels are not those that were predicted")
    joined = [f"{a} ⟂ {b}" for a, b in zip(texts, pairs, strict=True)] if pairs else texts
    return TestTexts(tuple(str(joined[i]) for i in order), "")


@contextmanager
def _offline() -> Iterator[None]:
    """Let the hub's clients ask nobody, also where they have been imported before and read their variable."""
    flags = [(sys.modules.get(name), "HF_HUB_OFFLINE") for name in ("datasets.config", "huggingface_hub.constants")]
    before = [(module, flag, getattr(module, flag)) for module, flag in flags if module is not None]
    os.environ["HF_HUB_OFFLINE"] = "1"  # for those that are imported only now
    for module, flag, _ in before:
        setattr(module, flag, True)
    try:
        yield
    finally:
        for module, flag, value in before:
            setattr(module, flag, value)


def _sources() -> dict[str, type[Source]]:
    from poolsweep.data.sources.files import Files
    from poolsweep.data.sources.hub import Hub
    from poolsweep.data.sources.icd10 import Icd10

    return {f"{kind.__module__}.{kind.__name__}": kind for kind in (Files, Hub, Icd10)}
