"""What a config may ask of batches that are cut by tokens."""

from __future__ import annotations

from poolsweep.config.ranges import range_problems


def test_batches_by_tokens_say_what_they_need():
    data = {"batching": "by_tokens", "max_length": 128, "max_tokens": 200}
    config = {"data": data, "trainer": {"devices": 2, "accelerator": "cpu"}, "encoder": {"frozen": True}}
    assert range_problems(
        {
            **config,
            "task": {"name": "classification"},
            "loss": {"_target_": "poolsweep.loss.cross_entropy.CrossEntropy"},
            "metrics": ["accuracy"],
            "callbacks": {},
            "monitor": "val/accuracy",
            "calibrate": "none",
            "study": "s",
        }
    ) == [
        "data.batching=by_tokens needs an encoder that is trained; of a frozen one heads read vectors",
        "data.batching=by_tokens runs on one device, got trainer.devices=2",
        "data.max_tokens must be at least three times data.max_length=128, got 200",
    ]
