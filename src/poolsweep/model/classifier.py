"""The LightningModule: encoder, pooling, post-processing, head, loss and metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.precision import MixedPrecision
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from poolsweep.callbacks.best_weights import require_finite
from poolsweep.data.batch import Batch
from poolsweep.data.encode import encode_and_pool
from poolsweep.distributed.group import all_reduce
from poolsweep.encoder import Encoder
from poolsweep.features import FeatureRequest
from poolsweep.loss.loss import Loss
from poolsweep.model.mean_loss import MeanLoss
from poolsweep.model.own_metrics import OwnMetrics
from poolsweep.model.predictions import Predictions
from poolsweep.model.r_drop import RDrop
from poolsweep.model.split_metrics import SplitMetrics
from poolsweep.pairs import Joint, Pairs
from poolsweep.pooling import Pooling
from poolsweep.pooling.functional import at_least_float32
from poolsweep.postprocess.base import Postprocess

_JOINT = Joint()


class Classifier(pl.LightningModule):
    """Classifies texts, or pairs of texts, by one vector each.

    Args:
        encoder: The encoder that is run; None = every batch carries stored features of a frozen one.
        features: The request that the stored features are read by.
        pooling: Hidden states → one vector.
        pairs: The pooled vectors of a row → one vector.
        postprocess: Fitted on the training split before training.
        head: Vector → logits.
        loss: Called with what ``for_loss`` gives; returns the mean over the texts.
        for_loss: Called with logits (B, C) and targets (B, …).
        own_metrics: Metrics of the user's own; None = there are none.
        r_drop: What two passes of a training batch shall not differ by; None = each batch passes once.
        metrics: Called with ``prefix`` and ``settles``; gives the metrics of a split.
        make_optimizer: Called with ``encoder``, ``pooling`` and ``head``, the modules to train.
        make_scheduler: Called with the optimizer and ``total_steps``.
    """

    def __init__(
        self,
        *,
        encoder: Encoder | None,
        features: FeatureRequest | None = None,
        pooling: Pooling,
        pairs: Pairs = _JOINT,
        postprocess: Postprocess,
        head: nn.Module,
        loss: nn.Module,
        for_loss: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
        metrics: Callable[..., SplitMetrics],
        make_optimizer: Callable[..., Optimizer],
        make_scheduler: Callable[..., LRScheduler],
        own_metrics: OwnMetrics | None = None,
        r_drop: RDrop | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.features = features
        self.pooling = pooling
        self.pairs = pairs
        self.postprocess = postprocess
        self.head = head
        self.loss = loss
        self.for_loss = for_loss
        self._make_optimizer = make_optimizer
        self._make_scheduler = make_scheduler
        self.val_metrics = metrics(prefix="val/", settles=True)
        self.test_metrics = metrics(prefix="test/", settles=False)
        self.val_loss, self.test_loss = MeanLoss(), MeanLoss()
        self.own_metrics = own_metrics
        self.r_drop = r_drop
        self.predictions: dict[str, Predictions] | None = None
        self.examples_seen = self.scheduled_steps = 0
        self.last_batch: Batch | None = None  # what did not fit if memory runs out
        self._log_every = 50
        self._step_loss: Tensor | float = 0.0

    def pool(self, batch: Batch) -> Tensor:
        """The vector of each row of a batch, before post-processing; (B, D)."""
        return self.pairs(self._pooled(batch))

    def _pooled(self, batch: Batch) -> Tensor:
        if self.features is not None:
            return self.features.pool(batch, self.pooling)
        assert self.encoder is not None
        return encode_and_pool(self.encoder, self.pooling, batch)

    def forward(self, batch: Batch) -> Tensor:
        """Logits of a batch; (B, C), in float32 in every precision but 64-true, which keeps float64.

        So losses, metrics and probabilities are float32 under bf16-true too. ``BertForSequenceClassification`` in
        bfloat16 gives the loss in bfloat16, where two losses less than half a per cent apart are the same.
        """
        return self.logits(self.pool(batch))

    def logits(self, pooled: Tensor) -> Tensor:
        """Logits of pooled vectors; (B, D) → (B, C), as ``forward`` gives them."""
        return at_least_float32(self.head(self.postprocess(pooled)))

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

    def loss_of(self, batch: Batch) -> Tensor:
        """The mean loss over the rows of a batch, with the pooling's own, and with what two passes differ by."""
        loss, logits = self._pass(batch)
        if self.r_drop is None:
            return loss
        again, others = self._pass(batch)
        return (loss + again) / 2 + self.r_drop(logits, others, batch.targets)

    def _pass(self, batch: Batch) -> tuple[Tensor, Tensor]:
        logits = self(batch)
        loss, penalty = self.mean_loss(logits, batch.targets), self.pooling.auxiliary_loss()
        return (loss if penalty is None else loss + penalty), logits

    def mean_loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The mean loss of logits (B, C) over the rows of a batch."""
        return self.loss(*self.for_loss(logits, targets))

    def _log_loss(self, loss: Tensor, batch_idx: int) -> None:
        """Add up the loss of all shares of an optimizer step, and log it with the last."""
        accumulated = self.trainer.accumulate_grad_batches
        self._step_loss = loss if batch_idx % accumulated == 0 else self._step_loss + loss
        if (batch_idx + 1) % accumulated == 0 or batch_idx + 1 == self.trainer.num_training_batches:
            mean = all_reduce(self._step_loss) / (accumulated * self.trainer.world_size)
            require_finite(mean, step=self.global_step + 1)
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
