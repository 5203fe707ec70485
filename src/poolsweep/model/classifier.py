"""The model: encoder, pooling, post-processing, head, loss and metrics."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from poolsweep.data.batch import Batch
from poolsweep.data.encode import encode_and_pool
from poolsweep.encoder import Encoder
from poolsweep.features import FeatureRequest
from poolsweep.model.own_metrics import OwnMetrics
from poolsweep.model.r_drop import RDrop
from poolsweep.model.split_metrics import SplitMetrics
from poolsweep.pairs import Joint, Pairs
from poolsweep.pooling import Pooling
from poolsweep.pooling.functional import at_least_float32
from poolsweep.postprocess.base import Postprocess

_JOINT = Joint()


class Classifier(nn.Module):
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
        self.val_metrics = metrics(prefix="val/", settles=True)
        self.test_metrics = metrics(prefix="test/", settles=False)
        self.own_metrics = own_metrics
        self.r_drop = r_drop

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
