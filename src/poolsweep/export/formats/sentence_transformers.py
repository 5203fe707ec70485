"""sentence-transformers: its own modules where they compute the same, else a module of its own in the folder."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from safetensors.torch import save_file
from torch import nn
from transformers import PreTrainedModel

from poolsweep.export.encoder import plain_encoder, plain_tokenizer
from poolsweep.export.format import Format, Wanted, Weights, Written
from poolsweep.export.formats.code import require_plain
from poolsweep.export.pooling_source import folded_head, pooling_source
from poolsweep.files.writing import write_json
from poolsweep.pooling.layers.single import Single
from poolsweep.pooling.tokens.cls import Cls
from poolsweep.pooling.tokens.cls_mean_max import ClsMeanMax
from poolsweep.pooling.tokens.last import Last
from poolsweep.pooling.tokens.max import Max
from poolsweep.pooling.tokens.mean import Mean
from poolsweep.pooling.tokens.mean_max import MeanMax
from poolsweep.pooling.tokens.mean_sqrt_len import MeanSqrtLen
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
_OURS = "poolsweep_pooling"
_THEIRS = "sentence_transformers.models"
_SINCE = ">=6.0"  # hidden states of one layer, and code of a local folder, by the rules that are used here
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
{stray}        names = ("input_ids", "attention_mask", "token_type_ids")
        given = {{name: features[name] for name in names if name in features}}
        output = self.model(**given, output_hidden_states=True, output_attentions={attentions}, return_dict=True)
        features["token_embeddings"] = output.last_hidden_state
        features["all_layer_embeddings"] = output.hidden_states
        features["pooler_output"] = getattr(output, "pooler_output", None)
        features["attentions"] = getattr(output, "attentions", None)
        return features
'''
_STRAY = """\
        # A mask token in the text itself is not the template's: the model was trained to read it as unknown.
        found = (features["input_ids"] == {mask}) & features["attention_mask"].bool()
        count = found.long().cumsum(dim=1)
        features["input_ids"] = features["input_ids"].masked_fill(found & (count != {own}), {unknown})
"""
_USAGE = """from sentence_transformers import SentenceTransformer

model = SentenceTransformer("FOLDER"{trust})
{result} = model.encode({texts})
"""


@dataclass
class Modules:
    """The modules of a folder.

    Attributes:
        types: Class of each, encoder first.
        reads: Keys of ``sentence_bert_config.json`` that say what is read of the encoder.
        pooling: Content of the second module's ``config.json``; None = the encoder's own output is the vector.
        code: Source of classes that are not sentence-transformers' own.
    """

    types: list[str]
    reads: dict[str, Any] = field(default_factory=dict)
    pooling: dict[str, Any] | None = None
    code: str | None = None


class SentenceTransformers(Format):
    """A folder for ``SentenceTransformer``; with a pooling that it does not have, ``trust_remote_code=True``."""

    name: ClassVar[str] = "sentence-transformers"
    proof: ClassVar[str] = "sentence_transformers"
    packages: ClassVar[tuple[str, ...]] = ("sentence_transformers",)

    def objection(self, run: LoadedRun, wanted: Wanted) -> str | None:
        """Encoders with code of their own, and int8."""
        return "--int8 goes with --to onnx" if wanted.int8 else require_plain(run)

    def needs_code(self, run: LoadedRun) -> bool:
        """Where their modules compute something else."""
        return _own_modules(run, last=run.loaded.encoder.num_layers) is None

    def usage(self, run: LoadedRun, wanted: Wanted) -> str:
        """``encode``, and what its logits mean."""
        paired = run.config.data.get("text_pair") is not None
        trust = ", trust_remote_code=True" if self.needs_code(run) else ""
        texts = '[("one text", "its pair"), ("another", "its pair")]' if paired else '["one text", "another"]'
        lines = _USAGE.format(trust=trust, texts=texts, result="vectors" if wanted.vectors else "logits")
        if wanted.vectors:
            return lines
        return (
            f"import json\nfrom pathlib import Path\n\nimport torch\n{lines}"
            "probabilities = torch.tensor(logits).softmax(dim=-1)\n"
            'labels = json.loads(Path("FOLDER/labels.json").read_text(encoding="utf-8"))\n'
        )

    def write(self, run: LoadedRun, folder: Path, wanted: Wanted) -> Written:
        """Encoder, pooling and head, each as a module."""
        attends = "attentions" in run.classifier.pooling.context_needed
        encoder = plain_encoder(run, attention="eager" if attends else None)
        last = encoder.config.num_hidden_layers
        modules = _own_modules(run, last=last) or _custom_modules(run, encoder)
        encoder.save_pretrained(folder)
        plain_tokenizer(run).save_pretrained(folder)
        _write(
            folder,
            "sentence_bert_config.json",
            {"max_seq_length": run.max_length, "do_lower_case": False} | modules.reads,
        )
        weights = [Weights("encoder.", "model.safetensors", "")]
        if modules.pooling is not None:
            _write(folder, "1_Pooling/config.json", modules.pooling)
        if modules.code is not None:
            (folder / f"{_OURS}.py").write_text(modules.code, encoding="utf-8")
            if _save(run.classifier.pooling, folder / "1_Pooling/model.safetensors", prefix="text_pooling.pooling."):
                weights.append(Weights("pooling.", "1_Pooling/model.safetensors", "text_pooling.pooling."))
        if not wanted.vectors:
            modules.types.append(f"{_THEIRS}.Dense")
            weights.append(_write_head(run, folder, f"{len(modules.types) - 1}_Dense"))
        _write_modules(folder, modules.types)
        needs = (
            {} if modules.code is None and not modules.reads else {"requirements": {"sentence-transformers": _SINCE}}
        )
        _write(
            folder, "config_sentence_transformers.json", {"model_type": "SentenceTransformer", "prompts": {}} | needs
        )
        return Written(encoder.config, tuple(weights))


def _own_modules(run: LoadedRun, *, last: int) -> Modules | None:
    """sentence-transformers' own modules for a pooling, or None if they compute something else."""
    layers, tokens = run.classifier.pooling.layers, run.classifier.pooling.tokens
    encoder = f"{_THEIRS}.Transformer"
    if type(tokens) is Pooler:
        path = {"method": "forward", "method_output_name": "pooler_output"}
        return Modules([encoder], {"modality_config": {"text": path}, "module_output_name": "sentence_embedding"})
    modes = _MODES.get(type(tokens))
    if modes is None or type(layers) is not Single or layers.norm_per_layer or not tokens.include_special:
        return None
    if run.loaded.cls_place == "last":  # their cls is the first token
        modes = tuple("lasttoken" if mode == "cls" else mode for mode in modes)
    reads: dict[str, Any] = {}
    if layers.layers_needed != (last,):
        path = {"method": "forward", "method_output_name": ["hidden_states", *layers.layers_needed]}
        reads = {"modality_config": {"text": path}, "module_output_name": "token_embeddings"}
    return Modules([encoder, f"{_THEIRS}.Pooling"], reads, _pooling_config(tokens.input_size, modes))


def _pooling_config(size: int, modes: tuple[str, ...]) -> dict[str, Any]:
    """One mode by the keys that every version and other programs that serve such folders read."""
    if len(modes) > 1:
        return {"embedding_dimension": size, "pooling_mode": list(modes), "include_prompt": True}
    keys = {"cls": "cls_token", "mean": "mean_tokens", "max": "max_tokens", "lasttoken": "lasttoken",
            "mean_sqrt_len_tokens": "mean_sqrt_len_tokens", "weightedmean": "weightedmean_tokens"}  # fmt: skip
    chosen = {f"pooling_mode_{key}": mode in modes for mode, key in keys.items()}
    return {"word_embedding_dimension": size, **chosen, "include_prompt": True}


def _custom_modules(run: LoadedRun, encoder: PreTrainedModel) -> Modules:
    """The run's own pooling as a module; the encoder too where theirs does not hand over what is read."""
    pooling, tokenizer = run.classifier.pooling, run.loaded.tokenizer
    attends = "attentions" in pooling.context_needed
    code, types = _POOLING.format(), [f"{_THEIRS}.Transformer", f"{_OURS}.PooledStates"]
    reads: dict[str, Any] = {}
    if pooling.template is not None or attends or "pooler_output" in pooling.context_needed:
        types[0] = f"{_OURS}.EncoderWithContext"
        stray = ""
        if pooling.template is not None:
            before, _ = pooling.template.split("{text}")
            unknown = tokenizer.unk_token_id
            stray = _STRAY.format(
                mask=run.loaded.mask_token_id,
                unknown=unknown if unknown is not None else run.loaded.pad_token_id,
                own="1" if "[MASK]" in before else "count[:, -1:]",
            )
        code += _ENCODER.format(stray=stray, attentions=attends)
        reads = {"model_kwargs": {"attn_implementation": "eager"}} if attends else {}
    elif pooling.layers_needed != (encoder.config.num_hidden_layers,):
        encoder.config.output_hidden_states = True  # written with it, and read by their Transformer
    source = pooling_source(run).replace("needs torch alone", "needs torch and sentence-transformers alone")
    return Modules(types, reads, {}, source.replace(_FUTURE, _FUTURE + _IMPORTS, 1).rstrip() + "\n\n" + code)


def _write_head(run: LoadedRun, folder: Path, name: str) -> Weights:
    head = folded_head(run)
    sizes = {"in_features": head.in_features, "out_features": head.out_features, "bias": True}
    _write(folder, f"{name}/config.json", sizes | {"activation_function": "torch.nn.modules.linear.Identity"})
    _save(head, folder / f"{name}/model.safetensors", prefix="linear.")
    write_json(folder / "labels.json", run.labels.to_mapping())
    return Weights("head.", f"{name}/model.safetensors", "linear.")


def _write_modules(folder: Path, types: list[str]) -> None:
    names = [kind.rpartition(".")[2] for kind in types]
    paths = ["", *(f"{i}_Pooling" if i == 1 and names[i] != "Dense" else f"{i}_Dense" for i in range(1, len(types)))]
    listed = [
        {"idx": i, "name": str(i), "path": path, "type": kind}
        for i, (path, kind) in enumerate(zip(paths, types, strict=True))
    ]
    _write(folder, "modules.json", listed)


def _save(module: nn.Module, path: Path, *, prefix: str) -> bool:
    state = {f"{prefix}{name}": tensor.detach().clone().contiguous() for name, tensor in module.state_dict().items()}
    if state:
        path.parent.mkdir(exist_ok=True)
        save_file(state, path, {"format": "pt"})
    return bool(state)


def _write(folder: Path, name: str, content: object) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
