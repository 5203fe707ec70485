"""Dynamic quantisation of an ONNX graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def write_int8(model: Any, path: Path) -> None:  # noqa: ANN401
    """Write a graph with the weights of matrix products and embeddings in 8 bits.

    Args:
        model: A ``ModelProto`` in float32, which is changed.
        path: File to write.
    """
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic

    del model.graph.value_info[:]  # the quantiser turns weights around and keeps their old shapes here
    _one_weight_each(model.graph)
    # The default type is that of an LSTM's outputs, which shape inference does not reach.
    given = {"DefaultTensorType": TensorProto.FLOAT}
    quantize_dynamic(model, path, weight_type=QuantType.QInt8, per_channel=True, extra_options=given)


def _one_weight_each(graph: Any) -> None:  # noqa: ANN401
    """Give each product of a recurrent layer its own weight: the quantiser turns a shared one once for each."""
    weights = {weight.name: weight for weight in graph.initializer}
    seen: set[str] = set()
    for node in graph.node:
        if node.op_type != "Gemm" or node.input[1] not in weights:
            continue
        name = node.input[1]
        if name in seen:
            copied = graph.initializer.add()
            copied.CopyFrom(weights[name])
            copied.name = node.input[1] = f"{name}_{node.name}"
        seen.add(name)
