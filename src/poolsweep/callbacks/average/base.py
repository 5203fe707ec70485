"""The base class: keeps an average of the trained weights, and puts it in their place where weights are measured."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from poolsweep.bounds import PositiveInt, Probability


class WeightAverage(pl.Callback):
    """Averages the weights that are trained, from a share of the schedule on.

    During a validation the module holds the average, so that it is what is measured, selected and saved, and after
    training it keeps it. Between validations it holds the weights that are trained, and so does every checkpoint, with
    the average beside them: a run that goes on from one computes the same bits.

    What the optimizer holds is averaged, also while gradual unfreezing still leaves some of it as it is.

    The average is in float32 at least. Before it begins nothing is selected, and no run is stopped early.

    Args:
        start: Share of the scheduled steps after which averaging begins.
        every: Optimizer steps from one set of weights that is averaged to the next.
    """

    def __init__(self, *, start: Probability, every: PositiveInt) -> None:
        self._start, self._every = start, every
        self._average: list[Tensor] = []  # in the order of the trained parameters
        self._trained: list[Tensor] | None = None  # while the module holds the average
        self._updates = self._first_step = self._seen_step = 0

    @property
    def begun(self) -> bool:
        """Whether there is an average."""
        return self._updates > 0

    @abstractmethod
    def update(self, average: list[Tensor], weights: list[Tensor], updates: int) -> None:
        """Take one more set of weights into an average, in place.

        Args:
            average: What is averaged so far.
            weights: The present ones, in the same types.
            updates: Number of sets that it is of, at least 1.
        """

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Find the step of the schedule after which averaging begins, and go on with the average of a checkpoint."""
        scheduled = int(pl_module.scheduled_steps)  # type: ignore[arg-type]
        self._first_step = min(int(self._start * scheduled), max(scheduled - 1, 0))
        self._seen_step = trainer.global_step
        if self.begun:
            pairs = zip(self._average, _weights(trainer), strict=True)
            self._average = [mean.to(weight.device, copy=True) for mean, weight in pairs]

    @torch.no_grad()
    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Average after an optimizer step; a batch whose gradients are only added up is none."""
        if trainer.global_step == self._seen_step:
            return
        self._seen_step = trainer.global_step
        place = self._seen_step - self._first_step - 1  # 0 at the first step that counts
        if place < 0 or place % self._every:
            return
        weights = [weight.detach().to(_precise(weight)) for weight in _weights(trainer)]
        if self.begun:
            self.update(self._average, weights, self._updates)
        else:
            self._average = [weight.clone() for weight in weights]
        self._updates += 1

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the average in place of the weights; after a checkpoint that is written here."""
        if trainer.state.fn == "fit" and not trainer.sanity_checking and self.begun:
            with torch.inference_mode(False):
                self._trained = [weight.detach().clone() for weight in _weights(trainer)]
            _fill(trainer, self._average)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the weights back; after the average was selected and saved."""
        self._put_back(trainer)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Put the weights back."""
        self._put_back(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave the average in the module: it is the result, where no validation selects one."""
        if self.begun:
            _fill(trainer, self._average)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """A checkpoint that is written during a validation holds the weights that are trained, too."""
        if self._trained is None:
            return
        trained = {id(weight): kept for weight, kept in zip(_weights(trainer), self._trained, strict=True)}
        for name, weight in pl_module.named_parameters(remove_duplicate=False):  # tied weights have several names
            if id(weight) in trained:
                checkpoint["state_dict"][name] = trained[id(weight)]

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"average": self._average, "updates": self._updates}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From a checkpoint."""
        self._average, self._updates = state_dict["average"], state_dict["updates"]

    def _put_back(self, trainer: pl.Trainer) -> None:
        if self._trained is not None:
            _fill(trainer, self._trained)
            self._trained = None


def selects(trainer: pl.Trainer) -> bool:
    """Whether a validation of this moment counts: it measures an average, or none is asked for."""
    return all(callback.begun for callback in trainer.callbacks if isinstance(callback, WeightAverage))  # type: ignore[attr-defined]


def _weights(trainer: pl.Trainer) -> list[nn.Parameter]:
    return [parameter for group in trainer.optimizers[0].param_groups for parameter in group["params"]]


def _precise(weight: Tensor) -> torch.dtype:
    return torch.promote_types(weight.dtype, torch.float32)


def _fill(trainer: pl.Trainer, values: Sequence[Tensor]) -> None:
    with torch.inference_mode(False), torch.no_grad():  # a validation may be under inference_mode
        for weight, value in zip(_weights(trainer), values, strict=True):
            weight.copy_(value)
