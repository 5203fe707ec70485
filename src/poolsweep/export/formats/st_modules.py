"""Of what modules a folder of sentence-transformers consists: its own, or the pooling's source as one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from poolsweep.export.pooling_source import pooling_source, unpooled_prefix
from poolsweep.pooling.layers.single import Single
from poolsweep.pooling.tokens.cls import Cls
from poolsweep.pooling.tokens.cls_mean_max import ClsMeanMax
from poolsweep.pooling.tokens.last import Last
from poolsweep.pooling.tokens.max import Max
from poolsweep.pooling.tokens.mean import Mean
from poolsweep.pooling.tokens.mean_max import MeanMax
from poolsweep.pooling.tokens.mean_sqrt_len import MeanSqrtLen
from poolsweep.pooling.tokens.own import Own
from poolsweep.pooling.tokens.pooler import Pooler
from poolsweep.pooling.tokens.position_weighted_mean import PositionWeightedMean
from poolsweep.training.load import LoadedRun

# Token poolings that are modes of sentence-transformers' Pooling, concatenated where there are several.
_MODES: dict[type, tuple[str, ...]] = {
    Cls: ("cls",),
    Mean: ("mean",),
    Max: ("max",),
    MeanSqrtLen: ("mean_sqrt_len_tokens",),
    PositionWeightedMean: ("weightedmean",),
    Last: ("lasttoken",),
    MeanMax: ("mean", "max"),
    ClsMeanMax: ("cls", "mean", "max"),
}
_FUTURE = "from __future__ import annotations\n\n"
OURS = "poolsweep_pooling"
THEIRS = "sentence_transformers.models"
_IMPORTS = """\
from pathlib import Path

from sentence_transformers.models import Module, Transformer
"""
_POOLING = '''
class PooledStates(Module):
    """``TextPooling`` as a module of sentence-transformers."""

    def __init__(self):
        super().__init__()
        self.text_pooling = TextPooling()

    def forward(self, features, **kwargs):
        """Set ``sentence_embedding``."""
        states = features.get("all_layer_embeddings")
        if states is None:
            states = {{layer: features["token_embeddings"] for layer in TextPooling.layers_needed}}
        features["sentence_embedding"] = self.text_pooling(
            states, features["attention_mask"], pooler_output=features.get("pooler_output"),
            attentions=features.get("attentions"), token_type_ids=features.get("token_type_ids"),
        )
        return features

    def get_embedding_dimension(self):
        """The size of a vector."""
        return TextPooling.output_size

    get_sentence_embedding_dimension = get_embedding_dimension

    def save(self, output_path, *args, safe_serialization=True, **kwargs):
        """Write the weights, if there are any, and this file where loading looks for it: beside modules.json."""
        self.save_config(output_path)
        code = Path(__file__)
        if (target := Path(output_path).resolve().parent / code.name) != code.resolve():
            target.write_bytes(code.read_bytes())
        if self.state_dict():
            self.save_torch_weights(output_path, safe_serialization=safe_serialization)

    @classmethod
    def load(cls, model_name_or_path, subfolder="", token=None, cache_folder=None, revision=None,
             local_files_only=False, **kwargs):
        """Read the weights, if there are any."""
        module = cls()
        if not module.state_dict():
            return module
        return cls.load_torch_weights(
            model_name_or_path, subfolder=subfolder, token=token, cache_folder=cache_folder, revision=revision,
            local_files_only=local_files_only, model=module,
        )
'''
_ENCODER = '''

class EncoderWithContext(Transformer):
    """The encoder with all that the pooling reads of it."""

    def forward(self, features, **kwargs):
        """Set ``token_embeddings`` and what else the pooling reads."""
        names = ("input_ids", "attention_mask", "token_type_ids")
        given = {{name: features[name] for name in names if name in features}}
        output = self.model(**given, output_hidden_states=True, output_attentions={attentions}, return_dict=True)
        features["token_embeddings"] = output.last_hidden_state
        features["all_layer_embeddings"] = output.hidden_states
        features["pooler_output"] = getattr(output, "pooler_output", None)
        features["attentions"] = getattr(output, "attentions", None)
        return features
'''


@dataclass
class Modules:
    """The modules of a folder.

    Attributes:
        types: Class of each, encoder first.
        reads: Keys of ``sentence_bert_config.json`` that say what is read of the encoder.
        pooling: Content of the second module's ``config.json``; None = the encoder's own output is the vector.
        after: Parts of ``Own`` that are modules behind it.
        code: Source of classes that are not sentence-transformers' own.
    """

    types: list[str]
    reads: dict[str, Any] = field(default_factory=dict)
    pooling: dict[str, Any] | None = None
    after: nn.ModuleList = field(default_factory=nn.ModuleList)
    code: str | None = None


def own_modules(run: LoadedRun, *, last: int) -> Modules | None:
    """sentence-transformers' own modules for a pooling, or None if they compute something else."""
    layers, tokens = run.classifier.pooling.layers, run.classifier.pooling.tokens
    encoder = f"{THEIRS}.Transformer"
    if type(tokens) is Pooler:
        path = {"method": "forward", "method_output_name": "pooler_output"}
        return Modules([encoder], {"modality_config": {"text": path}, "module_output_name": "sentence_embedding"})
    own = tokens if type(tokens) is Own else None
    modes = _MODES.get(type(tokens)) if own is None else tuple(own.modes)
    if modes is None or type(layers) is not Single or layers.norm_per_layer or not tokens.include_special:
        return None
    unpooled = unpooled_prefix(run) is not None
    if unpooled and own is None and "cls" in modes:  # their cls is then the first token behind the prefix
        return None
    if own is None and run.loaded.cls_place == "last":  # their cls is the first token
        modes = tuple("lasttoken" if mode == "cls" else mode for mode in modes)
    reads: dict[str, Any] = {}
    if layers.layers_needed != (last,):
        path = {"method": "forward", "method_output_name": ["hidden_states", *layers.layers_needed]}
        reads = {"modality_config": {"text": path}, "module_output_name": "token_embeddings"}
    pooling = _pooling_config(tokens.input_size, modes) | {"include_prompt": not unpooled}
    after = nn.ModuleList() if own is None else own.parts
    return Modules([encoder, f"{THEIRS}.Pooling"], reads, pooling, after)


def _pooling_config(size: int, modes: tuple[str, ...]) -> dict[str, Any]:
    """One mode by the keys that every version and other programs that serve such folders read."""
    if len(modes) > 1:
        return {"embedding_dimension": size, "pooling_mode": list(modes)}
    keys = {"cls": "cls_token", "mean": "mean_tokens", "max": "max_tokens", "lasttoken": "lasttoken",
            "mean_sqrt_len_tokens": "mean_sqrt_len_tokens", "weightedmean": "weightedmean_tokens"}  # fmt: skip
    chosen = {f"pooling_mode_{key}": mode in modes for mode, key in keys.items()}
    return {"word_embedding_dimension": size, **chosen}


def custom_modules(run: LoadedRun, encoder: PreTrainedModel) -> Modules:
    """The run's own pooling as a module; the encoder too where theirs does not hand over what is read."""
    pooling = run.classifier.pooling
    attends = "attentions" in pooling.context_needed
    code, types = _POOLING.format(), [f"{THEIRS}.Transformer", f"{OURS}.PooledStates"]
    reads: dict[str, Any] = {}
    if attends or "pooler_output" in pooling.context_needed:
        types[0] = f"{OURS}.EncoderWithContext"
        code += _ENCODER.format(attentions=attends)
        reads = {"model_kwargs": {"attn_implementation": "eager"}} if attends else {}
    elif pooling.layers_needed != (encoder.config.num_hidden_layers,):
        encoder.config.output_hidden_states = True  # written with it, and read by their Transformer
    source = pooling_source(run).replace("needs torch alone", "needs torch and sentence-transformers alone")
    return Modules(types, reads, {}, code=source.replace(_FUTURE, _FUTURE + _IMPORTS, 1).rstrip() + "\n\n" + code)
