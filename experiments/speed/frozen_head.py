"""A frozen run's training through Lightning with its callbacks, against a bare PyTorch loop over the same batches."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from timing import REPEATS, compare, seconds
from work import work

from poolsweep.runs.status import StatusFile


def frozen_head(data: str | None, *, rows: int) -> None:
    """Print the framework's share of a frozen head's step.

    Args:
        data: Path of a csv file, or None for icd10.
        rows: Trained on for ten epochs.
    """
    with tempfile.TemporaryDirectory() as root:
        made = work(data, "encoder.frozen=true", "pooling=masked_mean", rows=rows, root=Path(root))

        def ours() -> float:
            run, folder = made.made()
            return run.fit(folder, StatusFile(folder, name="bench", run_id="bench", lock=None)).train_seconds

        def bare() -> float:
            run, _ = made.made()
            model, epochs = run.classifier, made.config.trainer["max_epochs"]
            optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, fused=True)
            threads = torch.get_num_threads()
            torch.set_num_threads(1)

            def loop() -> None:
                for _ in range(epochs):
                    for batch in run.data.train_dataloader():
                        optimizer.zero_grad()
                        model.mean_loss(model(batch), batch.targets).backward()
                        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                        optimizer.step()

            took = seconds(loop)
            torch.set_num_threads(threads)
            return took

        found = compare({"poolsweep": ours, "bare loop": bare}, examples=10 * rows, flops=0)
        ours_s, bare_s = (sorted(times)[REPEATS // 2] for times in found.seconds.values())
        print(f"{'training of a frozen head':<34} {ours_s:.2f} s through Lightning, {bare_s:.2f} s in a bare loop")
