"""The encoder gives what is asked for, equal to what transformers gives, for several architectures."""

from __future__ import annotations

import copy

import pytest
import torch
from architectures import CONFIGS, DECODERS, SIZES
from transformers import (
    AutoModel,
    BertConfig,
    BigBirdConfig,
    CamembertConfig,
    MPNetConfig,
    RobertaConfig,
    XLMRobertaConfig,
)

from poolsweep.encoder import Encoder
from poolsweep.encoder.pooler import reinitialise_pooler

LAYERS = [3, 0, 2]
ALL = {**CONFIGS, "gpt2": DECODERS["gpt2"], "llama": DECODERS["llama"]}


def model_of(kind: str):
    torch.manual_seed(0)
    return AutoModel.from_config(copy.deepcopy(ALL[kind])).eval()


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    lengths = torch.tensor([7, 4, 5])
    mask = torch.arange(7) < lengths[:, None]
    assert not mask.all(), "premise: some padding exists"
    ids = torch.randint(4, 40, mask.shape, generator=torch.Generator().manual_seed(0))
    return ids.masked_fill(~mask, 0), mask


@pytest.mark.parametrize("kind", CONFIGS)
def test_gives_the_hidden_states_of_transformers_in_the_order_asked(kind: str):
    ids, mask = batch()
    model = model_of(kind)
    expected = model(input_ids=ids, attention_mask=mask.long(), output_hidden_states=True).hidden_states
    last = model(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    encoder = Encoder(model, name=kind).eval()
    output = encoder(ids, mask, layers=LAYERS)
    assert len(output.hidden) == 3
    assert output.pooler_output is None
    assert output.attentions is None
    assert torch.equal(output.hidden[0][mask], last[mask])
    assert torch.equal(output.hidden[1][mask], expected[0][mask])
    assert torch.equal(output.hidden[2][mask], expected[2][mask])
    assert (encoder.num_layers, encoder.hidden_size) == (3, 16)


@pytest.mark.parametrize("kind", sorted(set(ALL) - {"albert"}))  # transformers offers ALBERT none
def test_gradient_checkpointing_gives_equal_gradients(kind: str):
    ids, mask = batch()
    found = []
    for checkpointing in (False, True):
        encoder = Encoder(model_of(kind), name=kind, gradient_checkpointing=checkpointing)
        encoder.drop_pooler()
        encoder.train()
        encoder(ids, mask, layers=[1])  # proves the hooks before the seed is set
        torch.manual_seed(1)
        states = encoder(ids, mask, layers=[1, 3]).hidden
        sum((i + 1) * state[mask].pow(2).sum() for i, state in enumerate(states)).backward()
        found.append({name: p.grad for name, p in encoder.named_parameters() if p.grad is not None})
    plain, checkpointed = found
    assert plain.keys() == checkpointed.keys()
    assert any(grad.abs().sum() > 0 for grad in plain.values())
    for name, grad in plain.items():
        assert torch.allclose(grad, checkpointed[name], atol=1e-6), name


def test_only_the_hidden_states_asked_for_are_kept(monkeypatch):
    model = model_of("bert")
    asked = []
    forward = model.forward
    monkeypatch.setattr(model, "forward", lambda **inputs: asked.append(inputs) or forward(**inputs))
    encoder = Encoder(model, name="bert").eval()
    ids, mask = batch()
    encoder(ids, mask, layers=[1])  # the first call proves the hooks
    asked.clear()
    encoder(ids, mask, layers=[1, 3])
    assert [inputs.get("output_hidden_states") for inputs in asked] == [None]
    assert encoder._capture._found == {}, "nothing is held between calls"


def test_a_model_that_shares_one_layer_falls_back_to_output_hidden_states():
    encoder = Encoder(model_of("albert"), name="albert").eval()
    ids, mask = batch()
    encoder(ids, mask, layers=[1])
    assert encoder._capture._hooks_proven is False


@pytest.mark.parametrize("kind", ["bert", "roberta", "albert", "big_bird"])
def test_the_pooler_is_run_only_when_asked_and_equals_transformers(kind: str):
    ids, mask = batch()
    torch.manual_seed(0)
    sizes = {**SIZES, "max_position_embeddings": 32, "attention_type": "original_full"}
    model = AutoModel.from_config(BigBirdConfig(**sizes)).eval() if kind == "big_bird" else model_of(kind)
    expected = model(input_ids=ids, attention_mask=mask.long()).pooler_output
    encoder = Encoder(model, name=kind).eval()
    assert torch.allclose(encoder(ids, mask, layers=[3], context={"pooler_output"}).pooler_output, expected, atol=1e-6)
    encoder.drop_pooler()
    with pytest.raises(ValueError, match=f"encoder {kind} has no pooler"):
        encoder(ids, mask, layers=[3], context={"pooler_output"})


def test_attentions_on_demand():
    torch.manual_seed(0)
    model = AutoModel.from_config(copy.deepcopy(CONFIGS["bert"]), attn_implementation="eager").eval()
    ids, mask = batch()
    attentions = Encoder(model, name="bert").eval()(ids, mask, layers=[3], context={"attentions"}).attentions
    assert [a.shape for a in attentions] == [(3, 2, 7, 7)] * 3


def test_frozen_stays_in_eval_mode_and_trains_nothing():
    encoder = Encoder(model_of("bert"), name="bert", frozen=True)
    encoder.train()
    assert not any(module.training for module in encoder.modules())
    assert not any(p.requires_grad for p in encoder.parameters())


def test_longest_input():
    limits = {kind: Encoder(model_of(kind), name=kind).max_length for kind in CONFIGS}
    assert limits == dict.fromkeys(CONFIGS, 32)


@pytest.mark.parametrize("kind", [RobertaConfig, XLMRobertaConfig, CamembertConfig, MPNetConfig, BertConfig])
def test_no_longer_input_than_the_longest_is_taken(kind):
    model = AutoModel.from_config(kind(**SIZES, max_position_embeddings=34, pad_token_id=1)).eval()
    limit = Encoder(model, name="any").max_length
    model(input_ids=torch.full((1, limit), 5))
    with pytest.raises((IndexError, RuntimeError)):
        model(input_ids=torch.full((1, limit + 1), 5))


def test_a_fresh_pooler_is_a_function_of_the_seed():
    def weights(seed: int) -> torch.Tensor:
        encoder = Encoder(model_of("bert"), name="bert", pooler_is_fresh=True)
        reinitialise_pooler(encoder.pooler, std=encoder.initializer_range, seed=seed)
        assert not encoder.pooler.dense.bias.any()
        return encoder.pooler.dense.weight.detach().clone()

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))
    assert weights(0).std() == pytest.approx(0.02, rel=0.2)


@pytest.mark.parametrize("packing", ["off", "on"])
@pytest.mark.parametrize("kind", ALL)
def test_layers_that_no_pooling_reads_are_neither_run_nor_needed(kind: str, packing: str):
    ids, mask = batch()
    found = []
    for cut in (False, True):
        encoder = Encoder(model_of(kind), name=kind, packing=packing).eval()
        encoder.drop_pooler()
        if cut:
            encoder.keep_layers(2)
        states = encoder(ids, mask, layers=[0, 2]).hidden
        sum(state[mask].pow(2).sum() for state in states).backward()
        gradients = {name: p.grad for name, p in encoder.named_parameters() if p.grad is not None}
        found.append((states, gradients, len(list(encoder.parameters()))))
    (states, gradients, whole), (cut_states, cut_gradients, left) = found
    assert all(map(torch.equal, states, cut_states))
    assert gradients.keys() == cut_gradients.keys()
    assert all(torch.equal(gradients[name], cut_gradients[name]) for name in gradients)
    assert left < whole or kind == "albert", "ALBERT's layers share their weights"
    assert encoder.num_layers == 3


@pytest.mark.parametrize("packing", ["off", "on"])
@pytest.mark.parametrize("kind", ALL)
def test_embeddings_alone_need_no_layer(kind: str, packing: str):
    ids, mask = batch()
    encoder = Encoder(model_of(kind), name=kind, packing=packing).eval()
    encoder.drop_pooler()
    [expected] = encoder(ids, mask, layers=[0]).hidden
    encoder.keep_layers(0)
    [found] = encoder(ids, mask, layers=[0]).hidden
    assert torch.equal(found[mask], expected[mask])
    found[mask].sum().backward()
    if kind == "bert":
        assert all(p.grad is not None for p in encoder.parameters()), "no layer is left that nothing trains"


def test_a_stack_that_cannot_be_cut_stays_whole():
    encoder = Encoder(model_of("albert"), name="albert").eval()
    ids, mask = batch()
    expected = encoder(ids, mask, layers=[2]).hidden[0]
    encoder.keep_layers(2)
    assert torch.equal(encoder(ids, mask, layers=[2]).hidden[0], expected)
