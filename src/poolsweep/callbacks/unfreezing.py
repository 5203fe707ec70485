"""Gradual unfreezing: the head first, then one block of the encoder after the other, from the top."""

from __future__ import annotations

import pytorch_lightning as pl

from poolsweep.encoder import Encoder
from poolsweep.encoder.trainable import choose_trained


class Unfreezing(pl.Callback):
    """Trains one more block of the encoder every so many epochs.

    A block is a layer, and the embeddings are the last. Which ones are trained follows from the number of optimizer
    steps alone, so that a run that goes on from a checkpoint computes the same bits.

    Args:
        encoder: Encoder of the run.
        every: Epochs from one block to the next.
    Reference:
        Howard and Ruder (2018), "Universal Language Model Fine-tuning for Text Classification", arXiv:1801.06146,
        section 3.3.
    """

    def __init__(self, encoder: Encoder, *, every: float) -> None:
        self._encoder, self._every = encoder, every
        self._unfrozen: int | None = None

    def on_train_batch_start(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Unfreeze what is due; between two optimizer steps, since their number decides."""
        steps_per_epoch = -(-int(trainer.num_training_batches) // trainer.accumulate_grad_batches)
        unfrozen = int(trainer.global_step / (self._every * steps_per_epoch))
        if unfrozen != self._unfrozen:
            self._unfrozen = unfrozen
            choose_trained(self._encoder, unfrozen=unfrozen)
