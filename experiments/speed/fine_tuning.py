"""Fine-tuning and evaluation against transformers' Trainer, and against the same model in a bare PyTorch loop."""

from __future__ import annotations

import tempfile
from contextlib import nullcontext
from pathlib import Path

import torch
from timing import compare, has_fast_bfloat16, matrix_rate, seconds, useful_flops
from work import BATCH, Encoded, Work, trainer, work

PRECISIONS = {"32": torch.float32, "bf16-mixed": torch.bfloat16}


def fine_tuning(data: str | None, *, rows: int, part: str) -> None:
    """Print a comparison in both precisions.

    Args:
        data: Path of a csv file, or None for icd10.
        rows: Trained on in each repeat.
        part: ``training`` or ``evaluation``.
    """
    for precision, dtype in PRECISIONS.items():
        if dtype == torch.bfloat16 and not has_fast_bfloat16():
            print(f"{part}, bfloat16: left out, since this CPU multiplies float32 faster")
            continue
        with tempfile.TemporaryDirectory() as root:
            made = work(
                data, "pooling=pooler", f"trainer.precision={precision}", "trainer.max_epochs=1",
                rows=rows, root=Path(root),
            )  # fmt: skip
            (_training if part == "training" else _evaluation)(made, dtype=dtype)


def _training(made: Work, *, dtype: torch.dtype) -> None:
    train = Encoded(made.prepared, made.prepared.splits.train)
    bf16 = dtype == torch.bfloat16

    def bare() -> float:
        run, _ = made.made()
        model = run.classifier.train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)

        def loop() -> None:
            for batch in run.data.train_dataloader():
                with torch.autocast("cpu", dtype=dtype) if bf16 else nullcontext():
                    loss = model.mean_loss(model(batch), batch.targets)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()

        run.data.setup("fit")
        return seconds(loop)

    peers = {
        name: lambda by_length=by_length: seconds(trainer(made, train, bf16=bf16, by_length=by_length).train)
        for name, by_length in {"Trainer": False, "Trainer by length": True}.items()
    }
    found = compare(
        {"poolsweep": lambda: fit_seconds(made), **peers, "bare loop, same packing": bare},
        examples=len(train), flops=3 * useful_flops(train.lengths),
    )  # fmt: skip
    found.say(f"fine-tuning, {str(dtype).removeprefix('torch.')}, batch {BATCH}", rate=matrix_rate(dtype))


def fit_seconds(made: Work) -> float:
    """Time of one training without validations."""
    run, _ = made.made()
    run.trainer.limit_val_batches = 0
    return seconds(lambda: run.trainer.fit(run.classifier, datamodule=run.data))


def _evaluation(made: Work, *, dtype: torch.dtype) -> None:
    test = Encoded(made.prepared, made.prepared.splits.test)
    run, _ = made.made()
    peer = trainer(made, test, bf16=dtype == torch.bfloat16, by_length=False)
    found = compare(
        {
            "poolsweep": lambda: seconds(lambda: run.trainer.test(run.classifier, datamodule=run.data, verbose=False)),
            "Trainer": lambda: seconds(lambda: peer.predict(test)),
        },
        examples=len(test), flops=useful_flops(test.lengths),
    )  # fmt: skip
    found.say(f"evaluation, {str(dtype).removeprefix('torch.')}", rate=matrix_rate(dtype))
