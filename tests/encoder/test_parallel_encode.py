"""Batches side by side: the states of one encoder, in order, with the threads given back."""

from __future__ import annotations

import threading

import pytest
import torch
from architectures import CONFIGS
from transformers import AutoModel

from poolsweep.encoder import Encoder
from poolsweep.encoder.cpu_kernels.linear import FastLinear
from poolsweep.encoder.parallel_encode import copies_of, parallel_encode, worker_count
from poolsweep.encoder.tiny import tiny


@pytest.fixture(autouse=True)
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    assert torch.get_num_threads() == 3, "premise: whoever took threads gave them back"
    torch.set_num_threads(before)


def batches_of(count: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randint(5, 40, (4, 3 + i % 7), generator=generator) for i in range(count)]


def states(encoder: Encoder, ids: torch.Tensor) -> tuple[torch.Tensor, ...]:
    with torch.inference_mode():
        output = encoder(ids, torch.ones_like(ids, dtype=torch.bool), layers=(0, 1, encoder.num_layers))
    return output.hidden


@pytest.mark.parametrize("packing", ["auto", "off"])
@pytest.mark.parametrize("family", CONFIGS)
def test_workers_give_what_one_encoder_gives_in_order(family: str, packing):
    torch.manual_seed(0)
    encoder = Encoder(AutoModel.from_config(CONFIGS[family]), name=family, frozen=True, packing=packing)
    assert len(copies_of(encoder, 3)) == 3
    items = batches_of(40)
    for item, found in parallel_encode(encoder, items, states):
        assert item is items[0]
        items = items[1:]
        for layer, expected in zip(found, states(encoder, item), strict=True):
            torch.testing.assert_close(layer, expected, atol=1e-6, rtol=1e-6)
    assert not items


def test_workers_run_at_once_each_with_an_encoder_of_its_own():
    together, seen = threading.Barrier(3, timeout=60), set()

    def encode(encoder: Encoder, item: int) -> int:
        together.wait()  # breaks unless three are at work
        seen.add(id(encoder))
        assert torch.get_num_threads() == 1
        return item

    assert [found for _, found in parallel_encode(tiny(frozen=True).encoder, range(6), encode)] == list(range(6))
    assert len(seen) == 3


def test_copies_share_weights_but_nothing_that_is_noted_while_running():
    encoder = tiny(frozen=True).encoder
    copied, _ = copies_of(encoder, 2)
    assert all(a is b for a, b in zip(encoder.parameters(), copied.parameters(), strict=True))
    assert all(a is b for a, b in zip(encoder.buffers(), copied.buffers(), strict=True))
    assert not {id(module) for module in encoder.modules()} & {id(module) for module in copied.modules()}
    assert copied._capture is not encoder._capture
    assert copied._capture._model is copied.model


def test_one_item_or_thread_takes_no_copies(monkeypatch):
    encoder, seen = tiny(frozen=True).encoder, []
    list(parallel_encode(encoder, [1], lambda mine, item: seen.append(mine)))
    torch.set_num_threads(1)
    list(parallel_encode(encoder, [1, 2], lambda mine, item: seen.append(mine)))
    torch.set_num_threads(3)
    assert all(mine is encoder for mine in seen)
    assert len(seen) == 3


def test_what_cannot_be_copied_has_one_worker():
    encoder = tiny(frozen=True).encoder
    encoder.model.lock = threading.Lock()  # type: ignore[assignment]
    assert copies_of(encoder, 2) == []
    assert [found for _, found in parallel_encode(encoder, [1, 2], lambda mine, item: mine)] == [encoder, encoder]


def test_an_error_ends_all_of_it():
    def fail(encoder: Encoder, item: int) -> int:
        if item == 5:
            raise ValueError("the fifth")
        return item

    with pytest.raises(ValueError, match="the fifth"):
        list(parallel_encode(tiny(frozen=True).encoder, range(1000), fail))


def test_whoever_stops_asking_leaves_nothing_running():
    done: list[int] = []
    encoded = parallel_encode(tiny(frozen=True).encoder, range(1000), lambda encoder, item: done.append(item))
    next(encoded)
    encoded.close()
    assert len(done) < 20
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("encode")]


@pytest.mark.parametrize("threads", range(1, 130))
def test_workers_use_almost_all_threads(threads: int):
    workers = worker_count(threads)
    assert 1 <= workers <= 16
    assert threads // workers * workers >= 0.9 * threads


def test_frozen_layers_of_copies_share_one_layout():
    layer = FastLinear(256, 256).requires_grad_(requires_grad=False)
    encoder = tiny(frozen=True).encoder
    encoder.model.add_module("extra", layer)
    copied, _ = copies_of(encoder, 2)
    assert copied.model.extra._prepacked is layer._prepacked
