"""A pooling that was edited does not read what it gave before."""

from __future__ import annotations

import json
import sys

import numpy as np

CODE = """
from poolsweep.pooling import TokenPooling


class Mine(TokenPooling):
    def forward(self, hidden, mask, context):
        return {what}
"""


def test_an_edited_pooling_is_computed_again(cli, tiny_run, outputs, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    module = tmp_path / "edited_pooling.py"
    of_any_trainer = [word for word in tiny_run if not word.startswith("trainer.max_epochs")]
    typed = [
        "train", *of_any_trainer, "encoder.frozen=true", "trainer=probe", "pooling.tokens._target_=edited_pooling.Mine",
        "trusted=[edited_pooling]", "retry=all",
    ]  # fmt: skip

    def arrays() -> dict[str, np.ndarray]:
        sys.modules.pop("edited_pooling", None)
        assert cli(*typed).status == 0
        [result] = outputs.glob("default/*/result.json")
        assert json.loads(result.read_text())["status"] == "finished"
        return {path.name: np.load(path) for path in outputs.glob(".features/tiny-train-*/pooled-*.npy")}

    module.write_text(CODE.format(what="hidden[:, 0]"))
    first = arrays()
    assert len(first) == 1
    assert arrays().keys() == first.keys(), "premise: what the same code gave is read again"
    module.write_text(CODE.format(what="hidden[:, 0] * 0"))
    (zeros,) = (values for name, values in arrays().items() if name not in first)
    assert not zeros.any()
