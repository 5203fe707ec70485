"""The LightningDataModule: shuffles training rows, and deals all rows to the processes of the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from poolsweep.data.batch import Batch
from poolsweep.data.sampler import EpochSampler, EvaluationSampler, RankBatch, TrainingSampler, WeightedRows, lengths_of
from poolsweep.data.token_batches import TokenBatches


class DataModule(pl.LightningDataModule):
    """Batches of the three splits.

    Training rows are shuffled each epoch by ``data_seed``. Validation and test come in file order, every row once,
    however many processes share them.

    Args:
        rows: Split name → a dataset whose ``__getitems__`` gives a ``Batch``.
        batch_size: Training examples per step and device.
        eval_batch_size: Examples per step in validation and test.
        data_seed: Seed of the training order.
        num_workers: Processes that prepare batches; 0 = the training process itself.
        micro_batches: Steps that each training batch is divided into, whose gradients are added up.
        row_weights: (N,) what each training row counts in the mean loss; None = all alike.
        max_tokens: Cut training batches by tokens, at most so many, instead of by ``batch_size``.
    Attributes:
        position: Epoch, and steps of it that are behind a run that is resumed.
    """

    def __init__(
        self,
        rows: Mapping[str, Dataset[Batch]],
        *,
        batch_size: int,
        eval_batch_size: int,
        data_seed: int,
        num_workers: int = 0,
        micro_batches: int = 1,
        max_tokens: int | None = None,
        row_weights: np.ndarray | None = None,
    ) -> None:
        super().__init__()
        self.rows = dict(rows)
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.data_seed = data_seed
        self.num_workers = num_workers
        self.micro_batches = micro_batches
        self.max_tokens = max_tokens
        self.row_weights = row_weights
        self.position = (0, 0)

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"position": self.position}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From a checkpoint; holds for loaders made from now on."""
        epoch, batches = state_dict["position"]
        self.position = (epoch, batches)

    def train_dataloader(self) -> DataLoader[Batch]:
        """Shuffled batches; the last of an epoch may be smaller."""
        rows = self.rows["train"]
        if self.max_tokens is not None:
            return self._by_tokens(rows, self.max_tokens)
        trainer = self.trainer
        sampler = TrainingSampler(
            EpochSampler(len(rows), seed=self.data_seed, epoch=self.position[0]),  # type: ignore[arg-type]
            self.batch_size,
            rank=self._rank,
            world_size=self._world_size,
            lengths=lengths_of(rows),
            row_weights=self.row_weights,
            micro_batches=self.micro_batches,
            accumulated=lambda: 1 if trainer is None else trainer.accumulate_grad_batches,
            limit=lambda: float("inf") if trainer is None else trainer.num_training_batches or float("inf"),
            start=self.position,
        )
        return self._loader(rows, sampler)

    def _by_tokens(self, rows: Dataset[Batch], max_tokens: int) -> DataLoader[Batch]:
        lengths = lengths_of(rows)
        assert lengths is not None, "by_tokens is refused for vectors"
        batches = TokenBatches(
            EpochSampler(len(lengths), seed=self.data_seed), lengths, max_tokens=max_tokens, start=self.position
        )
        batches.sampler.set_epoch(self.position[0])
        return DataLoader(
            rows,
            batch_sampler=batches,
            num_workers=self.num_workers,
            generator=torch.Generator().manual_seed(self.data_seed),
            collate_fn=_already_a_batch,  # type: ignore[arg-type]
            persistent_workers=self.num_workers > 0,
            pin_memory=self._on_cuda,
        )

    @property
    def _on_cuda(self) -> bool:
        return self.trainer is not None and self.trainer.accelerator.__class__.__name__ == "CUDAAccelerator"

    def val_dataloader(self) -> DataLoader[Batch]:
        """Validation rows in file order."""
        return self._evaluation("validation")

    def test_dataloader(self) -> DataLoader[Batch]:
        """Test rows in file order."""
        return self._evaluation("test")

    def _evaluation(self, name: str) -> DataLoader[Batch]:
        rows = self.rows[name]
        size: int = len(rows)  # type: ignore[arg-type]
        return self._loader(
            rows, EvaluationSampler(size, self.eval_batch_size, rank=self._rank, world_size=self._world_size)
        )

    def _loader(self, rows: Dataset[Batch], sampler: Sampler[RankBatch]) -> DataLoader[Batch]:
        return DataLoader(
            WeightedRows(rows),
            batch_sampler=sampler,  # type: ignore[arg-type]  a RankBatch stands for a list of rows
            num_workers=self.num_workers,
            generator=torch.Generator().manual_seed(self.data_seed),  # else each pass draws from the global one
            collate_fn=_already_a_batch,  # type: ignore[arg-type]  the rows give whole batches
            persistent_workers=self.num_workers > 0,
            pin_memory=self._on_cuda,
        )

    def transfer_batch_to_device(self, batch: Batch, device: Any, dataloader_idx: int) -> Batch:  # noqa: ANN401
        """Copy a batch to the device, without waiting for it."""
        return batch if device.type == "cpu" else batch.to(device)

    @property
    def _rank(self) -> int:
        return self.trainer.global_rank if self.trainer is not None else 0

    @property
    def _world_size(self) -> int:
        return self.trainer.world_size if self.trainer is not None else 1


def _already_a_batch(batch: Batch) -> Batch:
    return batch
