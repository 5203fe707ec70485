"""An export as a model: built of poolsweep's own code and the folder's weights; no code of the folder is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from hydra.utils import get_object
from torch import Tensor, nn
from transformers import CONFIG_MAPPING, AutoConfig, PreTrainedModel, PreTrainedTokenizerBase

from poolsweep.config import Node
from poolsweep.data.reading import Reading
from poolsweep.data.template import TemplateTokens, put_around, taken_out, tokens_around
from poolsweep.encoder import Encoder, LoadedEncoder
from poolsweep.encoder.loading import load_tokenizer, quiet_transformers
from poolsweep.encoder.weights import kind_of
from poolsweep.errors import UserError
from poolsweep.pooling import Pooling
from poolsweep.pooling.functional import at_least_float32
from poolsweep.predict.engine import Engine, Place, Predicted, Vectors
from poolsweep.predict.export_record import ExportRecord, read_export_record, read_weights
from poolsweep.predict.identity import identity_of
from poolsweep.predict.model import Model, Output, Reads, known_metrics
from poolsweep.training.make import make

# Keys of a config that make transformers load code or another precision, or that say nothing of an encoder.
_LEFT_OUT = {
    "architectures", "attn_implementation", "auto_map", "dtype", "id2label", "label2id", "num_labels", "problem_type",
    "quantization_config", "torch_dtype", "transformers_version",
}  # fmt: skip
_WRITES_PROMPTS = "sentence-transformers"  # the format whose library puts a prefix before texts, not the tokenizer
_MOST_PARTS = 10_000  # of one kind: layers, heads, groups


class ExportModel(Model):
    """An exported model with the weights of its folder.

    Args:
        folder: The export.
        record: The export's record.
        place: Device and precision.
    Raises:
        UserError: If it cannot be built.
    """

    def __init__(self, folder: Path, record: ExportRecord, *, place: Place) -> None:
        self.name, self.record = str(folder), record
        self.task, self.contract = record.known_task, record.known_contract
        self.metrics = known_metrics(self.task, record.run.get("measured"))
        self.reads = Reads(text=record.text, text_pair=record.text_pair, max_length=record.max_length)
        state = read_weights(folder, record)
        try:
            model = _encoder(record, _part(state, "encoder."))
            tokenizer = load_tokenizer(folder, model=model, options={"trust_remote_code": False})
            self.after = _after(record, model, state)
        except UserError:
            raise
        except Exception as error:  # transformers and torch name what does not fit in errors of many kinds
            reason = " ".join(str(error).split())[:300]
            raise UserError(f"{folder} cannot be read back: {reason}") from error
        template = self.after.pooling.template
        inside = "" if record.format == _WRITES_PROMPTS else record.prefix
        if template is not None or inside:
            _take_out(tokenizer, template, inside, name=self.name)
        encoder = Encoder(
            model, name=str(record.run.get("encoder")), frozen=True, packing="auto", cpu_kernels="auto"
        )  # fmt: skip
        reading = Reading(record.max_length, template, record.prefix, pool_prefix=record.pool_prefix)
        self.engine = Engine(LoadedEncoder(encoder, tokenizer), reading, place)
        self.after.to(place.device)

    @property
    def identity(self) -> str:
        """A hash of weights, options, labels and place."""
        return identity_of(self.engine, self.after, repr(self.record.pooling), self.record.task, self.record.contract)

    def predict(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Output:
        """Probabilities, or what else the task predicts."""
        if self.record.vectors:
            raise UserError(f"{self.name} was exported with --vectors: it has no head, and gives vectors alone")
        wanted = Predicted(self.after.pooling, "predicted", self.after, self.task, self.contract)
        return self._run(wanted, texts, pairs)

    def encode(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Output:
        """Pooled vectors."""
        return self._run(Vectors(self.after.pooling, "vectors"), texts, pairs)

    def _run(self, wanted: Vectors, texts: Sequence[str], pairs: Sequence[str] | None) -> Output:
        self.reads.check(texts, pairs)
        [values], truncated = self.engine.run(texts, pairs, [wanted])
        return Output(values, truncated)


class PoolingAndHead(nn.Module):
    """What follows the encoder.

    Args:
        pooling: Pooling of the states.
        head: Linear, with the post-processing folded in; None = the export gives vectors.
    """

    def __init__(self, pooling: Pooling, head: nn.Linear | None) -> None:
        super().__init__()
        self.pooling, self.head = pooling, head

    def logits(self, pooled: Tensor) -> Tensor:
        """The logits of pooled vectors."""
        assert self.head is not None
        return at_least_float32(self.head(pooled))


def load_export(folder: Path, *, place: Place, trusted: Sequence[str] = ()) -> Model:
    """Load an export, which may be a stranger's; no code of it is run.

    Args:
        folder: A folder that ``poolsweep export`` wrote.
        place: Device and precision.
        trusted: Packages of your own whose classes it names.
    Raises:
        UserError: If it is none, or is refused.
    """
    record = read_export_record(folder, trusted=list(trusted))
    quiet_transformers()
    if record.encoder is None:
        from poolsweep.predict.onnx_model import OnnxModel

        return OnnxModel(folder, record, place=place)
    return ExportModel(folder, record, place=place)


def _part(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}


def _encoder(record: ExportRecord, state: Mapping[str, Tensor]) -> PreTrainedModel:
    """transformers' own model of the record's config, which must fit the weights before it is made."""
    given = {k: v for k, v in (record.encoder or {}).items() if not k.startswith("_") and k not in _LEFT_OUT}
    family = given.pop("model_type", None)
    if family not in CONFIG_MAPPING:
        raise UserError(f"the encoder is a {family!r}, which transformers has no model for")
    for name, value in given.items():
        if name.startswith("num_") and isinstance(value, int) and value > _MOST_PARTS:
            raise UserError(f"the encoder's config has {name} {value:,}, more than any")
    config = AutoConfig.for_model(family, **given)
    kind = kind_of(config)
    tokens = get_object(record.pooling["tokens"]["_target_"])  # checked with the record
    reads_attentions = "attentions" in getattr(tokens, "context_needed", ())
    with torch.device("meta"):
        wanted = {name: tensor.shape for name, tensor in kind.from_config(config).state_dict().items()}
    has_pooler = any(name.startswith("pooler.") for name in state)
    wanted = {name: shape for name, shape in wanted.items() if has_pooler or not name.startswith("pooler.")}
    odd = sorted(wanted.keys() ^ state.keys()) or [n for n in wanted if wanted[n] != state[n].shape]
    if odd:
        raise UserError(f"the weights are not those of the encoder that poolsweep.json describes: {odd[0]}")
    with torch.random.fork_rng(devices=[]):
        model = kind.from_config(config, **({"attn_implementation": "eager"} if reads_attentions else {}))
    if not has_pooler:
        model.add_module("pooler", None)
    model.load_state_dict(state)
    return model.float().eval()


def _after(record: ExportRecord, model: PreTrainedModel, state: Mapping[str, Tensor]) -> PoolingAndHead:
    """Pooling and head with their weights; layers are counted as in the encoder before it was cut."""
    nodes: dict[str, Any] = record.pooling
    hidden_size = model.config.hidden_size
    with torch.random.fork_rng(devices=[]):
        layers = make(Node(nodes["layers"]), num_layers=record.num_layers, hidden_size=hidden_size)
        pooling = Pooling(layers=layers, tokens=make(Node(nodes["tokens"]), input_size=layers.output_size))
    if max(pooling.layers_needed) > model.config.num_hidden_layers:
        raise UserError("the pooling reads layers that the encoder does not have")
    pooling.load_state_dict(_part(state, "pooling."))
    head = None
    if not record.vectors:
        head = nn.Linear(pooling.output_size, len(record.known_contract))
        head.load_state_dict(_part(state, "head."))
    return PoolingAndHead(pooling, head).requires_grad_(requires_grad=False).eval()


def _take_out(tokenizer: PreTrainedTokenizerBase, template: str | None, prefix: str, *, name: str) -> None:
    """Undo what puts prefix and template around every text, since poolsweep's own reader does that."""
    if template is None and getattr(tokenizer, "backend_tokenizer", None) is not None and taken_out(tokenizer, prefix):
        return
    start, end = tokens_around(tokenizer)
    parts = ([], []) if template is None else TemplateTokens.of(tokenizer, template).parts
    before = [*parts[0], *tokenizer(prefix.strip(), add_special_tokens=False)["input_ids"]]
    after = parts[-1]
    fits = start[len(start) - len(before) :] == before and end[: len(after)] == after
    if getattr(tokenizer, "backend_tokenizer", None) is None or not fits:
        raise UserError(f"the tokenizer of {name} does not put {(template or prefix)!r} around texts")
    put_around(tokenizer, start[: len(start) - len(before)], end[len(after) :])
