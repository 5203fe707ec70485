"""Rules about gradients and precision."""

from __future__ import annotations

import copy

import torch
from torch import Tensor
from torch.autograd.gradcheck import GradcheckError

from poolsweep.pooling.base import PoolingContext
from poolsweep.pooling.conformance.result import require, require_close
from poolsweep.pooling.conformance.rows import LONGEST_ATTENDED, Batch
from poolsweep.pooling.conformance.subject import Subject, pool

_LONG = 4096


def finite_gradients(subject: Subject, dtype: torch.dtype) -> None:
    """In training mode every gradient is finite, and zero at padding, though padding holds NaN and a row is empty."""
    pooling = subject.make(dtype).train()
    batch = subject.batch(pooling, [3, 0, 1, 5], dtype=dtype)
    states = [tensor.requires_grad_() for tensor in batch.tensors() if tensor.is_floating_point()]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        loss = pool(pooling, batch).float().square().sum()
        penalty = pooling.auxiliary_loss()
    require(bool(loss.isfinite()), "the pooled vectors are not finite in training mode")
    (loss if penalty is None else loss + penalty).backward()
    for name, parameter in pooling.named_parameters():
        if parameter.grad is not None:
            require(bool(parameter.grad.isfinite().all()), f"the gradient of {name} has NaN or infinity")
    reached = [tensor.grad for tensor in states if tensor.grad is not None]
    require(any(bool((grad != 0).any()) for grad in reached), "no gradient reaches the encoder")
    for tensor in batch.hidden:
        if tensor.grad is not None:
            require(bool((tensor.grad[~batch.mask] == 0).all()), "padding gets a gradient that is not 0")
    require(all(bool(grad.isfinite().all()) for grad in reached), "the gradient of an input has NaN or infinity")


def long_rows(subject: Subject, dtype: torch.dtype) -> None:
    """4,096 tokens in this dtype give what they give in float64."""
    pooling = subject.make(dtype)
    attends = "attentions" in getattr(pooling, "context_needed", ())
    length = LONGEST_ATTENDED if attends else _LONG
    exact = copy.deepcopy(pooling).double()
    batch = subject.batch(pooling, [length], dtype=dtype)
    with torch.no_grad():
        expected = pool(exact, _double(batch))
        require_close(pool(pooling, batch), expected, f"{length} tokens against float64", dtype=dtype, slack=2.0)


def autocast_agrees(subject: Subject, dtype: torch.dtype) -> None:
    """Under bfloat16 autocast, as mixed precision trains, results and gradients stay finite and close."""
    pooling = subject.make(dtype)
    batch = subject.batch(pooling, [4, 0, 1, 6], dtype=dtype)
    expected = pool(pooling, batch)
    with torch.autocast("cpu", torch.bfloat16):
        found = pool(pooling, batch)
    require_close(found.detach(), expected.detach(), "bfloat16 autocast", dtype=torch.bfloat16, slack=2.0)
    if found.requires_grad:
        found.float().square().sum().backward()
        finite = all(bool(p.grad.isfinite().all()) for p in pooling.parameters() if p.grad is not None)
        require(finite, "a gradient under bfloat16 autocast has NaN or infinity")


def gradients_are_right(subject: Subject, dtype: torch.dtype) -> None:
    """Automatic gradients equal finite differences, in float64."""
    pooling = subject.make(dtype)
    batch = subject.batch(pooling, [3, 2], dtype=dtype, fill=0.0)
    names = [name for name, _ in pooling.named_parameters()]
    depth = len(batch.hidden)

    def run(*tensors: Tensor) -> Tensor:
        parameters = dict(zip(names, tensors[depth:], strict=True))
        inputs = (tensors[:depth], batch.mask, batch.context)
        return torch.func.functional_call(pooling, parameters, inputs)

    tensors = [tensor.detach().requires_grad_() for tensor in (*batch.hidden, *pooling.parameters())]
    if not run(*tensors).requires_grad:
        return  # it reads the context alone
    try:
        torch.autograd.gradcheck(run, tensors, fast_mode=True)
    except GradcheckError as error:
        require(False, f"gradcheck: {str(error).strip().splitlines()[0]}")


def _double(batch: Batch) -> Batch:
    def double(tensor: Tensor | None) -> Tensor | None:
        return tensor if tensor is None or not tensor.is_floating_point() else tensor.double()

    context = batch.context
    attentions = None if context.attentions is None else tuple(a.double() for a in context.attentions)
    return Batch(
        hidden=tuple(layer.double() for layer in batch.hidden),
        mask=batch.mask,
        context=PoolingContext(
            pooler_output=double(context.pooler_output),
            attentions=attentions,
            special=context.special,
            template=context.template,
        ),
    )
