"""transformers: its own classifier where one computes the same, else a folder with code of its own."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from poolsweep.export.encoder import TEXTS, plain_encoder, plain_tokenizer, prefix_objection, second_text
from poolsweep.export.format import Format, Wanted, Written
from poolsweep.export.formats.code import (
    WEIGHTS,
    labels_of,
    read_out,
    require_plain,
    source_with_encoder,
    write_weights,
)
from poolsweep.export.pooling_source import folded_head, readout_of
from poolsweep.pooling.tokens.pooler import Pooler
from poolsweep.predict.export_record import Weights
from poolsweep.tasks import Readout
from poolsweep.training.load import LoadedRun

_IMPORTS = """\
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPooling, SequenceClassifierOutput
"""
_CODE = '''
class PooledConfig(PretrainedConfig):
    """The config of an encoder with a pooling.

    Args:
        encoder_config: The encoder's own, as a dictionary.
    """

    model_type = "poolsweep"

    def __init__(self, encoder_config=None, **kwargs):
        self.encoder_config = encoder_config
        super().__init__(**kwargs)


class PooledModel(PreTrainedModel):
    """An encoder and a pooling: ``pooler_output`` is one vector for each text.

    Args:
        config: Its config.
    """

    config_class = PooledConfig
    base_model_prefix = ""
    _supports_sdpa = True  # as its encoder does

    def __init__(self, config):
        super().__init__(config)
        given = dict(config.encoder_config)
        encoder_config = AutoConfig.for_model(given.pop("model_type"), **given)
        self.encoder = make_encoder(encoder_config)
        self.pool = TextPooling()
        self.post_init()

    def forward(self, input_ids, attention_mask=None, token_type_ids=None, **kwargs):
        """Encode and pool."""
        vectors, last = encode_and_pool(self.encoder, self.pool, input_ids, attention_mask, token_type_ids)
        return BaseModelOutputWithPooling(last_hidden_state=last, pooler_output=vectors)


class PooledModelForSequenceClassification(PooledModel):
    """An encoder, a pooling and a linear head.

    Args:
        config: Its config.
    """

    def __init__(self, config):
        super().__init__(config)
        self.head = nn.Linear(TextPooling.output_size, config.num_labels)
        self.post_init()

    def forward(self, input_ids, attention_mask=None, token_type_ids=None, labels=None, **kwargs):
        """{gives}, and their loss if labels are given."""
        pooled = super().forward(input_ids, attention_mask, token_type_ids).pooler_output
        logits = self.head(pooled)
{bounds}        loss = None if labels is None else {loss}
        return SequenceClassifierOutput(loss=loss, logits=logits)
'''
_HEAD_BEGINS = "class PooledModelForSequenceClassification"
_LOSSES = {
    "single_label_classification": "nn.functional.cross_entropy(logits, labels)",
    "multi_label_classification": "nn.functional.binary_cross_entropy_with_logits(logits, labels.float())",
    "regression": "nn.functional.mse_loss(logits.squeeze(), labels.squeeze().float())",
}
_PIPELINE = """from transformers import pipeline

classify = pipeline("text-classification", "FOLDER", trust_remote_code=True)  # code of its own, if the folder has any
print(classify(["one text", "another"], truncation=True, top_k=None))
"""
_MODEL = """from transformers import AutoTokenizer, {kind}

tokenizer = AutoTokenizer.from_pretrained("FOLDER")
model = {kind}.from_pretrained("FOLDER", trust_remote_code=True)  # code of its own, if the folder has any
inputs = tokenizer({texts}, truncation=True, padding=True, return_tensors="pt")
print(model(**inputs).{result})
"""
_FILE = "modeling_poolsweep"


class Transformers(Format):
    """A folder for ``from_pretrained``; with a pooling of its own it needs ``trust_remote_code=True``."""

    name = "transformers"
    proof = "transformers"

    def objection(self, run: LoadedRun, wanted: Wanted) -> str | None:
        """Encoders with code of their own, and int8."""
        return "--int8 goes with --to onnx" if wanted.int8 else require_plain(run) or prefix_objection(run)

    def gives_outputs(self, readout: Readout) -> bool:
        """Scores; of labels it gives logits."""
        return readout.problem_type == "regression"

    def needs_code(self, run: LoadedRun) -> bool:
        """Where no class of theirs computes the same: all poolings but the model's own pooler."""
        return type(run.classifier.pooling.tokens) is not Pooler

    def usage(self, run: LoadedRun, wanted: Wanted) -> str:
        """The pipeline, or model and tokenizer for vectors and pairs of texts."""
        if not wanted.vectors and second_text(run) is None:
            return _PIPELINE
        paired = second_text(run) is not None
        texts = '["one text", "another"]' + (', ["its pair", "its pair"]' if paired else "")
        kind, result = ("AutoModel", "pooler_output") if wanted.vectors else (
            "AutoModelForSequenceClassification", "logits" if _gives_scores(run) else read_out(run, "logits")
        )  # fmt: skip
        return _MODEL.format(kind=kind, texts=texts, result=result)

    def write(self, run: LoadedRun, folder: Path, wanted: Wanted) -> Written:
        """transformers' own class if it computes the same, else the source of the pooling and its weights."""
        encoder = plain_encoder(run)
        plain_tokenizer(run).save_pretrained(folder)
        if type(run.classifier.pooling.tokens) is Pooler:
            if wanted.vectors:
                encoder.save_pretrained(folder)
                return Written(encoder.config, (Weights("encoder.", WEIGHTS, ""),))
            found = _own_classifier(run, encoder)
            if found is not None:
                model, weights = found
                model.save_pretrained(folder)
                return Written(encoder.config, weights)
        return _write_with_code(run, encoder, folder, wanted)


def _own_classifier(run: LoadedRun, encoder: PreTrainedModel) -> tuple[PreTrainedModel, tuple[Weights, ...]] | None:
    """transformers' own classifier with the run's weights, if it gives the run's logits; None if there is none."""
    if _gives_scores(run) and readout_of(run).activation != "none":  # their own has no bounds
        return None
    config = copy.deepcopy(encoder.config)
    for name, value in labels_of(run).items():
        setattr(config, name, value)
    try:
        with torch.random.fork_rng(devices=[]):
            model = AutoModelForSequenceClassification.from_config(config).eval()
    except ValueError:  # the family has no classifier
        return None
    base = getattr(model, model.base_model_prefix, None)
    classifier, dense = getattr(model, "classifier", None), getattr(getattr(encoder, "pooler", None), "dense", None)
    if not isinstance(base, PreTrainedModel) or classifier is None:
        return None
    head = folded_head(run)
    weights = [Weights("encoder.", WEIGHTS, f"{model.base_model_prefix}.")]
    base.load_state_dict(encoder.state_dict(), strict=False)
    if isinstance(classifier, torch.nn.Linear):
        classifier.load_state_dict(head.state_dict())
        weights.append(Weights("head.", WEIGHTS, "classifier."))
    elif hasattr(classifier, "dense") and hasattr(classifier, "out_proj") and dense is not None:
        classifier.dense.load_state_dict(dense.state_dict())
        classifier.out_proj.load_state_dict(head.state_dict())
        weights.append(Weights("encoder.pooler.dense.", WEIGHTS, "classifier.dense."))
        weights.append(Weights("head.", WEIGHTS, "classifier.out_proj."))
    else:
        return None
    tokenizer, pair = plain_tokenizer(run), second_text(run) is not None
    inputs = tokenizer(TEXTS, TEXTS[::-1] if pair else None, padding=True, return_tensors="pt")
    with torch.no_grad():
        ours, theirs = head(encoder(**inputs).pooler_output), model(**inputs).logits
    return (model, tuple(weights)) if torch.allclose(ours, theirs, rtol=1e-5, atol=1e-5) else None


def _write_with_code(run: LoadedRun, encoder: PreTrainedModel, folder: Path, wanted: Wanted) -> Written:
    source = source_with_encoder(run, encoder, imports=_IMPORTS, code=_code(run, wanted))
    (folder / f"{_FILE}.py").write_text(source, encoding="utf-8")
    kind, auto = ("PooledModel", "AutoModel") if wanted.vectors else (
        "PooledModelForSequenceClassification", "AutoModelForSequenceClassification"
    )  # fmt: skip
    config = {
        "architectures": [kind],
        "auto_map": {"AutoConfig": f"{_FILE}.PooledConfig", auto: f"{_FILE}.{kind}"},
        "model_type": "poolsweep",
        "dtype": "float32",
        "hidden_size": encoder.config.hidden_size,
        "encoder_config": encoder.config.to_dict(),
        **({} if wanted.vectors else labels_of(run)),
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return write_weights(run, encoder, folder, wanted)


def _code(run: LoadedRun, wanted: Wanted) -> str:
    """The model; scores are what its ``logits`` are, within their bounds if they have any."""
    model, head = _CODE.split(_HEAD_BEGINS)
    if wanted.vectors:
        return model.rstrip() + "\n"
    scores = _gives_scores(run)
    return model + _HEAD_BEGINS + head.format(
        gives="The scores" if scores else "The logits",
        bounds=f"        logits = {read_out(run, 'logits')}\n" if scores else "",
        loss=_LOSSES[readout_of(run).problem_type],
    )  # fmt: skip


def _gives_scores(run: LoadedRun) -> bool:
    return not run.config.task.has_labels
