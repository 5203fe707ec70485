"""sentence-transformers: its own modules where they compute the same, else a module of its own in the folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

from safetensors.torch import save_file
from torch import nn

from poolsweep.export.encoder import plain_encoder, plain_tokenizer, second_text
from poolsweep.export.format import Format, Wanted, Weights, Written
from poolsweep.export.formats.code import outputs_name, read_out, require_plain
from poolsweep.export.formats.st_modules import OURS, THEIRS, custom_modules, own_modules
from poolsweep.export.pooling_source import folded_head, readout_of
from poolsweep.files.writing import write_json
from poolsweep.pooling.tokens.own import DensePart
from poolsweep.training.load import LoadedRun

_THEIR_NAMES = {"Dense", "Normalize"}
_SINCE = ">=6.0"  # hidden states of one layer, and code of a local folder, by the rules that are used here
_USAGE = """from sentence_transformers import SentenceTransformer

model = SentenceTransformer("FOLDER"{trust})
{result} = model.encode({texts})
"""


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
        return own_modules(run, last=run.loaded.encoder.num_layers) is None

    def usage(self, run: LoadedRun, wanted: Wanted) -> str:
        """``encode``, and what its logits mean."""
        paired = second_text(run) is not None
        trust = ", trust_remote_code=True" if self.needs_code(run) else ""
        texts = '[("one text", "its pair"), ("another", "its pair")]' if paired else '["one text", "another"]'
        lines = _USAGE.format(trust=trust, texts=texts, result="vectors" if wanted.vectors else "logits")
        if wanted.vectors:
            return lines
        lines = f"import torch\n{lines}{outputs_name(run)} = {read_out(run, 'torch.tensor(logits)')}\n"
        if not run.config.task.has_labels:
            return lines
        return (
            f"import json\nfrom pathlib import Path\n\n{lines}"
            'labels = json.loads(Path("FOLDER/labels.json").read_text(encoding="utf-8"))\n'
        )

    def write(self, run: LoadedRun, folder: Path, wanted: Wanted) -> Written:
        """Encoder, pooling and head, each as a module."""
        attends = "attentions" in run.classifier.pooling.context_needed
        encoder = plain_encoder(run, attention="eager" if attends else None)
        last = encoder.config.num_hidden_layers
        modules = own_modules(run, last=last) or custom_modules(run, encoder)
        encoder.save_pretrained(folder)
        plain_tokenizer(run, prefixes=False).save_pretrained(folder)
        _write(
            folder,
            "sentence_bert_config.json",
            {"max_seq_length": run.reading.max_length, "do_lower_case": False} | modules.reads,
        )
        weights = [Weights("encoder.", "model.safetensors", "")]
        if modules.pooling is not None:
            _write(folder, "1_Pooling/config.json", modules.pooling)
        if modules.code is not None:
            (folder / f"{OURS}.py").write_text(modules.code, encoding="utf-8")
            if _save(run.classifier.pooling, folder / "1_Pooling/model.safetensors", prefix="text_pooling.pooling."):
                weights.append(Weights("pooling.", "1_Pooling/model.safetensors", "text_pooling.pooling."))
        for place, part in enumerate(modules.after):
            modules.types.append(f"{THEIRS}.{'Dense' if isinstance(part, DensePart) else 'Normalize'}")
            weights += _write_part(part, folder, f"{len(modules.types) - 1}", place=place)
        if not wanted.vectors:
            modules.types.append(f"{THEIRS}.Dense")
            weights.append(_write_head(run, folder, f"{len(modules.types) - 1}_Dense"))
        _write_modules(folder, modules.types)
        needs = (
            {} if modules.code is None and not modules.reads else {"requirements": {"sentence-transformers": _SINCE}}
        )
        told = {"model_type": "SentenceTransformer"} | _prompts(run) | needs
        _write(folder, "config_sentence_transformers.json", told)
        return Written(encoder.config, tuple(weights))


def _write_head(run: LoadedRun, folder: Path, name: str) -> Weights:
    head = folded_head(run)
    sizes = {"in_features": head.in_features, "out_features": head.out_features, "bias": True}
    _write(folder, f"{name}/config.json", sizes | {"activation_function": "torch.nn.modules.linear.Identity"})
    _save(head, folder / f"{name}/model.safetensors", prefix="linear.")
    write_json(folder / "labels.json", readout_of(run).contract.to_mapping())
    return Weights("head.", f"{name}/model.safetensors", "linear.")


def _prompts(run: LoadedRun) -> dict[str, Any]:
    """What the library puts before texts."""
    reading = run.reading
    if not reading.prefix:
        return {"prompts": {}}
    return {
        "prompts": {"query": reading.prefix, "document": reading.of_second.prefix}, "default_prompt_name": "query"
    }  # fmt: skip


def _write_part(part: nn.Module, folder: Path, number: str, *, place: int) -> list[Weights]:
    """Write a part of ``Own`` as a module; gives the places of its weights."""
    if not isinstance(part, DensePart):
        _write(folder, f"{number}_Normalize/config.json", {})
        return []
    path, kind = f"{number}_Dense", type(part.activation)
    config = {
        "in_features": part.linear.in_features, "out_features": part.linear.out_features,
        "bias": part.linear.bias is not None, "activation_function": f"{kind.__module__}.{kind.__name__}",
    }  # fmt: skip
    _write(folder, f"{path}/config.json", config | ({"use_residual": True} if part.adds else {}))
    _save(part, folder / f"{path}/model.safetensors", prefix="")
    names = ("linear.", *(("residual.",) if part.residual is not None else ()))
    return [Weights(f"pooling.tokens.parts.{place}.{name}", f"{path}/model.safetensors", name) for name in names]


def _write_modules(folder: Path, types: list[str]) -> None:
    names = [kind.rpartition(".")[2] for kind in types]
    paths = ["", *(f"{i}_{name if name in _THEIR_NAMES else 'Pooling'}" for i, name in enumerate(names[1:], start=1))]
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
