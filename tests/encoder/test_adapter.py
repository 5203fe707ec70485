"""LoRA and DoRA: nothing changes at first, only the adapter is trained and saved, and merged it is the same model."""

from __future__ import annotations

import copy

import pytest
import torch
from architectures import CONFIGS, MORE
from torch import nn
from transformers import AutoModel

from poolsweep.encoder import Encoder, cpu_kernels
from poolsweep.encoder.adapter import Adapter, draw_adapter, merged_state
from poolsweep.encoder.cpu_kernels.linear import FastLinear
from poolsweep.encoder.hub import hub
from poolsweep.errors import UserError

FAMILIES = CONFIGS | {"gpt2": MORE["gpt2"]}  # whose linear layers are of a class of their own
LORA, DORA = Adapter(rank=2, alpha=8), Adapter(rank=2, alpha=8, use_dora=True)


def model_of(kind: str):
    torch.manual_seed(0)
    return AutoModel.from_config(copy.deepcopy(FAMILIES[kind])).eval()


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    mask = torch.arange(7) < torch.tensor([7, 4, 5])[:, None]
    ids = torch.randint(4, 40, mask.shape, generator=torch.Generator().manual_seed(0))
    return ids.masked_fill(~mask, 0), mask


def trained(encoder: Encoder) -> list[str]:
    return [name for name, parameter in encoder.named_parameters() if parameter.requires_grad]


def moved(encoder: Encoder) -> Encoder:
    """As if it had been trained: no product is zero, no length is that of the weights."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            if "lora_" in name:
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.1)
    return encoder


@pytest.mark.parametrize("adapter", [LORA, DORA], ids=["lora", "dora"])
@pytest.mark.parametrize("kind", FAMILIES)
def test_an_adapter_changes_nothing_at_first_and_is_the_same_packed_and_merged(kind: str, adapter: Adapter):
    ids, mask = batch()
    plain = Encoder(model_of(kind), name=kind).eval()
    encoder = Encoder(model_of(kind), name=kind, adapter=adapter).eval()
    draw_adapter(encoder.model, seed=3)
    for ours, theirs in zip(*(each(ids, mask, layers=[1, 3]).hidden for each in (encoder, plain)), strict=True):
        assert torch.allclose(ours[mask], theirs[mask], atol=1e-6)

    expected = moved(encoder)(ids, mask, layers=[3]).hidden[0][mask]
    assert not torch.allclose(expected, plain(ids, mask, layers=[3]).hidden[0][mask], atol=1e-3), "premise: it counts"
    packed = moved(Encoder(model_of(kind), name=kind, adapter=adapter, packing="auto", cpu_kernels="auto")).eval()
    packed.load_state_dict(encoder.state_dict())
    assert packed.packs or kind in {"albert", "gpt2"}, "premise: packing is tried"
    assert torch.allclose(packed(ids, mask, layers=[3]).hidden[0][mask], expected, atol=1e-5)

    theirs = model_of(kind)
    if getattr(theirs, "pooler", None) is not None:
        theirs.add_module("pooler", None)
    theirs.load_state_dict(merged_state(encoder.model))
    found = theirs(input_ids=ids, attention_mask=mask.long()).last_hidden_state[mask]
    assert torch.allclose(found, expected, atol=1e-5)


def test_all_linear_layers_of_the_stack_get_one_or_those_that_are_named():
    encoder = Encoder(model_of("electra"), name="electra", adapter=LORA)  # has a linear layer below its stack
    adapted = {name.partition(".lora_")[0] for name in trained(encoder)}
    stack = [f"model.encoder.layer.{i}" for i in range(3)]
    parts = ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"]
    assert adapted == {f"{layer}.{part}" for layer in stack for part in (*parts, "intermediate.dense", "output.dense")}

    named = Encoder(model_of("bert"), name="bert", adapter=Adapter(targets=["query", "output.dense"], bias="all"))
    named.drop_pooler()
    assert {n.rpartition(".")[2] for n in trained(named) if "lora_" not in n} == {"bias"}
    first = [name.partition("layer.0.")[2] for name in trained(named) if "layer.0." in name and "lora_" in name]
    assert {name.partition(".lora_")[0] for name in first} == {
        "attention.self.query", "attention.output.dense", "output.dense",
    }  # fmt: skip
    with pytest.raises(UserError, match=r"targets=q_proj is no linear layer of bert; it has query, key, value, dense"):
        Encoder(model_of("bert"), name="bert", adapter=Adapter(targets=["query", "q_proj"]))


def test_only_the_adapter_is_trained_saved_and_loaded():
    encoder = moved(Encoder(model_of("bert"), name="bert", adapter=DORA))
    assert {name.split(".")[-3] for name in trained(encoder) if "pooler" not in name} == {
        "lora_A", "lora_B", "lora_magnitude_vector",
    }  # fmt: skip
    around = nn.ModuleDict({"encoder": encoder})
    state = around.state_dict()
    assert sorted(state) == sorted(f"encoder.{name}" for name in trained(encoder))
    other = nn.ModuleDict({"encoder": Encoder(model_of("bert"), name="bert", adapter=DORA)})
    other.load_state_dict(state, strict=True)
    assert all(torch.equal(one, other.state_dict()[name]) for name, one in state.items())
    del state[f"encoder.{trained(encoder)[0]}"]
    assert other.load_state_dict(state, strict=False).missing_keys == [f"encoder.{trained(encoder)[0]}"]


@pytest.mark.parametrize("adapter", [LORA, DORA], ids=["lora", "dora"])
def test_kernels_checkpointing_and_first_tokens_give_the_same_gradients(adapter: Adapter, monkeypatch):
    monkeypatch.setattr(cpu_kernels, "is_conv_faster", lambda: True)
    ids, mask = batch()
    found = []
    for options in ({}, {"gradient_checkpointing": True}, {"packing": "on", "cpu_kernels": "auto"}):
        encoder = Encoder(model_of("bert"), name="bert", adapter=adapter, **options)
        encoder.drop_pooler()
        encoder.load_state_dict(moved(encoder).state_dict() if not found else found[0][0])
        first = options.get("packing") == "on"
        assert not first or encoder.keep_first_tokens()
        assert any(isinstance(module, FastLinear) for module in encoder.modules()) == first
        state = copy.deepcopy(encoder.state_dict())
        encoder(ids, mask, layers=[3], first_tokens=first).hidden[0][:, 0].pow(3).sum().backward()
        found.append((state, {name: p.grad for name, p in encoder.named_parameters() if p.grad is not None}))
    plain = found[0][1]
    assert plain
    assert all("lora_" in name for name in plain)
    for _, gradients in found[1:]:
        assert gradients.keys() == plain.keys()
        assert all(torch.allclose(gradients[name], one, atol=1e-4, rtol=1e-4) for name, one in plain.items())


def test_layers_that_no_pooling_reads_are_cut_with_their_adapters():
    encoder = Encoder(model_of("bert"), name="bert", adapter=LORA)
    encoder.drop_pooler()
    encoder.keep_layers(1)
    assert {name.split(".")[3] for name in trained(encoder)} == {"0"}
    assert encoder.load_state_dict(encoder.state_dict()).missing_keys == []


def test_a_seed_draws_the_same_adapter_and_leaves_the_generator_alone():
    def drawn(seed: int) -> torch.Tensor:
        encoder = Encoder(model_of("bert"), name="bert", adapter=LORA)
        draw_adapter(encoder.model, seed=seed)
        return torch.cat([p.flatten() for n, p in encoder.named_parameters() if "lora_" in n])

    model = model_of("bert")
    before = torch.random.get_rng_state()
    draw_adapter(Encoder(model, name="bert", adapter=LORA).model, seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


def test_a_folder_with_an_adapter_that_names_another_model_is_refused(tmp_path):
    model_of("bert").save_pretrained(tmp_path)
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "/etc"}')
    with pytest.raises(UserError, match=r"holds an adapter \(adapter_config.json\); merge it"):
        hub(model=str(tmp_path))
