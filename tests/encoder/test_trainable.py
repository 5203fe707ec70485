"""Blocks are the layers that are run; what is frozen has no graph and no dropout; what is drawn anew is as at first."""

from __future__ import annotations

import copy
import re

import pytest
import torch
from architectures import CONFIGS, MORE, SIZES, T5
from transformers import AutoModel, BertConfig, BertModel, T5EncoderModel

from poolsweep.encoder import Encoder
from poolsweep.encoder.tiny import tiny
from poolsweep.encoder.trainable import blocks_of, choose_trained, norms_and_biases, reinitialise

ALL = {**CONFIGS, **MORE, "t5": T5}
WITH_LAYERS = sorted(set(ALL) - {"albert"})  # its layers are one
LAYER = re.compile(r"\.(?:layers?|h|block)\.(\d+)\.")
# Outside the layers, behind the last of them.
BEHIND = {"modernbert": "final_norm", "gpt2": "ln_f", "llama": "model.norm", "t5": "final_layer_norm"}


def encoder_of(kind: str, **options) -> Encoder:
    torch.manual_seed(0)
    config = copy.deepcopy(ALL[kind])
    model = T5EncoderModel(config) if kind == "t5" else AutoModel.from_config(config)
    return Encoder(model, name=kind, **options)


def ids() -> tuple[torch.Tensor, torch.Tensor]:
    tokens = torch.randint(4, 40, (3, 7), generator=torch.Generator().manual_seed(0))
    return tokens, torch.ones_like(tokens, dtype=torch.bool)


@pytest.mark.parametrize("kind", WITH_LAYERS)
def test_blocks_are_the_layers_in_their_order_and_all_before_them_is_the_first(kind: str):
    encoder = encoder_of(kind)
    blocks, depth = blocks_of(encoder), encoder.num_layers
    assert blocks.keys() == {name for name, _ in encoder.named_parameters()}
    for name, block in blocks.items():
        found = LAYER.search(name)
        behind = name.startswith("pooler.") or (kind in BEHIND and BEHIND[kind] in name)
        expected = int(found.group(1)) + 1 if found else depth if behind else 0
        assert block == expected, name
    assert set(blocks.values()) == set(range(depth + 1))


@pytest.mark.parametrize("kind", WITH_LAYERS)
@pytest.mark.parametrize("unfrozen", [None, 0, 2])
def test_below_what_is_trained_there_is_no_graph_and_no_dropout(kind: str, unfrozen: int | None):
    encoder = encoder_of(kind, **({"train": "top:1"} if unfrozen is None else {"unfreeze_every": 1.0}))
    depth = encoder.num_layers
    trained = 1 if unfrozen is None else unfrozen
    choose_trained(encoder.train(), unfrozen=unfrozen)
    blocks = blocks_of(encoder)
    for name, parameter in encoder.named_parameters():
        assert parameter.requires_grad == (blocks[name] > depth - trained), name
    tokens, mask = ids()
    layers = range(depth + 1)
    torch.manual_seed(1)
    first = encoder(tokens, mask, layers=layers).hidden
    torch.manual_seed(2)
    second = encoder(tokens, mask, layers=layers).hidden
    for layer in range(depth - trained + (trained < depth)):  # the norm behind the last layer may be trained
        assert not first[layer].requires_grad
        assert torch.equal(first[layer], second[layer])
    assert first[-1].requires_grad == bool(trained)
    drops = kind not in {"llama", "modernbert"}  # by default they have none
    assert torch.equal(first[-1], second[-1]) == (not drops or not trained)


def test_layers_count_over_those_that_are_kept():
    encoder = tiny(num_layers=4, train="top:1", cpu_kernels="auto").encoder
    encoder.keep_layers(2)
    encoder.drop_pooler()
    choose_trained(encoder)
    trained = {name for name, parameter in encoder.named_parameters() if parameter.requires_grad}
    assert trained == {name for name, _ in encoder.named_parameters() if ".layer.1." in name}


def test_norms_and_biases_are_what_their_names_say():
    encoder = encoder_of("bert", train="norms_and_biases")
    choose_trained(encoder)
    trained = {name for name, parameter in encoder.named_parameters() if parameter.requires_grad}
    every = {name for name, _ in encoder.named_parameters()}
    assert trained == {name for name in every if name.endswith(".bias") or "LayerNorm" in name}
    tokens, mask = ids()
    assert all(state.requires_grad for state in encoder(tokens, mask, layers=[0, 3]).hidden)
    assert not encoder.resting


@pytest.mark.parametrize("kind", WITH_LAYERS)
def test_every_family_has_norms(kind: str):
    encoder = encoder_of(kind)
    shapes = dict(encoder.named_parameters())
    found = norms_and_biases(encoder)
    assert any("norm" in name.lower() or "ln" in name for name in found)
    assert all(shapes[name].ndim == 1 or name.endswith("_bias") for name in found)  # XLNet's biases are (heads, size)


@pytest.mark.parametrize("kernels", ["auto", "off"])
def test_the_top_layers_are_drawn_anew_as_the_model_initialises_itself(kernels: str):
    torch.manual_seed(0)
    config = BertConfig(**SIZES | {"hidden_size": 64, "intermediate_size": 128})
    model = BertModel(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(7.0)
            parameter._is_hf_initialized = True  # as from_pretrained leaves them
    encoder = Encoder(model, name="b", reinitialise_top=2, cpu_kernels=kernels)
    encoder.keep_layers(2)
    encoder.drop_pooler()
    state = torch.get_rng_state()
    reinitialise(encoder, seed=3)
    assert torch.equal(torch.get_rng_state(), state), "premise: the random state is its own"
    drawn = {name: parameter for name, parameter in encoder.named_parameters() if ".layer." in name}
    assert drawn
    for name, parameter in encoder.named_parameters():
        if name not in drawn:
            assert bool((parameter == 7).all()), name
        elif "LayerNorm.weight" in name:
            assert bool((parameter == 1).all()), name
        elif name.endswith("bias"):
            assert bool((parameter == 0).all()), name
        else:
            assert parameter.std().item() == pytest.approx(config.initializer_range, rel=0.1), name
    before = {name: parameter.clone() for name, parameter in drawn.items()}
    reinitialise(encoder, seed=3)
    assert all(torch.equal(parameter, before[name]) for name, parameter in drawn.items())
    reinitialise(encoder, seed=4)
    dense = "model.encoder.layer.1.output.dense.weight"
    assert not torch.equal(drawn[dense], before[dense])


def test_a_pooler_is_drawn_anew_with_them():
    encoder = tiny(reinitialise_top=1).encoder
    assert encoder.pooler is not None
    before = encoder.pooler.dense.weight.clone()
    reinitialise(encoder, seed=1)
    assert not torch.equal(encoder.pooler.dense.weight, before)
    assert not encoder.pooler.dense.bias.any()
