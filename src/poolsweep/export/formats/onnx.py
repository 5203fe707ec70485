"""ONNX: one graph from token ids to logits, for ONNX Runtime without torch."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from poolsweep.data.ragged import last_of_each
from poolsweep.data.template import TemplateTokens
from poolsweep.errors import UserError
from poolsweep.export.encoder import added_tokens, plain_encoder, plain_tokenizer, prefix_objection, second_text
from poolsweep.export.format import Format, Wanted, Written
from poolsweep.export.formats.code import labels_of, outputs_name
from poolsweep.export.formats.onnx_int8 import write_int8
from poolsweep.export.pooling_source import folded_head, readout_of, unpooled_prefix
from poolsweep.files.writing import write_json
from poolsweep.pooling import PoolingContext
from poolsweep.training.load import LoadedRun

_OPSET = 20
_USAGE = """import numpy
import onnxruntime
from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file("FOLDER/tokenizer.json")  # it cuts and pads
session = onnxruntime.InferenceSession("FOLDER/model.onnx")
rows = tokenizer.encode_batch({texts})
columns = {{
    "input_ids": [row.ids for row in rows],
    "attention_mask": [row.attention_mask for row in rows],
    "token_type_ids": [row.type_ids for row in rows],
}}
inputs = {{read.name: numpy.array(columns[read.name], dtype=numpy.int64) for read in session.get_inputs()}}
{result}
"""
_LOGITS = 'logits = session.run(["logits"], inputs)[0]'
_ACTIVATIONS = {
    "softmax": """exponentials = numpy.exp(logits - logits.max(axis=1, keepdims=True))
probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)""",
    "sigmoid": "{outputs} = {low} + {span} / (1 + numpy.exp(-logits))",
    "none": "scores = logits",
}
_LABELS = 'labels = session.get_modelmeta().custom_metadata_map["labels"]  # a JSON list: logit i is labels[i]'
_VECTORS = 'vectors = session.run(["embedding"], inputs)[0]'


class Onnx(Format):
    """``model.onnx`` with free batch and length, and beside it tokenizer, labels and config."""

    name: ClassVar[str] = "onnx"
    proof: ClassVar[str] = "onnx"
    packages: ClassVar[tuple[str, ...]] = ("onnx", "onnxscript", "onnxruntime")

    def objection(self, run: LoadedRun, wanted: Wanted) -> str | None:
        """Poolings may say that they cannot be traced."""
        pooling = run.classifier.pooling
        for half in (pooling.layers, pooling.tokens):
            if not half.onnx_exportable:
                return f"{type(half).__name__} cannot be written as ONNX; its docstring says why"
        if second_text(run) is None:
            return None
        if (why := prefix_objection(run)) is not None:
            return why
        if "special" in pooling.context_needed and "token_type_ids" not in _inputs(run):
            return "include_special=false needs token_type_ids, which say where the first text of a pair ends"
        return None

    def usage(self, run: LoadedRun, wanted: Wanted) -> str:
        """Lines that need onnxruntime, tokenizers and numpy alone."""
        paired = second_text(run) is not None
        texts = '[("one text", "its pair"), ("another", "its pair")]' if paired else '["one text", "another"]'
        if wanted.vectors:
            return _USAGE.format(texts=texts, result=_VECTORS)
        readout = readout_of(run)
        activation = _ACTIVATIONS[readout.activation].format(
            outputs=outputs_name(run), low=readout.low, span=readout.span
        )
        lines = [_LOGITS, activation, *([_LABELS] if run.config.task.has_labels else [])]
        return _USAGE.format(texts=texts, result="\n".join(lines))

    def write(self, run: LoadedRun, folder: Path, wanted: Wanted) -> Written:
        """Trace the model and write the graph, in int8 if that is wanted."""
        tokenizer = plain_tokenizer(run)
        encoder = plain_encoder(run, attention="eager" if _reads_attentions(run) else None)
        program = _traced(TokensToOutput(run, encoder, wanted), run, wanted)
        path, said = folder / "model.onnx", ()
        if wanted.int8:
            model = program.model_proto
            size = model.ByteSize()
            with quiet():
                write_int8(model, path)
            said = (f"model.onnx: {size / 1e6:.1f} MB in float32, {path.stat().st_size / 1e6:.1f} MB in int8",)
        else:
            program.save(str(path))
        tokenizer.save_pretrained(folder)
        backend = tokenizer.backend_tokenizer
        backend.enable_truncation(run.reading.max_length)
        backend.enable_padding(pad_id=run.loaded.pad_token_id, pad_token=tokenizer.pad_token or "[PAD]")
        backend.save(str(folder / "tokenizer.json"))
        if not wanted.vectors:
            for name, value in labels_of(run).items():
                setattr(encoder.config, name, value)
            write_json(folder / "labels.json", readout_of(run).contract.to_mapping())
        encoder.config.save_pretrained(folder)
        return Written(said=said)


class TokensToOutput(nn.Module):
    """What the graph computes.

    Args:
        run: A finished run.
        encoder: From ``plain_encoder``.
        wanted: What was asked.
    Shape:
        all arguments (B, T) int64; returns logits (B, C), or vectors (B, D).
    """

    def __init__(self, run: LoadedRun, encoder: PreTrainedModel, wanted: Wanted) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling = run.classifier.pooling
        self.end = nn.Identity() if wanted.vectors else _end(run)
        self.inputs = _inputs(run)
        self._cls_is_last = run.loaded.cls_place == "last"
        self._added = added_tokens(run)
        self._prefix = unpooled_prefix(run)
        self._paired = second_text(run) is not None
        template = self.pooling.template if "template" in self.pooling.context_needed else None
        self._mask_place = None if template is None else TemplateTokens.of(run.loaded.tokenizer, template).mask_place

    def forward(self, *columns: Tensor) -> Tensor:
        """From token ids to the end of the model."""
        given = dict(zip(self.inputs, columns, strict=True))
        mask = given["attention_mask"].bool()
        wanted = self.pooling.layers_needed
        last = self.encoder.config.num_hidden_layers
        output = self.encoder(
            **given,
            output_hidden_states=wanted != (last,),
            output_attentions="attentions" in self.pooling.context_needed,
        )
        hidden = tuple(output.last_hidden_state if i == last else output.hidden_states[i] for i in wanted)
        context = PoolingContext(
            pooler_output=output.pooler_output if "pooler_output" in self.pooling.context_needed else None,
            attentions=getattr(output, "attentions", None),
            special=self._special(mask, given) if "special" in self.pooling.context_needed else None,
            template=None if self._mask_place is None else self._template(mask, *self._mask_place),
            cls=last_of_each(mask) if self._cls_is_last else None,
            prefix=None if self._prefix is None else self._prefixed(mask, self._prefix),
        )
        return self.end(self.pooling(hidden, mask, context))

    def _special(self, mask: Tensor, given: dict[str, Tensor]) -> Tensor:
        """The tokens that the tokenizer adds, (B, T): so many at each end, and those between two texts."""
        first, last = self._added
        place = mask.long().cumsum(dim=1)
        special = mask & ((place <= first) | (place > place[:, -1:] - last))
        if self._paired:
            types = given["token_type_ids"]
            special = special | (mask & (types == 0) & (types.roll(-1, dims=1) == 1))
        return special

    @staticmethod
    def _template(mask: Tensor, side: str, number: int) -> Tensor:
        """The place of the template's [MASK], (B, T), counted from one side."""
        place = mask.long().cumsum(dim=1)
        return mask & (place == (number if side == "place" else place[:, -1:] + 1 - number))

    @staticmethod
    def _prefixed(mask: Tensor, places: range) -> Tensor:
        """The tokens of a prefix that is not pooled, (B, T)."""
        place = mask.long().cumsum(dim=1)
        return mask & (place > places.start) & (place <= places.stop)


def _end(run: LoadedRun) -> nn.Module:
    """Post-processing and head; one layer, where what follows the logits is folded into it."""
    readout = readout_of(run)
    if (readout.factor, readout.shift) != (1, 0):
        return folded_head(run)
    return nn.Sequential(run.classifier.postprocess, run.classifier.head)


def _reads_attentions(run: LoadedRun) -> bool:
    return "attentions" in run.classifier.pooling.context_needed


def _inputs(run: LoadedRun) -> tuple[str, ...]:
    typed = "token_type_ids" in run.loaded.tokenizer.model_input_names
    return ("input_ids", "attention_mask", *(["token_type_ids"] if typed else []))


def _traced(model: TokensToOutput, run: LoadedRun, wanted: Wanted) -> Any:  # noqa: ANN401
    """The graph, without what the tracer notes of this machine's files."""
    # One tensor each: the tracer takes two names of the same tensor for one input.
    example = tuple(torch.ones(3, 7, dtype=torch.int64) for _ in model.inputs)
    shapes = ({0: "batch", 1: "tokens"},) * len(model.inputs)
    try:
        with torch.no_grad(), quiet():
            program = torch.onnx.export(
                model.eval(), example, dynamo=True, dynamic_shapes=(shapes,), opset_version=_OPSET,
                input_names=list(model.inputs), output_names=["embedding" if wanted.vectors else "logits"],
                verbose=False,
            )  # fmt: skip
    except Exception as error:  # torch.export names what it cannot trace in exceptions of many classes
        why = str(error.__cause__ or error).strip().splitlines()[0]
        raise UserError(f"pooling={run.config.pooling_name} cannot be traced for ONNX: {why}") from error
    assert program is not None
    _tidy(program.model)
    program.model.metadata_props["labels"] = json.dumps(run.contract.names, ensure_ascii=False)
    program.model.metadata_props["pooling"] = run.config.pooling_name
    return program


def _tidy(model: Any) -> None:  # noqa: ANN401
    """Take out what the tracer notes of this machine's files, and names of values that the results have too."""
    graph = model.graph
    results = {id(value): str(value.name) for value in graph.outputs}
    for node in graph.all_nodes():
        node.metadata_props.clear()
        node.doc_string = None
        for value in node.outputs:
            value.metadata_props.clear()
            if id(value) not in results and value.name in results.values():
                value.name = f"{value.name}_inside"
    for value in (*graph.inputs, *graph.outputs, *graph.initializers.values()):
        value.metadata_props.clear()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the tracer's chatter off the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
