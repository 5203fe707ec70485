"""Packed rows give the states, losses and gradients of padded ones, for several architectures."""

from __future__ import annotations

import copy

import pytest
import torch
from architectures import CONFIGS, DECODERS, SIZES
from transformers import AutoModel, ModernBertConfig, PreTrainedConfig

from poolsweep.encoder import Encoder
from poolsweep.encoder.packing import Packing
from poolsweep.errors import UserError
from poolsweep.pooling.functional import first_token

ALL = {**CONFIGS, **{name: DECODERS[name] for name in ("gpt2", "mistral")}}
PACKED = sorted(ALL)


@pytest.fixture(params=[0, 20_000], ids=["equally long", "similar"])
def bucketing(request, monkeypatch):
    monkeypatch.setattr("poolsweep.encoder.packing._PAIRS_PER_CALL", request.param)


@pytest.fixture(params=[False, True], ids=["torch's", "cpu kernels"])
def products(request, monkeypatch):
    """Of packed models: all by torch's linear layers and attention, or all by convolution and by hand."""
    monkeypatch.setattr("poolsweep.encoder.cpu_kernels.is_conv_faster", lambda: request.param)
    monkeypatch.setattr("poolsweep.encoder.cpu_kernels.linear._ROWS", 1)
    monkeypatch.setattr("poolsweep.encoder.cpu_kernels.linear._WEIGHTS", 1)
    monkeypatch.setattr("poolsweep.encoder.ragged_attention._PAIRS", 2**21 if request.param else 0)


LENGTHS = torch.tensor([7, 0, 20, 7, 1, 12])
KERNELS = {"off": "off", "on": "auto"}


def encoders(config: PreTrainedConfig, **options) -> tuple[Encoder, Encoder]:
    """The same weights without dropout, padded and packed."""
    config = copy.deepcopy(config)
    checkpointing = bool(options.get("gradient_checkpointing"))
    names = ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout")
    for name in (*names, "attn_pdrop", "resid_pdrop", "embd_pdrop"):
        if hasattr(config, name):
            setattr(config, name, options.get(name, 0.0))
    made = []
    for packing in ("off", "on"):
        torch.manual_seed(0)
        model = AutoModel.from_config(copy.deepcopy(config))
        encoder = Encoder(
            model, name="x", packing=packing, cpu_kernels=KERNELS[packing], gradient_checkpointing=checkpointing
        )
        encoder.drop_pooler()
        made.append(encoder)
    return made[0], made[1]


def batch(*, left: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    places = torch.arange(20)
    mask = places >= 20 - LENGTHS[:, None] if left else places < LENGTHS[:, None]
    ids = torch.randint(4, 40, mask.shape, generator=torch.Generator().manual_seed(0))
    return ids.masked_fill(~mask, 1), mask


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("padding", ["right", "left", "none"])
def test_states_and_gradients_are_those_of_padded_batches(kind: str, padding: str, bucketing, products):
    ids, mask = batch(left=padding == "left")
    if padding == "none":
        ids, mask = ids[[0, 2, 3, 5], :7], mask[[0, 2, 3, 5], :7]  # of 7 or more tokens
    found = []
    for encoder in encoders(ALL[kind]):
        encoder.train()
        states = encoder(ids, mask, layers=[3, 0, 1]).hidden
        sum((i + 1) * state[mask].pow(2).sum() for i, state in enumerate(states)).backward()
        found.append((states, {name: p.grad for name, p in encoder.named_parameters() if p.grad is not None}))
    (padded, gradients), (packed, packed_gradients) = found
    for expected, state in zip(padded, packed, strict=True):
        torch.testing.assert_close(state[mask], expected[mask], atol=1e-5, rtol=1e-5)
        assert not state[~mask].any(), "padding is zeros"
    assert gradients.keys() == packed_gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(packed_gradients[name], gradient, atol=1e-4, rtol=1e-4)


def test_a_sliding_window_reaches_as_far_as_without_packing(bucketing, products):
    config = ModernBertConfig(
        **SIZES, max_position_embeddings=32, pad_token_id=0, cls_token_id=2, sep_token_id=3, bos_token_id=2,
        eos_token_id=3, local_attention=6, global_attn_every_n_layers=3,
    )  # fmt: skip
    ids, mask = batch()
    padded, packed = encoders(config)
    expected, state = (encoder.eval()(ids, mask, layers=[3]).hidden[0] for encoder in (padded, packed))
    torch.testing.assert_close(state[mask], expected[mask], atol=1e-5, rtol=1e-5)
    for states in (expected, state):
        states[mask].pow(2).sum().backward()
    for of_packed, gradient in zip(packed.parameters(), padded.parameters(), strict=True):
        torch.testing.assert_close(of_packed.grad, gradient.grad, atol=1e-4, rtol=1e-4)
    config.local_attention = config.sliding_window = 40
    wide = encoders(config)[0].eval()(ids, mask, layers=[3]).hidden[0]
    assert (wide - expected)[mask].abs().max() > 1e-3, "premise: the window matters"


def test_attention_dropout_takes_place_and_repeats_bit_for_bit():
    ids, mask = batch()
    encoder = encoders(CONFIGS["bert"], attention_probs_dropout_prob=0.5)[1].train()
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(encoder(ids, mask, layers=[3]).hidden[0])
    assert torch.equal(found[0], found[1])
    assert (found[0] - found[2])[mask].abs().max() > 1e-3


def test_gradient_checkpointing_recomputes_packed_rows():
    ids, mask = batch()
    found = []
    for checkpointing in (False, True):
        torch.manual_seed(0)
        model = AutoModel.from_config(copy.deepcopy(CONFIGS["bert"]))
        encoder = Encoder(model, name="x", packing="on", cpu_kernels="auto", gradient_checkpointing=checkpointing)
        encoder.train()
        encoder.drop_pooler()
        encoder(ids, mask, layers=[1])  # proves the hooks before the seed is set
        torch.manual_seed(1)
        encoder(ids, mask, layers=[3]).hidden[0][mask].pow(2).sum().backward()
        found.append({name: p.grad for name, p in encoder.named_parameters()})
    for name, gradient in found[0].items():
        torch.testing.assert_close(found[1][name], gradient)


def test_a_model_that_cannot_be_packed_says_why():
    config = copy.deepcopy(CONFIGS["bert"])
    config._attn_implementation = "eager"
    encoder = Encoder(AutoModel.from_config(config), name="mine", packing="auto")
    assert not encoder.packs
    assert encoder.unpacked_because == "its attention implementation is eager"
    with pytest.raises(UserError, match=r"encoder\.packing=on: mine cannot be packed, since its attention"):
        Encoder(AutoModel.from_config(config), name="mine", packing="on")


def test_no_padded_token_is_computed():
    ids, mask = batch()
    encoder = encoders(CONFIGS["bert"])[1].eval()
    seen = []
    encoder.model.encoder.layer[0].register_forward_pre_hook(lambda module, args: seen.append(args[0].shape))
    encoder(ids, mask, layers=[3])
    assert seen == [(1, int(LENGTHS.sum()), 16)]


def test_buckets_waste_little():
    lengths = torch.arange(10, 74).repeat_interleave(4)
    mask = torch.arange(73) < lengths[:, None]
    buckets = Packing.of(mask).buckets
    padded = sum(texts * longest**2 for texts, longest in (bucket.shape for bucket in buckets))
    assert sum(bucket.tokens for bucket in buckets) == lengths.sum()
    assert 2 < len(buckets) < 16
    assert padded < 1.25 * (lengths**2).sum()


def test_unpacking_undoes_packing():
    _, mask = batch()
    packing = Packing.of(mask)
    values = torch.randn(*mask.shape, 3)
    assert packing.lengths == (1, 7, 7, 12, 20)
    assert [bucket.shape for bucket in packing.buckets] == [(5, 20)], "so few tokens are one call"
    assert packing.starts.tolist() == [0, 1, 8, 15, 27, 47]
    assert torch.equal(packing.unpack(packing.pack(values)), values * mask[..., None])


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # torch's tracer looks at it
@pytest.mark.parametrize("kind", ["bert", "distilbert", "modernbert"])
def test_compiled_parts_give_the_states_and_gradients_of_others(kind: str, products, monkeypatch):
    compile_, parts = torch.nn.Module.compile, []

    def without_a_compiler(module, **options):
        parts.append(module)
        compile_(module, **options, backend="eager")  # traced as for any other

    monkeypatch.setattr(torch.nn.Module, "compile", without_a_compiler)
    ids, mask = batch()
    found = []
    for compiled in (False, True):
        torch.manual_seed(0)
        config = copy.deepcopy(CONFIGS[kind])
        for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout"):
            if hasattr(config, name):
                setattr(config, name, 0.0)
        encoder = Encoder(AutoModel.from_config(config), name="x", packing="on", cpu_kernels="auto", compiled=compiled)
        encoder.train()
        encoder.drop_pooler()
        state = encoder(ids, mask, layers=[3]).hidden[0]
        state.pow(2).sum().backward()
        found.append((state, {name: p.grad for name, p in encoder.named_parameters() if p.grad is not None}))
    assert len(parts) >= 3, "at least one of each layer"
    torch.testing.assert_close(found[1][0], found[0][0], atol=1e-5, rtol=1e-5)
    assert found[0][1].keys() == found[1][1].keys()
    for name, gradient in found[0][1].items():
        torch.testing.assert_close(found[1][1][name], gradient, atol=1e-4, rtol=1e-4)


def test_what_cannot_be_compiled_is_refused():
    with pytest.raises(UserError, match=r"encoder\.compiled=true: the layers of mine are not where"):
        Encoder(AutoModel.from_config(copy.deepcopy(CONFIGS["albert"])), name="mine", compiled=True)


FIRST_TOKENS_APART = {"bert", "distilbert", "roberta", "electra"}


@pytest.mark.parametrize(
    ("kind", "checkpointing"), [*((kind, False) for kind in PACKED), ("bert", True), ("distilbert", True)]
)
def test_first_tokens_alone_give_the_states_and_gradients_of_all(kind: str, checkpointing: bool, bucketing, products):
    ids, mask = batch(left=True)
    found = []
    for first_tokens in (False, True):
        encoder = encoders(ALL[kind], gradient_checkpointing=checkpointing)[1].train()
        assert encoder.keep_first_tokens() == (kind in FIRST_TOKENS_APART)
        rows = feed_forward_rows(encoder)
        output = encoder(ids, mask, layers=[1, 3], first_tokens=first_tokens)
        states = [first_token(hidden, output.mask) for hidden in output.hidden]
        sum((i + 1) * state.pow(2).sum() for i, state in enumerate(states)).backward()
        found.append((states, {name: p.grad for name, p in encoder.named_parameters() if p.grad is not None}))
        if first_tokens and kind in FIRST_TOKENS_APART:
            assert max(rows) == int((LENGTHS > 0).sum()), "the last layer sees first tokens alone"
            assert {hidden.shape[1] for hidden in output.hidden} == {1}
    (whole, gradients), (first, first_gradients) = found
    for expected, state in zip(whole, first, strict=True):
        torch.testing.assert_close(state, expected, atol=1e-5, rtol=1e-5)
        assert not state[LENGTHS == 0].any()
    assert gradients.keys() == first_gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(first_gradients[name], gradient, atol=1e-4, rtol=1e-4)


def feed_forward_rows(encoder: Encoder) -> list[int]:
    """Filled with how many tokens each linear module of the last layer's feed-forward is given."""
    seen: list[int] = []
    layer = encoder._capture.last_layer
    for name, module in layer.named_modules() if layer is not None else ():
        if name in {"intermediate.dense", "output.dense", "ffn.lin1", "ffn.lin2"}:
            module.register_forward_pre_hook(lambda module, args: seen.append(args[0].shape[1]))
    return seen


def test_attention_dropout_of_first_tokens_repeats_bit_for_bit():
    ids, mask = batch()
    encoder = encoders(CONFIGS["bert"], attention_probs_dropout_prob=0.5)[1].train()
    assert encoder.keep_first_tokens()
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(encoder(ids, mask, layers=[3], first_tokens=True).hidden[0])
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.gpu
@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_kernels_on_cuda_agree_with_padded_batches(kind: str, dtype: torch.dtype):
    ids, mask = batch()
    ids, mask = ids.cuda(), mask.cuda()
    padded, packed = (encoder.cuda().eval() for encoder in encoders(ALL[kind]))
    with torch.autocast("cuda", dtype=dtype, enabled=dtype != torch.float32), torch.no_grad():
        expected = padded(ids, mask, layers=[3]).hidden[0].float()
        state = packed(ids, mask, layers=[3]).hidden[0].float()
        packed.keep_first_tokens()
        output = packed(ids, mask, layers=[3], first_tokens=True)
        first = first_token(output.hidden[0], output.mask).float()
    tolerance = 1e-5 if dtype == torch.float32 else 5e-2
    torch.testing.assert_close(state[mask], expected[mask], atol=tolerance, rtol=tolerance)
    torch.testing.assert_close(first, first_token(expected, mask), atol=tolerance, rtol=tolerance)
