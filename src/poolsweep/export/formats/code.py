"""What formats share that carry the source of a pooling: one Python file, and one file of weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from transformers import PreTrainedModel

from poolsweep.encoder.weights import kind_of
from poolsweep.export.format import Wanted, Written
from poolsweep.export.pooling_source import folded_head, pooling_source, readout_of
from poolsweep.predict.export_record import Weights
from poolsweep.training.load import LoadedRun

WEIGHTS = "model.safetensors"
_FUTURE = "from __future__ import annotations\n\n"
_ENCODING = '''
def make_encoder(config):
    """An encoder of a config, with weights that are still to be loaded."""
    encoder = {auto}.from_config(config, attn_implementation={attention!r})
{without_pooler}    return encoder


def encode_and_pool(encoder, pool, input_ids, attention_mask=None, token_type_ids=None):
    """The vectors of a batch of texts, (B, {size}), and the states of the last layer."""
    if attention_mask is None:
        attention_mask = torch.ones_like(input_ids)
    given = {{}} if token_type_ids is None else {{"token_type_ids": token_type_ids}}
    output = encoder(
        input_ids=input_ids, attention_mask=attention_mask, **given, output_hidden_states=True,
        output_attentions={attentions}, return_dict=True,
    )
    vectors = pool(
        output.hidden_states, attention_mask, pooler_output=getattr(output, "pooler_output", None),
        attentions=getattr(output, "attentions", None), token_type_ids=token_type_ids,
    )
    return vectors, output.last_hidden_state
'''
_WITHOUT_POOLER = "    encoder.pooler = None  # nothing reads it\n"


def require_plain(run: LoadedRun) -> str | None:
    """Why an encoder is not one of transformers' own; None if it is."""
    model = run.loaded.encoder.model
    if type(model).__module__.startswith("transformers."):
        return None
    return f"the encoder {run.loaded.encoder.name} runs code that its own folder carries, which is not written along"


def labels_of(run: LoadedRun) -> dict[str, Any]:
    """Entries of a transformers config that say what the logits mean."""
    names, readout = run.contract.names, readout_of(run)
    found: dict[str, Any] = {
        "num_labels": len(names),
        "id2label": dict(enumerate(names)),
        "label2id": {name: i for i, name in enumerate(names)},
        "problem_type": readout.problem_type,
    }
    if readout.thresholds:
        found["thresholds"] = list(readout.thresholds)  # of the probability of each label
    return found


def read_out(run: LoadedRun, logits: str) -> str:
    """An expression of torch for what the run predicts, of the logits that the exported layer gives.

    Args:
        run: A finished run.
        logits: Expression of the logits, (B, C).
    """
    readout = readout_of(run)
    if readout.activation == "none":
        return logits
    found = f"{logits}.softmax(dim=-1)" if readout.activation == "softmax" else f"{logits}.sigmoid()"
    return found if (readout.low, readout.span) == (0, 1) else f"{readout.low!r} + {readout.span!r} * {found}"


def outputs_name(run: LoadedRun) -> str:
    """What a person calls the outputs of a run."""
    return "probabilities" if run.config.task.has_labels else "scores"


def model_source(run: LoadedRun, *, imports: str, code: str) -> str:
    """One Python file: the source of the run's pooling, and a model that stands on it.

    Args:
        run: A finished run.
        imports: Statements that the model needs beside the pooling's.
        code: The model.
    Raises:
        UserError: If the source of the pooling is not to be had.
    """
    source = pooling_source(run).replace("needs torch alone", "stands on nothing of it")
    return source.replace(_FUTURE, f"{_FUTURE}{imports}", 1).rstrip() + "\n\n" + code


def source_with_encoder(run: LoadedRun, encoder: PreTrainedModel, *, imports: str, code: str) -> str:
    """As ``model_source``, with ``make_encoder`` and ``encode_and_pool`` for the model to stand on.

    Args:
        run: A finished run.
        encoder: The run's plain encoder.
        imports: Statements that the model needs; ``AutoModel`` becomes the class that loads this family.
        code: The model.
    Raises:
        UserError: If the source of the pooling is not to be had.
    """
    attentions = "attentions" in run.classifier.pooling.context_needed
    own, auto = encoder.config._attn_implementation, kind_of(encoder.config).__name__
    encoding = _ENCODING.format(
        auto=auto,
        attention="eager" if attentions or own not in {"sdpa", "eager"} else own,
        attentions=attentions,
        size=run.classifier.pooling.output_size,
        without_pooler=_WITHOUT_POOLER if getattr(encoder, "pooler", None) is None else "",
    )
    return model_source(run, imports=imports.replace("AutoModel,", f"{auto},"), code=f"{encoding}\n{code}")


def write_weights(run: LoadedRun, encoder: PreTrainedModel, folder: Path, wanted: Wanted) -> Written:
    """Write the weights of a model that has an ``encoder``, a ``TextPooling`` called ``pool`` and a ``head``."""
    state = {f"encoder.{name}": tensor for name, tensor in encoder.state_dict().items()}
    state |= {f"pool.pooling.{name}": tensor for name, tensor in run.classifier.pooling.state_dict().items()}
    if not wanted.vectors:
        state |= {f"head.{name}": tensor for name, tensor in folded_head(run).state_dict().items()}
    save_file({n: t.detach().clone().contiguous() for n, t in state.items()}, folder / WEIGHTS, {"format": "pt"})
    parts = [("encoder.", "encoder."), ("pooling.", "pool.pooling.")] + [("head.", "head.")] * (not wanted.vectors)
    return Written(encoder.config, tuple(Weights(part, WEIGHTS, prefix) for part, prefix in parts))
