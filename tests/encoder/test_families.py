"""What holds for the encoders of every family: transformers' own states, whatever stands beside a text."""

from __future__ import annotations

import copy

import pytest
import torch
from architectures import CONFIGS, DECODERS, MORE, T5
from torch import Tensor
from transformers import (
    AutoModel,
    BloomConfig,
    FalconConfig,
    GPTNeoConfig,
    ModernBertConfig,
    PreTrainedConfig,
    PreTrainedModel,
    UMT5Config,
)

from poolsweep.encoder import Encoder
from poolsweep.encoder.bidirectional import is_causal
from poolsweep.encoder.weights import kind_of
from poolsweep.errors import UserError

FAMILIES: dict[str, PreTrainedConfig] = {
    **CONFIGS,
    **MORE,
    **DECODERS,
    "modernbert": ModernBertConfig(**CONFIGS["modernbert"].to_dict() | {"local_attention": 6}),
    "t5": T5,
    "umt5": UMT5Config(vocab_size=40, d_model=16, d_kv=8, d_ff=32, num_layers=3, num_heads=2),
    "bloom": BloomConfig(vocab_size=40, hidden_size=16, n_layer=3, n_head=2),
    "falcon": FalconConfig(vocab_size=40, hidden_size=16, num_hidden_layers=3, num_attention_heads=2),
}
PACKS = {*CONFIGS, *DECODERS}
COUNT_PADDING_IDS = {"roberta", "mpnet"}  # transformers numbers their positions by the ids that are not padding
LENGTHS = (7, 20, 1, 12)
PAD = 1


def model_of(config: PreTrainedConfig) -> PreTrainedModel:
    torch.manual_seed(0)
    return kind_of(config).from_config(copy.deepcopy(config)).eval()


def texts(*, with_padding_ids: bool = False) -> list[Tensor]:
    """Token ids, among them that of padding in the middle and at the end, where eos stands."""
    generator = torch.Generator().manual_seed(0)
    found = [torch.randint(4, 40, (length,), generator=generator) for length in LENGTHS]
    if with_padding_ids:
        for ids in found:
            ids[len(ids) // 2] = ids[-1] = PAD
    return found


def batch(rows: list[Tensor], *, left: bool = False) -> tuple[Tensor, Tensor]:
    longest = max(map(len, rows))
    ids, mask = torch.full((len(rows), longest), PAD), torch.zeros(len(rows), longest, dtype=torch.bool)
    for row, text in enumerate(rows):
        where = slice(longest - len(text), None) if left else slice(0, len(text))
        ids[row, where], mask[row, where] = text, True
    return ids, mask


def states(encoder: Encoder, rows: list[Tensor], *, left: bool = False) -> list[Tensor]:
    """(layers, tokens, H) of each text."""
    ids, mask = batch(rows, left=left)
    with torch.no_grad():
        hidden = torch.stack(encoder(ids, mask, layers=range(encoder.num_layers + 1)).hidden, dim=1)
    return [row[:, real] for row, real in zip(hidden, mask, strict=True)]


def close(found: list[Tensor], expected: list[Tensor]) -> None:
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_text_has_transformers_states_wherever_it_stands(kind: str):
    config = FAMILIES[kind]
    for with_padding_ids in (False, True):
        rows, theirs = texts(with_padding_ids=with_padding_ids), model_of(config)
        with torch.no_grad():
            alone = [theirs(input_ids=row[None], output_hidden_states=True).hidden_states for row in rows]
        expected = [torch.cat(layers) for layers in alone]
        padded = Encoder(model_of(config), name=kind).eval()
        if with_padding_ids and kind in COUNT_PADDING_IDS:
            expected = [states(padded, [row])[0] for row in rows]
        close(states(padded, rows), expected)
        close(states(padded, rows, left=True), expected)
        packed = Encoder(model_of(config), name=kind, packing="auto").eval()
        assert packed.packs == (kind in PACKS)
        if packed.packs:
            close(states(packed, rows), expected)
            close(states(packed, rows, left=True), expected)


@pytest.mark.parametrize("kind", FAMILIES)
def test_the_id_of_padding_counts_where_it_stands_in_a_text(kind: str):
    encoder = Encoder(model_of(FAMILIES[kind]), name=kind, packing="auto").eval()
    with_it, without = texts(with_padding_ids=True), texts()
    for ids in without:
        ids[-1] = PAD
    found, other = states(encoder, with_it), states(encoder, without)
    difference = (found[1] - other[1])[-1, -1].abs().max()
    assert difference > 1e-4, "the last token has seen the one in the middle"


def test_a_batch_with_an_empty_text_has_finite_gradients():
    for kind in ("gpt2", "mistral"):
        for packing in ("off", "on"):
            encoder = Encoder(model_of(DECODERS[kind]), name=kind, packing=packing).train()
            ids, mask = batch([*texts(), torch.zeros(0, dtype=torch.int64)], left=True)
            encoder(ids, mask, layers=[3]).hidden[0][mask].square().sum().backward()
            assert all(p.grad.isfinite().all() for p in encoder.parameters() if p.grad is not None)


@pytest.mark.parametrize("kind", ["gpt2", "gpt_neox", "llama", "qwen2", "qwen3", "mistral"])
@pytest.mark.parametrize("packing", ["off", "on"])
def test_bidirectional_attention_is_that_of_a_full_mask(kind: str, packing: str):
    rows, theirs = texts(), model_of(DECODERS[kind])
    ids, mask = batch(rows)
    place = torch.arange(ids.shape[1])
    near = (place[:, None] - place).abs() <= (getattr(theirs.config, "sliding_window", None) or len(place))
    with torch.no_grad():
        full = mask[:, None, None, :] & near
        expected = torch.stack(theirs(input_ids=ids, attention_mask=full, output_hidden_states=True).hidden_states, 1)
    encoder = Encoder(model_of(DECODERS[kind]), name=kind, packing=packing, bidirectional=True).eval()
    close(states(encoder, rows), [row[:, real] for row, real in zip(expected, mask, strict=True)])
    causal = Encoder(model_of(DECODERS[kind]), name=kind, packing=packing).eval()
    assert (states(causal, rows)[0] - states(encoder, rows)[0]).abs().max() > 1e-2
    assert not is_causal(encoder.model)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (CONFIGS["bert"], "bert attends in both directions already; leave encoder.bidirectional=false"),
        (T5, "t5 attends in both directions already"),
        (
            GPTNeoConfig(vocab_size=40, hidden_size=16, num_layers=2, num_heads=2, attention_types=[[["global"], 2]]),
            "the attention of gpt_neo cannot be told to leave its causal mask out",
        ),
    ],
)
def test_what_cannot_be_made_bidirectional_is_refused(config: PreTrainedConfig, told: str):
    with pytest.raises(UserError, match=rf"^encoder\.bidirectional=true: {told}"):
        Encoder(model_of(config), name="mine", bidirectional=True)
    assert not is_causal(model_of(config)) or config.model_type == "gpt_neo"


def test_decoders_keep_no_keys_and_values():
    model = AutoModel.from_config(copy.deepcopy(DECODERS["llama"]))
    encoder = Encoder(model, name="llama")
    assert encoder.model(input_ids=torch.ones(1, 3, dtype=torch.int64)).past_key_values is None
