"""Folders in the hub's format: fresh poolers, safetensors alone."""

from __future__ import annotations

import pytest
import torch
from transformers import BertModel

from poolsweep.config import Node
from poolsweep.encoder.hub import hub
from poolsweep.encoder.tiny import tiny
from poolsweep.pooling.presets import load_preset
from poolsweep.training.encoder import load_encoder


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A tiny BERT without pooler weights, as a folder."""
    folder = tmp_path_factory.mktemp("models") / "no-pooler"
    loaded = tiny()
    model = BertModel(loaded.encoder.model.config, add_pooling_layer=False)
    model.load_state_dict(loaded.encoder.model.state_dict())
    model.save_pretrained(folder)
    loaded.tokenizer.save_pretrained(folder)
    return folder


def pooler(saved, seed: int, *, frozen: bool) -> torch.Tensor:
    node = {"_target_": "poolsweep.encoder.hub.hub", "model": str(saved), "frozen": frozen, "attention": None}
    loaded = load_encoder(Node(node), tokens=Node(load_preset("pooler")["tokens"]), init_seed=seed)
    assert loaded.encoder.pooler_is_fresh
    return loaded.encoder.pooler.dense.weight.detach().clone()


@pytest.mark.parametrize("frozen", [False, True])
def test_a_missing_pooler_is_fresh_and_seeded_by_init_seed(saved, frozen: bool):
    assert torch.equal(pooler(saved, 0, frozen=frozen), pooler(saved, 0, frozen=frozen))
    assert not torch.equal(pooler(saved, 0, frozen=frozen), pooler(saved, 1, frozen=frozen))


def test_weights_and_name_of_a_folder(saved):
    loaded = hub(model=str(saved))
    assert loaded.encoder.name == "no-pooler"
    expected = tiny().encoder.model.state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in loaded.encoder.model.state_dict().items())
