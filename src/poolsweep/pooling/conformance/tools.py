"""Rules about the tools around a pooling: torch.compile and ONNX."""

from __future__ import annotations

import importlib.util
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import torch
from torch import Tensor, nn

from poolsweep.pooling.base import PoolingContext
from poolsweep.pooling.conformance.result import CheckSkipped, require_close
from poolsweep.pooling.conformance.rows import Batch
from poolsweep.pooling.conformance.subject import Subject, pair, pool


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
        fields = dict(zip(self.fields, rest[self.attentions :], strict=True))
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
