"""A part of one's own whose constructor raises: the run ends as failed, or is refused before it begins."""

from __future__ import annotations

import json

import pytest

PARTS = """
import pytorch_lightning as pl
from pytorch_lightning.loggers import CSVLogger
from torch import nn

from poolsweep.pooling import LayerMix, TokenPooling
from poolsweep.postprocess.base import Postprocess


def data(*args, **given):
    raise OSError("no data today")


encoder = optimizer = scheduler = data


class Raises:
    def __init__(self, *args, **given):
        raise OSError("no luck today") from ValueError("the first cause")


Layers = type("Layers", (Raises, LayerMix), {"__module__": __name__})
Tokens = type("Tokens", (Raises, TokenPooling), {"__module__": __name__, "context_needed": frozenset()})
Scaling = type("Scaling", (Raises, Postprocess), {"__module__": __name__})
Module = type("Module", (Raises, nn.Module), {"__module__": __name__})
Trainer = type("Trainer", (Raises, pl.Trainer), {"__module__": __name__})
Callback = type("Callback", (Raises, pl.Callback), {"__module__": __name__})
Logger = type("Logger", (Raises, CSVLogger), {"__module__": __name__})
"""

READ_FIRST = {
    "data": ["data._target_=raising.data"],
    "encoder": ["encoder._target_=raising.encoder"],
    "pooling.layers": ["pooling.layers._target_=raising.Layers"],
    "pooling.tokens": ["pooling.tokens._target_=raising.Tokens"],
}
BUILT_IN_THE_RUN = {
    "postprocess": ["postprocess._target_=raising.Scaling"],
    "head": ["head._target_=raising.Module"],
    "loss": ["loss._target_=raising.Module"],
    "optimizer": ["optimizer._target_=raising.optimizer"],
    "scheduler": ["scheduler._target_=raising.scheduler"],
    "trainer": ["trainer._target_=raising.Trainer"],
    "callbacks": ["+callbacks.mine._target_=raising.Callback"],
    "logger": ["+logger.mine._target_=raising.Logger"],
}


@pytest.fixture
def typed(tiny_run, tmp_path, monkeypatch) -> list[str]:
    (tmp_path / "raising.py").write_text(PARTS)
    monkeypatch.syspath_prepend(tmp_path)
    return [*tiny_run, "trusted=[raising]"]


@pytest.mark.parametrize(
    ("part", "sweeping"), [*((part, True) for part in BUILT_IN_THE_RUN), ("loss", False), ("trainer", False)]
)
def test_a_constructor_that_raises_ends_the_run_as_failed(cli, typed, outputs, part, sweeping):
    done = cli("train", *(["-m"] if sweeping else []), *typed, *BUILT_IN_THE_RUN[part])
    assert done.status == 1
    assert "Traceback" not in done.err
    [folder] = outputs.glob("default/*/")
    result, status = (json.loads((folder / f"{name}.json").read_text()) for name in ("result", "status"))
    assert result["status"] == status["state"] == "failed"
    assert result["kind"] == status["kind"] == "exception"
    assert "today" in result["reason"]
    assert any(result["reason"] in problem for problem in done.problems)
    if part not in {"optimizer", "scheduler"}:
        assert "the first cause" in (folder / "run.log").read_text()


@pytest.mark.usefixtures("no_new_files")
@pytest.mark.parametrize("part", READ_FIRST)
def test_what_is_read_before_runs_begin_is_refused_when_it_raises(cli, typed, part):
    for sweeping in ([], ["-m"]):
        done = cli("train", *sweeping, *typed, *READ_FIRST[part])
        assert (done.status, done.out) == (2, "")
        [problem] = done.problems
        assert problem.startswith(f"{part.partition('.')[0]} cannot be made: OSError: no ")
