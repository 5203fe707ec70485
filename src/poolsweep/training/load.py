"""Reads a finished run back: its classifier, ready to read texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from poolsweep.config import RunConfig, validate
from poolsweep.data import Batch
from poolsweep.data.reading import Reading
from poolsweep.data.text_reader import reader
from poolsweep.data.token_rows import rows_for
from poolsweep.data.tokenise import tokenise_at_once
from poolsweep.encoder import LoadedEncoder
from poolsweep.errors import UserError
from poolsweep.files.writing import read_json
from poolsweep.model.classifier import Classifier
from poolsweep.process.collector import importing
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.identity import encoder_folder, encoder_identity
from poolsweep.runs.records import DamagedError, read_checked
from poolsweep.runs.stored_config import stored_config
from poolsweep.tasks import Contract, Task
from poolsweep.training.classifier import build_classifier
from poolsweep.training.encoder import load_encoder
from poolsweep.training.pooling import build_pooling
from poolsweep.training.reading import reading_of_run


@dataclass(frozen=True)
class LoadedRun:
    """A finished run with its weights.

    Attributes:
        config: Config that it was run with.
        contract: Logit i is ``contract.names[i]``.
        classifier: In eval mode, encoder included.
        loaded: Encoder and tokenizer.
        reading: How it reads texts.
    """

    config: RunConfig
    contract: Contract
    classifier: Classifier
    loaded: LoadedEncoder
    reading: Reading

    def batch(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Batch:
        """Texts as the run's encoder reads them, padded on the right; targets are all 0.

        Args:
            texts: One or more.
            pairs: The second text of each, where the run read pairs.
        Raises:
            UserError: If the run read pairs and got none, or the other way round.
        """
        column = self.config.data.get("text_pair")
        if (column is None) != (pairs is None) or (pairs is not None and len(pairs) != len(texts)):
            asked = f"pairs of texts (data.text_pair={column}): give each its second" if column else "single texts"
            raise UserError(f"the run read {asked}")
        if pairs is not None and self.classifier.pairs.two_towers:
            second = replace(self, reading=self.reading.of_second)._inputs(pairs)
            return self._inputs(texts).beside(second, fill=self.loaded.pad_token_id)
        return self._inputs(texts, pairs)

    def _inputs(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Batch:
        read = reader(self.loaded.tokenizer, self.reading, pair=pairs is not None)
        rows = rows_for(self.loaded, tokenise_at_once(read, texts, pairs), context={"special", "template"})
        return rows.__getitems__(range(len(texts)))


@importing()
def load_run(
    path: Path,
    *,
    attention: str | None = None,
    upcast: bool = False,
    trusted: Sequence[str] = (),
    trust_remote_code: bool = False,
) -> LoadedRun:
    """Read a run folder, which may be a stranger's; no code of it is run unless the caller trusts it.

    Args:
        path: ``<output_root>/<study>/<run_id>``.
        attention: transformers' attention implementation instead of the run's own.
        upcast: Whether weights that are held in less are cast to float32, with the values that they have.
        trusted: Packages whose classes the run may name.
        trust_remote_code: Run the model code that the run's encoder carries.
    Raises:
        UserError: If it is no finished run, or its config is refused.
    """
    folder = RunFolder(path)
    result = folder.finished()
    if result is None:
        raise UserError(f"{path} is no finished run: {folder.damage() or 'it has no result.json that says so'}")
    stored = stored_config(folder, trusted=trusted, trust_remote_code=trust_remote_code)
    stored["trainer"] = stored["trainer"] | {"accelerator": "cpu", "devices": 1, "precision": 32}
    if attention is not None:
        stored["encoder"] = stored["encoder"] | {"attention": attention, "packing": "auto"}
    if stored.get("own_metrics"):  # nothing is measured, and what they name is not to be trusted for it
        stored |= {"own_metrics": {}, "callbacks": {}, "monitor": "val/loss"}
    config = RunConfig.of(stored)
    validate(config, trains=False)
    _require_same_encoder(config, result, path)
    contract = _contract(folder, config.task)
    loaded = load_encoder(config.encoder, tokens=config.tokens, init_seed=config.init_seed, upcast=upcast)
    pooling = build_pooling(config.pooling, loaded)
    classifier = build_classifier(config, loaded.encoder, pooling, contract)
    weights = _weights(folder, result)
    missing, unexpected = classifier.load_state_dict(weights, strict=False)
    state = classifier.state_dict()
    lacking = [
        n for n in missing if state[n].numel() and not (n.startswith("encoder.") and (config.frozen or ".pooler." in n))
    ]
    if lacking or unexpected:
        raise UserError(f"{folder.best} does not fit {folder.config}: {(lacking or unexpected)[0]}")
    return LoadedRun(config, contract, classifier.eval(), loaded, reading_of_run(config, loaded, pooling))


def _require_same_encoder(config: RunConfig, result: Mapping[str, Any], path: Path) -> None:
    """Refuse a run whose encoder's weights are not stored with it, and are others now."""
    trained_on = result.get("encoder_id")
    if config.regime == "fine-tuned" or trained_on is None or encoder_folder(config.encoder) is None:
        return
    if encoder_identity(config.encoder)["encoder_id"] != trained_on:
        raise UserError(f"{path} stands on the weights of {config.encoder['model']}, which are others now")


def _contract(folder: RunFolder, task: Task) -> Contract:
    try:
        return task.read_contract(read_json(folder.labels))
    except (OSError, ValueError) as error:
        raise UserError(f"{folder.labels} cannot be read as the targets of {task.name}") from error


def _weights(folder: RunFolder, result: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    name = str(folder.best.relative_to(folder.path))
    try:
        return load(read_checked(folder.path, name, result))
    except (DamagedError, SafetensorError) as error:
        raise UserError(f"{folder.path} cannot be read: {error}; poolsweep train makes it anew") from error
