"""The LightningModule: how a classifier is trained and measured by Lightning's Trainer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.precision import MixedPrecision
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from poolsweep.data.batch import Batch
from poolsweep.distributed.group import all_reduce
from poolsweep.errors import TrainingDivergedError
from poolsweep.loss.loss import Loss
from poolsweep.model.classifier import Classifier
from poolsweep.model.mean_loss import MeanLoss
from poolsweep.model.predictions import Predictions
from poolsweep.model.split_metrics import SplitMetrics


class LightningClassifier(Classifier, pl.LightningModule):
    """A classifier with the steps, the optimizer and the logging of its training.

    Args:
        make_optimizer: Called with ``encoder``, ``pooling`` and ``head``, the modules to train.
        make_scheduler: Called with the optimizer and ``total_steps``.
        parts: What a ``Classifier`` takes.
    """

    def __init__(
        self,
        *,
        make_optimizer: Callable[..., Optimizer],
        make_scheduler: Callable[..., LRScheduler],
        **parts: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(**parts)
        self._make_optimizer = make_optimizer
        self._make_scheduler = make_scheduler
        self.val_loss, self.test_loss = MeanLoss(), MeanLoss()
        self.predictions: dict[str, Predictions] | None = None
        self.examples_seen = self.scheduled_steps = 0
        self.last_batch: Batch | None = None  # what did not fit if memory runs out
        self._log_every = 50
        self._step_loss: Tensor | float = 0.0

    def on_fit_start(self) -> None:
        """Fit the post-processing on the training split, in file order."""
        if self.postprocess.needs_fit and self.trainer.ckpt_path is None:
            self.postprocess.fit(self._training_vectors())

    def on_train_start(self) -> None:
        """Note how often to log."""
        self._log_every = getattr(self.trainer, "log_every_n_steps", 50)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of this process's share of a step, weighted so that the mean over all shares is that over rows."""
        self.last_batch = batch
        loss = self.loss_of(batch)
        if batch.weight != 1:
            loss = loss * batch.weight
        self.examples_seen += len(batch) if batch.total is None else batch.total
        if (self.global_step + 1) % self._log_every == 0:
            self._log_loss(loss.detach(), batch_idx)
        return loss

    def _log_loss(self, loss: Tensor, batch_idx: int) -> None:
        """Add up the loss of all shares of an optimizer step, and log it with the last."""
        accumulated = self.trainer.accumulate_grad_batches
        self._step_loss = loss if batch_idx % accumulated == 0 else self._step_loss + loss
        if (batch_idx + 1) % accumulated == 0 or batch_idx + 1 == self.trainer.num_training_batches:
            mean = all_reduce(self._step_loss) / (accumulated * self.trainer.world_size)
            _require_finite(mean, step=self.global_step + 1)
            self.log("train/loss", mean)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Update the validation metrics."""
        self._evaluate(batch, batch_idx, "validation")

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Update the test metrics."""
        self._evaluate(batch, batch_idx, "test")

    def on_validation_epoch_end(self) -> None:
        """Log the validation metrics."""
        self._log_metrics("validation")

    def on_test_epoch_end(self) -> None:
        """Log the test metrics."""
        self._log_metrics("test")

    def configure_optimizers(self) -> Any:  # noqa: ANN401
        """The optimizer and its schedule, stepped after every optimizer step."""
        encoder = None if self.encoder is None or self.encoder.frozen else self.encoder
        optimizer = self._make_optimizer(encoder=encoder, pooling=self.pooling, head=(self.postprocess, self.head))
        self.scheduled_steps = int(self.trainer.estimated_stepping_batches)
        scheduler = self._make_scheduler(optimizer, total_steps=self.scheduled_steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip gradients by their norm, or as Lightning's Trainer was told to.

        Lightning refuses to clip for a fused optimizer in mixed precision, since it might unscale gradients itself; in
        bfloat16 there is no scale.
        """
        plugin = self.trainer.precision_plugin
        unscaled = isinstance(plugin, MixedPrecision) and plugin.scaler is None
        if unscaled and gradient_clip_val and gradient_clip_algorithm in (None, "norm"):
            nn.utils.clip_grad_norm_(self.parameters(), gradient_clip_val)
        else:
            self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)

    def _evaluate(self, batch: Batch, batch_idx: int, split: str) -> None:
        self.last_batch = batch
        logits = self(batch)
        if batch.weight == 0:  # it fills a place
            return
        metrics, mean_loss = self._metrics_of(split)
        place = batch_idx * self.trainer.world_size + self.trainer.global_rank
        weights = self.loss.weights_of(batch.targets) if isinstance(self.loss, Loss) else None
        weight = len(batch) if weights is None else weights.sum().item()
        mean_loss.add(self.mean_loss(logits, batch.targets), weight=weight, place=place)
        metrics.update(logits, batch.targets, place=place)
        if self.own_metrics is not None:
            self.own_metrics.update(logits, batch.targets)
        if self.predictions is not None:
            self.predictions[split].add(batch, logits)

    def _log_metrics(self, split: str) -> None:
        metrics, mean_loss = self._metrics_of(split)
        prefix = "val/" if split == "validation" else "test/"
        found = {f"{prefix}loss": mean_loss.compute(), **metrics.compute()}
        found |= {} if self.own_metrics is None else self.own_metrics.compute(metrics.settled, prefix=prefix)
        self.log_dict({name: value.float() for name, value in found.items()})
        metrics.reset()
        mean_loss.reset()

    def _metrics_of(self, split: str) -> tuple[SplitMetrics, MeanLoss]:
        if split == "validation":
            return self.val_metrics, self.val_loss
        return self.test_metrics, self.test_loss

    def _training_vectors(self) -> Iterator[Tensor]:
        was_training = self.training
        self.eval()
        rows = self.trainer.datamodule.rows["train"]  # type: ignore[attr-defined]
        with torch.no_grad(), self.trainer.precision_plugin.forward_context():
            for start in range(0, len(rows), 1024):
                batch = rows.__getitems__(range(start, min(start + 1024, len(rows)))).to(self.device)
                yield self.pool(self.trainer.precision_plugin.convert_input(batch)).float()
        self.train(was_training)


def _require_finite(loss: Tensor, *, step: int) -> None:
    if not bool(torch.isfinite(loss)):
        raise TrainingDivergedError(
            f"train/loss is {float(loss)} at step {step}; lower optimizer.lr or optimizer.head_lr"
        )
