"""TensorBoard: one folder per study, one version per run."""

from __future__ import annotations


def test_writes_the_metrics_of_a_run(cli, tiny_run, outputs):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    done = cli("train", *tiny_run, "encoder.frozen=true", "logger=tensorboard", "trainer.max_epochs=1")
    assert done.status == 0, done.err
    [result] = outputs.glob("default/*/result.json")
    [folder] = outputs.glob("default/tensorboard/**/" + result.parent.name)
    events = EventAccumulator(str(folder)).Reload()
    assert {"val/accuracy", "test/accuracy"} <= set(events.Tags()["scalars"])
