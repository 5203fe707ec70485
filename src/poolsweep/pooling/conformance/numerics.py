"""Rules about gradients, precision, torch.compile and ONNX."""

from __future__ import annotations

import copy
import importlib.util
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.gradcheck import GradcheckError

from poolsweep.pooling.base import PoolingContext
from poolsweep.pooling.conformance.contract import CheckSkipped, require, require_close
from poolsweep.pooling.conformance.subject import LONGEST_ATTENDED, Batch, Subject, pair, pool

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


@torch.no_grad()
def compiles(subject: Subject, dtype: torch.dtype) -> None:
    """``torch.compile`` gives what eager mode gives (captured and functionalised, without a C++ compiler)."""
    pooling = subject.make(dtype)
    batch = subject.batch(pooling, [4, 1, 0, 6], dtype=dtype)
    torch.compiler.reset()
    with warnings.catch_warnings(), _quiet():
        warnings.simplefilter("ignore")
        compiled: Any = torch.compile(pooling, backend="aot_eager")
        found = pool(compiled, batch)
    torch.compiler.reset()
    require_close(found, pool(pooling, batch), "torch.compile", dtype=dtype)


@torch.no_grad()
def exports_to_onnx(subject: Subject, dtype: torch.dtype) -> None:
    """An ONNX file with free batch and token sizes gives what PyTorch gives, on a batch of another shape."""
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if importlib.util.find_spec(name) is None]
    if missing:
        raise CheckSkipped(f"not installed: pip install {' '.join(missing)}")
    pooling = subject.make(dtype)
    halves = pair(pooling)
    if halves is not None and not (halves.layers.onnx_exportable and halves.tokens.onnx_exportable):
        raise CheckSkipped("its docstring says that it cannot be exported to ONNX")
    session = _export(pooling, subject.batch(pooling, [4, 1, 6], dtype=dtype, fill=0.0))
    batch = subject.batch(pooling, [2, 7, 1, 0, 5], dtype=dtype, fill=0.0)
    inputs = dict(zip((i.name for i in session.get_inputs()), (t.numpy() for t in batch.tensors()), strict=True))
    found = torch.from_numpy(session.run(None, inputs)[0])
    require_close(found, pool(pooling, batch), "ONNX", dtype=dtype, slack=5.0)


class _Flat(nn.Module):
    """The pooling with its inputs as plain tensors."""

    def __init__(self, pooling: nn.Module, example: Batch) -> None:
        super().__init__()
        self.pooling = pooling
        self.depth = len(example.hidden)
        self.fields = [n for n in ("pooler_output", "special", "template") if getattr(example.context, n) is not None]
        self.attentions = len(example.context.attentions or ())

    def forward(self, *tensors: Tensor) -> Tensor:
        hidden, mask, rest = tensors[: self.depth], tensors[self.depth], tensors[self.depth + 1 :]
        attentions = rest[: self.attentions] or None
        fields: dict[str, Any] = dict(zip(self.fields, rest[self.attentions :], strict=True))
        return self.pooling(hidden, mask, PoolingContext(attentions=attentions, **fields))


def _export(pooling: nn.Module, example: Batch):  # noqa: ANN202
    import onnxruntime

    rows, tokens = torch.export.Dim("rows"), torch.export.Dim("tokens")
    shapes = []
    for tensor in example.tensors():
        axes = {0: rows}
        if tensor.ndim == 4:
            axes |= {2: tokens, 3: tokens}
        elif tensor is not example.context.pooler_output:
            axes[1] = tokens
        shapes.append(axes)
    with warnings.catch_warnings(), _quiet():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _Flat(pooling, example), example.tensors(), dynamo=True, dynamic_shapes=(tuple(shapes),), verbose=False
        )
        assert program is not None
    return onnxruntime.InferenceSession(program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"])


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's chatter off the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)
