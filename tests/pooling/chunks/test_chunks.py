"""Documents in windows against a loop over plain transformers, and what holds for every chunk pooling."""

from __future__ import annotations

import pytest
import torch
from transformers import BertModel

from poolsweep.data.reading import Cut, Reading
from poolsweep.data.text_reader import reader
from poolsweep.data.token_rows import rows_for
from poolsweep.data.tokenise import tokenise_at_once
from poolsweep.encoder.tiny import tiny
from poolsweep.pooling import PoolingContext
from poolsweep.pooling.catalogue import formula
from poolsweep.pooling.make import make_chunks, make_pooling
from poolsweep.pooling.presets import half_names, load_half, load_preset, pooling_name
from poolsweep.pooling.windowed import WindowedPooling
from poolsweep.pooling.windows import Windows

LOADED = tiny(max_length=16)
ENCODER, TOKENIZER = LOADED.encoder.eval(), LOADED.tokenizer
DOCUMENTS = ["short one", "a" * 70, "the dog barked at the owl, and then at the moon", "z" * 14, "e f g " * 9]
STRIDES = [None, 9]
COMBINING = [n for n in half_names("chunks") if make_chunks(load_half("chunks", n), input_size=2).keep == "windows"]


def windowed(chunks: str, preset: str = "masked_mean") -> WindowedPooling:
    halves = load_preset(preset) | {"chunks": load_half("chunks", chunks)}
    pooling = make_pooling(halves, num_layers=ENCODER.num_layers, hidden_size=ENCODER.hidden_size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        for parameter in pooling.chunks.parameters():
            torch.nn.init.normal_(parameter)
    return pooling.eval()


def vectors(pooling, documents: list[str], *, stride: int | None, encoder=ENCODER) -> torch.Tensor:
    cut = Cut("windows" if isinstance(pooling, WindowedPooling) else "head", stride=stride)
    texts = tokenise_at_once(reader(TOKENIZER, Reading(16, cut=cut), pair=False), documents, None)
    batch = rows_for(LOADED, texts, context=pooling.context_needed).__getitems__(range(len(documents)))
    with torch.no_grad():
        output = encoder(batch.input_ids, batch.mask, batch.token_type_ids, layers=pooling.layers_needed)
        return pooling(output.hidden, output.mask, batch.context())


def by_hand(documents: list[str], *, stride: int | None) -> list[list[torch.Tensor]]:
    """The states of every window of each document, one window at a time, by transformers' own classes."""
    model = BertModel(ENCODER.model.config, add_pooling_layer=False).eval()
    model.load_state_dict(ENCODER.model.state_dict())
    model.set_attn_implementation("eager")
    found = []
    for document in documents:
        ids = TOKENIZER(
            document, truncation=True, max_length=16, stride=14 - (stride or 14), return_overflowing_tokens=True
        )["input_ids"]
        with torch.no_grad():
            found.append([model(torch.tensor([window])).last_hidden_state[0] for window in ids])
    return found


def combined(chunks: str, windows: list[torch.Tensor], *, stride: int | None, pooling) -> torch.Tensor:
    means = torch.stack([states.mean(dim=0) for states in windows])
    step, body = stride or 14, [states[1:-1] for states in windows]
    new = [body[0], *(states[14 - step :] for states in body[1:])]  # without what the window before has shown
    joined = torch.cat([windows[0][:1], *new, windows[-1][-1:]])
    counts = torch.tensor([len(states) for states in new], dtype=torch.float32)
    counts[0], counts[-1] = counts[0] + 1, counts[-1] + 1
    if chunks == "attention":
        weights = (means @ pooling.chunks.query / means.shape[1] ** 0.5).softmax(dim=0)
        return weights @ means
    return {
        "mean": means.mean(dim=0), "max": means.amax(dim=0), "tokens": joined.mean(dim=0),
        "weighted": counts @ means / counts.sum(),
    }[chunks]  # fmt: skip


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("chunks", COMBINING)
def test_a_loop_over_windows_gives_the_same(chunks, stride):
    pooling = windowed(chunks)
    found = vectors(pooling, DOCUMENTS, stride=stride)
    windows = by_hand(DOCUMENTS, stride=stride)
    assert max(map(len, windows)) > 3, "premise"
    expected = torch.stack([combined(chunks, each, stride=stride, pooling=pooling) for each in windows])
    assert torch.allclose(found, expected, atol=1e-5)


def test_tokens_are_pooled_like_one_long_text():
    """Of layers, special tokens and orders of tokens, too."""
    halves = {"layers": load_half("layers", "last4_concat"), "tokens": load_half("tokens", "position_weighted_mean")}
    halves["tokens"]["include_special"] = False
    pooling = make_pooling(
        halves | {"chunks": load_half("chunks", "tokens")}, num_layers=4, hidden_size=ENCODER.hidden_size
    )
    found = vectors(pooling, DOCUMENTS[1:3], stride=9)
    for row, document in enumerate(DOCUMENTS[1:3]):
        ids = TOKENIZER(document, truncation=True, max_length=16, stride=5, return_overflowing_tokens=True)["input_ids"]
        with torch.no_grad():
            layers = [ENCODER(torch.tensor([i]), torch.ones(1, len(i)), layers=(1, 2, 3, 4)).hidden for i in ids]
        states = torch.cat([torch.cat(each, dim=2)[0, 1 + 5 * (k > 0) : -1] for k, each in enumerate(layers)])
        assert len(states) == len(TOKENIZER(document)["input_ids"]) - 2, "premise: each token of the text once"
        places = torch.arange(2, len(states) + 2)  # [CLS] has the first, and is left out
        expected = (places[:, None] * states).sum(dim=0) / places.sum()
        assert torch.allclose(found[row], expected, atol=1e-5)


@pytest.mark.parametrize("packing", ["on", "off"])
@pytest.mark.parametrize("chunks", COMBINING)
def test_a_vector_does_not_depend_on_the_batch(chunks, packing):
    pooling, encoder = windowed(chunks), tiny(max_length=16, packing=packing).encoder.eval()
    together = vectors(pooling, DOCUMENTS, stride=9, encoder=encoder)
    alone = torch.cat([vectors(pooling, [document], stride=9, encoder=encoder) for document in DOCUMENTS])
    assert torch.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("preset", ["cls", "masked_mean", "max", "elmo", "bert_lstm"])
@pytest.mark.parametrize("chunks", COMBINING)
def test_one_window_is_no_chunking_to_the_bit(chunks, preset):
    fits = [DOCUMENTS[0], DOCUMENTS[3], "abc def"]
    pooling = windowed(chunks, preset)
    plain = make_pooling(load_preset(preset), num_layers=4, hidden_size=ENCODER.hidden_size).eval()
    plain.load_state_dict({k: v for k, v in pooling.state_dict().items() if not k.startswith("chunks.")})
    assert torch.equal(vectors(pooling, fits, stride=None), vectors(plain, fits, stride=None))


@pytest.mark.parametrize("chunks", [name for name in COMBINING if name != "tokens"])
def test_half_precision_is_summed_in_single(chunks):
    pooling = make_chunks(load_half("chunks", chunks), input_size=1).to(torch.bfloat16)
    many = torch.ones(1, 600, 1, dtype=torch.bfloat16)
    found = pooling(many, torch.ones(1, 600, dtype=torch.bool), torch.full((1, 600), 3))
    assert (found.dtype, found.item()) == (torch.bfloat16, 1.0)


@pytest.mark.parametrize("chunks", [name for name in COMBINING if name != "tokens"])
def test_what_stands_where_there_is_no_window_reaches_nothing(chunks):
    pooling = make_chunks(load_half("chunks", chunks), input_size=2)
    mask = torch.tensor([[True, True, False], [True, False, False]])
    tokens = torch.tensor([[4, 2, 9], [3, 9, 9]])
    results = []
    for fill in (float("nan"), 7.0):
        known = torch.arange(12.0).view(2, 3, 2).masked_fill(~mask[..., None], fill).requires_grad_()
        result = pooling(known, mask, tokens)
        (gradient,) = torch.autograd.grad(result.square().sum(), known)
        results.append(torch.cat([result.flatten(), gradient.flatten()]))
    assert torch.equal(results[0], results[1])
    assert results[0].isfinite().all()


@pytest.mark.parametrize("name", half_names("chunks"))
def test_each_says_what_it_is_and_has_a_name_of_its_own(name):
    pooling = make_chunks(load_half("chunks", name), input_size=8)
    assert formula(pooling)
    assert type(pooling).source
    assert "Reference:" in (type(pooling).__doc__ or "")
    found = pooling_name(load_preset("masked_mean") | {"chunks": load_half("chunks", name)})
    assert found == ("masked_mean" if name == "truncate" else f"masked_mean+{name}_chunks")


def test_windows_of_no_text_are_none():
    empty = Windows.of(torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64))
    assert empty.mask.shape == (0, 0)
    pooling = windowed("mean")
    hidden = (torch.zeros(0, 4, ENCODER.hidden_size),)
    assert pooling(hidden, torch.zeros(0, 4, dtype=torch.bool), PoolingContext()).shape == (0, ENCODER.hidden_size)
