"""A Trainer of the user's own: its own options are checked as those of any other part."""

from __future__ import annotations

OWN = """
from typing import Any

import pytorch_lightning as pl


class Patient(pl.Trainer):
    def __init__(self, *, patience: int = 1, **options: Any) -> None:
        super().__init__(**options)
"""


def test_an_option_of_another_type_is_refused(cli, tiny_run, tmp_path, monkeypatch):
    (tmp_path / "patient_trainer.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    typed = ["train", *tiny_run, "trusted=[patient_trainer]", "trainer._target_=patient_trainer.Patient"]
    refused = cli(*typed, "+trainer.patience=long")
    assert refused.status == 2
    assert any(problem.startswith("trainer.patience must be") for problem in refused.problems), refused.problems
    assert cli(*typed, "+trainer.patience=2", "trainer.max_epochs=1").status == 0
