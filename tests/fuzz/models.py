"""Encoder folders at random, with what a tiny BERT's folder may be like after years on disks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import torch
from safetensors.torch import load_file, save_file

_PREFIXES = ("module.", "_orig_mod.", "model.", "encoder.", "bert.", "roberta.", "module.bert.", "0.auto_model.", "x.")
_EDITS: dict[str, tuple[Any, ...]] = {
    "hidden_size": (64, "wide", 0),
    "num_hidden_layers": (9, 1, 0, -1),
    "num_attention_heads": (5, 0),
    "vocab_size": (7, -1),
    "model_type": ("roberta", "gpt2", "t5", "nonsense", None),
    "max_position_embeddings": (8, 0),
    "type_vocab_size": (1,),
    "hidden_act": ("nonsense",),
    "layer_norm_eps": ("nan", None),
    "pad_token_id": (10**6, -5),
    "architectures": (["BertForMaskedLM"], None, "x"),
    "dtype": ("float16", "x"),
    "is_decoder": (True,),
    "auto_map": ({"AutoModel": "evil.Evil"},),
    "quantization_config": ({"quant_method": "gptq"}, {}),
    "transformers_version": ("99.0",),
}


@dataclass
class Model:
    """An encoder folder.

    Attributes:
        path: Where it was written.
        plain: Whether refusing it would be wrong.
        oddities: What was done to it.
    """

    path: Path
    plain: bool = True
    oddities: list[str] = field(default_factory=list)

    @property
    def weights(self) -> Path:
        """Where its weights lie, unless they are in shards."""
        return self.path / "model.safetensors"

    def __str__(self) -> str:
        return f"{self.path.name} ({', '.join(self.oddities) or 'nothing odd'})"


def model(rng: Random, folder: Path) -> Model:
    """Write the folder of a tiny encoder, and do one or two things to it."""
    from poolsweep.encoder.tiny import tiny

    made = Model(folder / "enc")
    loaded = tiny(num_layers=2)
    loaded.encoder.model.save_pretrained(made.path)
    loaded.tokenizer.save_pretrained(made.path)
    for do in rng.sample(
        [_names, _values, _bytes, _tokenizer, _config, _shards, _files], rng.choices([1, 2], [85, 15])[0]
    ):
        if made.weights.is_file() or do in (_tokenizer, _config):
            do(rng, made)
    return made


def weight_problems(path: Path, loaded: dict[str, torch.Tensor]) -> list[str]:
    """Encoder weights in use that are not those of the folder's files, under whatever prefix; a pooler may be new."""
    stored: dict[str, torch.Tensor] = {}
    for file in sorted(path.glob("*.safetensors")):
        stored |= {_new_name(name): tensor for name, tensor in load_file(file).items()}
    wrong = []
    for name, tensor in loaded.items():
        found = [value for key, value in stored.items() if key == name or key.endswith(f".{name}")]
        same = any(value.shape == tensor.shape and torch.equal(value.float(), tensor.float()) for value in found)
        if not same and not name.startswith("pooler.") and tensor.is_floating_point():
            wrong.append(name)
    return [f"{len(wrong)} weights in use are not the folder's, such as {wrong[0]}"] if wrong else []


def _new_name(name: str) -> str:
    """The name that a weight with TensorFlow's name for it has today."""
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")


def _change(made: Model, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> None:
    save_file(change(load_file(made.weights)), made.weights, metadata={"format": "pt"})


def _names(rng: Random, made: Model) -> None:
    """Other names: wrappers' prefixes, old spellings, names that are not the model's."""
    odd = rng.choice(["prefix", "prefix", "some prefixed", "gamma", "more", "head", "swapped", "renamed"])
    prefix = rng.choice(_PREFIXES)
    made.oddities.append(f"{odd} {prefix}" if "prefix" in odd else odd)
    made.plain = made.plain and (odd in {"more", "head", "gamma"} or (odd == "prefix" and prefix == "bert."))
    changes: dict[str, Callable[[str], str]] = {
        "prefix": lambda name: prefix + name,
        "some prefixed": lambda name: prefix + name if rng.random() < 0.5 else name,
        "gamma": lambda name: name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ),
        "swapped": lambda name: (
            name.replace("layer.0", "layer.x").replace("layer.1", "layer.0").replace("layer.x", "layer.1")
        ),
        "renamed": lambda name: name.replace("attention", "attn"),
    }
    extra = {"more": {"embeddings.position_ids": torch.arange(8)}, "head": {"classifier.weight": torch.ones(2, 32)}}
    change = changes.get(odd, lambda name: name)
    _change(made, lambda weights: {change(name): tensor for name, tensor in weights.items()} | extra.get(odd, {}))


def _values(rng: Random, made: Model) -> None:
    """Weights that are gone, of other shapes or types, or no numbers."""
    odd = rng.choice(
        ["gone", "many gone", "no pooler", "shape", "float16", "bfloat16", "nan", "inf", "int", "zero", "empty"]
    )
    made.oddities.append(odd)
    made.plain = made.plain and odd in {"no pooler", "float16", "bfloat16"}

    def change(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        name = rng.choice([name for name in weights if not name.startswith("pooler.")])
        kept = {
            "gone": lambda one: one != name, "many gone": lambda one: "layer.1" not in one, "empty": lambda one: False,
            "no pooler": lambda one: not one.startswith("pooler."),
        }.get(odd, lambda one: True)  # fmt: skip
        weights = {one: tensor for one, tensor in weights.items() if kept(one)}
        types = {"float16": torch.float16, "bfloat16": torch.bfloat16, "int": torch.int64}
        if odd in types:
            return {one: tensor.to(types[odd]) for one, tensor in weights.items()}
        if odd == "shape":
            weights[name] = torch.cat([weights[name], weights[name]])
        if odd in {"nan", "inf", "zero"}:
            weights[name] = torch.full_like(weights[name], {"zero": 0.0}.get(odd, float(odd if odd != "zero" else 0)))
        return weights

    _change(made, change)


def _bytes(rng: Random, made: Model) -> None:
    """A weights file that is not whole, or not one."""
    odd = rng.choice(["half", "header cut", "nothing", "text", "header bit", "bit", "pointer", "longer"])
    content = bytearray(made.weights.read_bytes())
    if "bit" in odd:
        content[rng.randrange(8, 200) if "header" in odd else rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    given = {
        "half": content[: len(content) // 2], "header cut": content[:20], "nothing": b"",
        "text": b"<html>not found</html>",
        "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "longer": content + b"more",
    }  # fmt: skip
    made.weights.write_bytes(given.get(odd, content))
    made.oddities.append(f"weights: {odd}")
    made.plain = False


def _tokenizer(rng: Random, made: Model) -> None:
    """No tokenizer, half of one, or one of another model."""
    odd = rng.choice(
        ["gone", "gone", "config gone", "half", "no json", "no padding", "more tokens", "no unknown", "class"]
    )
    made.oddities.append(f"tokenizer: {odd}")
    made.plain = made.plain and odd == "no padding"
    path, settings = made.path / "tokenizer.json", made.path / "tokenizer_config.json"
    if odd in {"gone", "config gone"}:
        for file in made.path.glob("*token*" if odd == "gone" else "tokenizer_config.json"):
            file.unlink()
    elif odd in {"half", "no json"}:
        path.write_text(path.read_text()[: path.stat().st_size // 2] if odd == "half" else "[1, 2")
    elif odd in {"more tokens", "no unknown"}:
        content = json.loads(path.read_text())
        vocabulary = content["model"]["vocab"]
        vocabulary |= {f"##zz{i}": len(vocabulary) + i for i in range(50)} if odd == "more tokens" else {}
        vocabulary.pop("[UNK]", None) if odd == "no unknown" else None
        path.write_text(json.dumps(content))
    else:
        change = {"no padding": {"pad_token": None}, "class": {"tokenizer_class": "NoSuchTokenizer"}}[odd]
        settings.write_text(json.dumps(json.loads(settings.read_text()) | change))


def _config(rng: Random, made: Model) -> None:
    """A config of another model, or that is none."""
    path = made.path / "config.json"
    if rng.random() < 0.3:
        odd = rng.choice(["gone", "half", "list", "empty", "binary"])
        made.oddities.append(f"config: {odd}")
        text = path.read_bytes()
        path.write_bytes({"half": text[: len(text) // 2], "list": b"[1, 2]", "binary": b"\xff\xfe\x00"}.get(odd, b""))
        path.unlink() if odd == "gone" else None
    else:
        key = rng.choice(list(_EDITS))
        value = rng.choice(_EDITS[key])
        made.oddities.append(f"config: {key}={value}")
        path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    made.plain = False


def _shards(rng: Random, made: Model) -> None:
    """Weights in two files with an index."""
    odd = rng.choice(["whole", "one gone", "index half", "index of others"])
    made.oddities.append(f"shards: {odd}")
    made.plain = made.plain and odd == "whole"
    weights = load_file(made.weights)
    made.weights.unlink()
    names = sorted(weights)
    places = {name: f"model-{1 + (i >= len(names) // 2):05}-of-00002.safetensors" for i, name in enumerate(names)}
    for file in set(places.values()):
        part = {name: weights[name] for name in names if places[name] == file}
        save_file(part, made.path / file, metadata={"format": "pt"})
    if odd == "index of others":
        places = dict.fromkeys(places, "model-00003-of-00003.safetensors")
    total = sum(tensor.nbytes for tensor in weights.values())
    index = json.dumps({"metadata": {"total_size": total}, "weight_map": places})
    (made.path / "model.safetensors.index.json").write_text(index[: len(index) // 2] if odd == "index half" else index)
    if odd == "one gone":
        (made.path / "model-00002-of-00002.safetensors").unlink()


def _files(rng: Random, made: Model) -> None:
    """Weights that are missing, pickled, a folder or a link to nothing."""
    odd = rng.choice(["gone", "pickled", "a folder", "a dead link", "another name"])
    made.oddities.append(f"weights file: {odd}")
    made.plain = False
    content = load_file(made.weights)
    made.weights.rename(made.path / "other.safetensors") if odd == "another name" else made.weights.unlink()
    if odd == "pickled":
        torch.save(content, made.path / "pytorch_model.bin")
    elif odd == "a folder":
        made.weights.mkdir()
    elif odd == "a dead link":
        made.weights.symlink_to("nowhere.safetensors")
