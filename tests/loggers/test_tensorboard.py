"""TensorBoard: one folder per study, one version per run."""

from __future__ import annotations

import pytest

from poolsweep.loggers.tensorboard import TensorBoardRun


def test_writes_the_metrics_of_a_run(cli, tiny_run, outputs):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    done = cli("train", *tiny_run, "encoder.frozen=true", "logger=tensorboard", "trainer.max_epochs=1")
    assert done.status == 0, done.err
    [result] = outputs.glob("default/*/result.json")
    [folder] = outputs.glob("default/tensorboard/**/" + result.parent.name)
    events = EventAccumulator(str(folder)).Reload()
    assert {"val/accuracy", "test/accuracy"} <= set(events.Tags()["scalars"])


@pytest.mark.parametrize("group", ["../../../evil/cls", "/evil/cls", f"{'x' * 300}/cls", "50% é/cls"])
def test_no_name_of_data_leads_out_of_the_study(tmp_path, group):
    config = {"study": "s", "seed": 0}
    logger = TensorBoardRun(run_id="id", run_folder=tmp_path / "s" / "id", group=group, config=config)
    logger.log_metrics({"val/loss": 1.0}, step=0)
    logger.close(result=None)
    assert [path.parts[-2:] for path in (tmp_path / "s" / "tensorboard").rglob("id")] == [("cls", "id")]
    assert [path.name for path in tmp_path.iterdir()] == ["s"]
