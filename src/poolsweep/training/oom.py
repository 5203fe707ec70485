"""What to do when memory runs out: find the size that fits, and say it or take it."""

from __future__ import annotations

import gc
import traceback
from typing import TYPE_CHECKING

import torch
from torch.distributed.fsdp import FSDPModule

from poolsweep.config import RunConfig
from poolsweep.data.batch import Batch
from poolsweep.training.failure import kind_of

if TYPE_CHECKING:
    from poolsweep.training.fit import TrainingRun


class BatchTooLargeError(Exception):
    """Memory ran out.

    Args:
        message: What would fit, or that nothing would.
        micro_batches: Steps that each batch has to be divided into; None if that is not known or would not help.
    """

    kind = "out_of_memory"

    def __init__(self, message: str, *, micro_batches: int | None) -> None:
        super().__init__(message)
        self.facts = {"micro_batches": micro_batches}


def batch_too_large(run: TrainingRun, error: BaseException) -> BatchTooLargeError:
    """What fits instead of the batch that did not, found by halving it until a step goes through.

    Args:
        run: Memory ran out in it.
        error: Says so; what its frames hold is let go.
    """
    traceback.clear_frames(error.__traceback__)
    batch, module = run.classifier.last_batch, run.classifier
    if batch is None:
        return BatchTooLargeError("out of memory before the first batch; take a smaller encoder", micro_batches=None)
    rows = len(batch)
    _let_go(run)
    if not module.training:
        half = max(1, run.config.loading.eval_batch_size // 2)
        return BatchTooLargeError(
            f"out of memory in evaluation with {rows} texts at once; data.eval_batch_size={half} needs less",
            micro_batches=None,
        )
    halved, size = run.micro_batches, rows
    while size > 1:
        halved, size = 2 * halved, -(-size // 2)
        if isinstance(module, FSDPModule) or _fits(run, batch, size):  # sharded weights need all processes: a guess
            return BatchTooLargeError(_advice(run.config, rows=rows, micro_batches=halved), micro_batches=halved)
    return BatchTooLargeError(
        f"out of memory with {rows} texts at once, and one alone does not fit either; lower data.max_length, set "
        "encoder.gradient_checkpointing=true or take a smaller encoder",
        micro_batches=None,
    )


def _advice(config: RunConfig, *, rows: int, micro_batches: int) -> str:
    plan = config.batch_plan
    fits, wanted = -(-plan.per_device // micro_batches), f"out of memory with {rows} texts at once; "
    if plan.per_device % micro_batches:
        return f"{wanted}{fits} fit: trainer.on_oom=halve takes so many and computes the same"
    keys = f"data.batch_size={fits}"
    if config.loading.effective_batch_size is None:
        keys += f" trainer.accumulate_grad_batches={plan.accumulated * micro_batches}"
    return f"{wanted}{keys} fits and computes the same, and trainer.on_oom=halve finds it by itself"


def _fits(run: TrainingRun, batch: Batch, size: int) -> bool:
    """Whether the longest texts of a batch go through a step; no gradient is kept and no other process is needed."""
    longest = batch.tokens.argsort(descending=True)[:size]
    parameters = [p for p in run.classifier.parameters() if p.requires_grad]
    try:
        with torch.enable_grad(), run.trainer.precision_plugin.forward_context():
            loss = run.classifier.loss_of(batch.select(longest))
            torch.autograd.grad(loss, parameters, allow_unused=True)
    except Exception as error:
        if kind_of(error) != "out_of_memory":
            raise
        traceback.clear_frames(error.__traceback__)
        return False
    finally:
        _let_go(run)
    return True


def _let_go(run: TrainingRun) -> None:
    for parameter in run.classifier.parameters():
        parameter.grad = None
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
