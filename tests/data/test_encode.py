"""An encoder that is run on a group of inputs at a time gives the same, and keeps less."""

from __future__ import annotations

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from poolsweep.data import encode as module
from poolsweep.data.encode import encode, encode_and_pool, input_groups
from poolsweep.data.reading import Cut, Reading
from poolsweep.data.text_reader import reader
from poolsweep.data.token_rows import rows_for
from poolsweep.data.tokenise import tokenise_at_once
from poolsweep.encoder.tiny import tiny
from poolsweep.pooling.make import make_pooling
from poolsweep.pooling.presets import load_half, load_preset

TEXTS = ["a" * 50, "the owl", "cats and dogs " * 4, "z" * 9]
POOLINGS = ["cls", "pooler", "masked_mean", "last4_concat", "self_attentive", "cls_attention", "max_seq_cls_attention"]


def batch_of(loaded, pooling, keep: str = "windows"):
    read = reader(loaded.tokenizer, Reading(12, cut=Cut(keep)), pair=False)
    return rows_for(loaded, tokenise_at_once(read, TEXTS, None), context=pooling.context_needed).__getitems__(range(4))


def pooling_of(preset: str, chunks: str | None):
    torch.manual_seed(0)
    halves = load_preset(preset) | ({} if chunks is None else {"chunks": load_half("chunks", chunks)})
    return make_pooling(halves, num_layers=4, hidden_size=32)


def attention_of(preset: str) -> str | None:
    return "eager" if preset in ("cls_attention", "max_seq_cls_attention") else None


def result(encoder, pooling, batch) -> list[torch.Tensor]:
    """Vectors, penalty and gradients."""
    torch.manual_seed(5)
    vectors = encode_and_pool(encoder, pooling, batch)
    penalty = pooling.auxiliary_loss()
    parameters = [*encoder.parameters(), *pooling.parameters()]
    loss = vectors.square().sum() + (0 if penalty is None else penalty)
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    return [vectors, loss, *(gradient for gradient in gradients if gradient is not None)]


@pytest.mark.parametrize("packing", ["auto", "off"])
@pytest.mark.parametrize("chunks", [None, "mean", "attention", "tokens"])
@pytest.mark.parametrize("preset", POOLINGS)
def test_groups_give_what_the_whole_batch_gives(preset, chunks, packing):
    if chunks == "tokens" and preset in ("cls", "pooler"):
        pytest.skip("one token cannot be joined")
    loaded = tiny(dropout=0.0, packing=packing, attention=attention_of(preset))
    encoder, pooling = loaded.encoder.train(), pooling_of(preset, chunks).train()
    if chunks == "tokens" and "attentions" in pooling.context_needed:
        pytest.skip("attentions cannot be joined")
    batch = batch_of(loaded, pooling, "head" if chunks is None else "windows")
    expected = result(encoder, pooling, batch)
    encoder.max_tokens_at_once = 24
    assert len(input_groups(encoder, batch)) > 1, "premise"
    for one, other in zip(result(encoder, pooling, batch), expected, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize(("preset", "chunks"), [("masked_mean", "mean"), ("self_attentive", "tokens")])
def test_what_is_computed_again_has_the_same_dropout(preset, chunks, monkeypatch):
    loaded = tiny(dropout=0.3, max_tokens_at_once=24)
    pooling = pooling_of(preset, chunks).train()
    batch = batch_of(loaded, pooling)
    again = result(loaded.encoder.train(), pooling, batch)
    monkeypatch.setattr(module, "checkpoint", lambda run, part, **_: run(part))
    kept = result(loaded.encoder, pooling, batch)
    assert all(torch.equal(one, other) for one, other in zip(again, kept, strict=True))
    monkeypatch.undo()
    torch.manual_seed(6)
    assert not torch.equal(encode_and_pool(loaded.encoder, pooling, batch), kept[0]), "premise: dropout is on"


def saved_bytes(encoder, pooling, batch) -> int:
    """What a forward pass keeps for the backward one."""
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with saved_tensors_hooks(note, lambda tensor: tensor):
        vectors = encode_and_pool(encoder, pooling, batch)
    parameters = {p.untyped_storage().data_ptr() for p in encoder.parameters()}
    assert vectors.requires_grad
    return sum(size for place, size in kept.items() if place not in parameters)


def test_activations_are_kept_of_no_group():
    loaded = tiny(dropout=0.0)
    pooling = pooling_of("masked_mean", "mean").train()
    batch = batch_of(loaded, pooling)
    whole = saved_bytes(loaded.encoder.train(), pooling, batch)
    loaded.encoder.max_tokens_at_once = 24
    assert saved_bytes(loaded.encoder, pooling, batch) < whole / 20


@pytest.mark.parametrize("padded", [True, False])
def test_a_group_holds_no_more_than_is_allowed(padded):
    groups = [group.tolist() for group in module._groups([5, 9, 3, 3, 30, 2], 12, padded=padded)]
    assert [place for group in groups for place in group] == list(range(6))
    assert groups == ([[0], [1], [2, 3], [4], [5]] if padded else [[0], [1, 2], [3], [4], [5]])


def test_an_encoder_is_never_run_on_more(monkeypatch):
    loaded = tiny(max_tokens_at_once=24)
    pooling, sizes = pooling_of("masked_mean", "tokens"), []
    batch = batch_of(loaded, pooling)
    forward = loaded.encoder.forward

    def noted(ids, mask, *given, **options):
        sizes.append(int(mask.sum()))
        return forward(ids, mask, *given, **options)

    monkeypatch.setattr(loaded.encoder, "forward", noted)
    encode(loaded.encoder.eval(), batch, layers=(4,))
    assert max(sizes) <= 24 < sum(sizes) == int(batch.mask.sum())
