"""``init=probe``: the head that a run starts from is the one that a probe solves on the frozen encoder."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from poolsweep.config import RunConfig
from poolsweep.config.fine_tuning import solving_config
from poolsweep.distributed.group import by_itself
from poolsweep.model.classifier import Classifier
from poolsweep.postprocess.base import Postprocess
from poolsweep.postprocess.standardize import Standardize
from poolsweep.probe.run import ProbeRun
from poolsweep.runs.status import StatusFile
from poolsweep.training.assemble import assemble
from poolsweep.training.encoder import load_encoder
from poolsweep.training.make import make
from poolsweep.training.pooling import build_pooling
from poolsweep.training.prepare import Prepared

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SolvedHead:
    """A linear head and what is done to the vectors that it was solved on.

    Attributes:
        weight: (C, D) float64.
        bias: (C,) float64.
        postprocess: Fitted on the training split.
    """

    weight: Tensor
    bias: Tensor
    postprocess: Postprocess

    def install(self, classifier: Classifier) -> None:
        """Write the head into a classifier that is to be trained.

        Where its vectors are left as they are, and those of the probe were standardised, mean and scale become part of
        the weights.

        Args:
            classifier: Classifier of the same encoder, pooling and targets; its head is linear.
        """
        weight, bias = self.weight.cpu(), self.bias.cpu()
        if isinstance(self.postprocess, Standardize) and not classifier.postprocess.needs_fit:
            weight = weight * self.postprocess.scale.cpu().double()
            bias = bias - weight @ self.postprocess.mean.cpu().double()
        linear = classifier.head.classifier
        assert isinstance(linear, nn.Linear)
        with torch.no_grad():
            linear.weight.copy_(weight)
            linear.bias.copy_(bias)


def solve_head(config: RunConfig, prepared: Prepared, *, status: StatusFile) -> SolvedHead:
    """Solve the head on the encoder as it is loaded; features that a probe has stored are read, and are stored for it.

    The penalty is chosen on validation, also for a refit that trains on the validation rows afterwards.

    Args:
        config: Config of a run with ``init=probe``.
        prepared: What the run reads.
        status: Status file of the run, which is told how it goes.
    Reference:
        Kumar et al. (2022), "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution",
        arXiv:2202.10054. Differs: the head is solved instead of trained.
    """
    solving = RunConfig.of(solving_config(config.content))
    loaded = load_encoder(solving.encoder, tokens=solving.tokens, init_seed=solving.init_seed)
    twin = replace(prepared, loaded=loaded, pooling=build_pooling(solving.pooling, loaded))
    made = assemble(solving, twin, status=status, left_out=("test",))
    probe = make(solving.trainer, monitor=solving.monitor, loggers=[])
    classifier, seed = made.classifier, solving.data_seed
    run = ProbeRun(classifier, made.data, solving.task, twin.contract, probe, made.text_facts, _nothing, seed)
    with by_itself():  # the other processes of a run wait for its head
        solved = run.solve(status)
    _log.info("init=probe: penalty %g, %s %g", solved.penalty, probe.monitor, solved.tried[solved.penalty])
    return SolvedHead(solved.solution.weight, solved.solution.bias, classifier.postprocess)


def _nothing() -> None:
    """No lock is checked: nothing is written."""
