"""Stored features equal live encoding, are made in one pass, and appear whole."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock
from read_files import read_files

from poolsweep.config import Node
from poolsweep.data.reading import Reading
from poolsweep.data.token_rows import TokenRows
from poolsweep.data.tokenise import tokenise
from poolsweep.encoder.tiny import tiny
from poolsweep.errors import UserError
from poolsweep.features import FeatureRequest, FeatureStore, arrays, encoder_pass, request_for
from poolsweep.features.requests import LayerVectors, PooledVectors, PoolerFeatures, TokenStates
from poolsweep.model.split_metrics import SplitMetrics
from poolsweep.pooling import Pooling, PoolingContext, TokenPooling
from poolsweep.pooling.layers.single import Single
from poolsweep.pooling.presets import load_half, load_preset
from poolsweep.tasks import Classification
from poolsweep.tasks.labels import Labels
from poolsweep.training.pooling import build_pooling


class Learned(TokenPooling):
    """A pooling with parameters, so that token states are stored."""

    def __init__(self, *, input_size: int) -> None:
        super().__init__(input_size=input_size)
        self.score = torch.nn.Linear(input_size, 1)

    def forward(self, hidden, mask, context):
        weights = self.score(hidden)[..., 0].masked_fill(~mask, torch.finfo(hidden.dtype).min).softmax(dim=1)
        return (weights[..., None] * hidden).sum(dim=1)


def pooling_of(name: str, loaded) -> Pooling:
    if name == "learned":
        torch.manual_seed(0)
        return Pooling(layers=Single(index=-2, num_layers=4, hidden_size=32), tokens=Learned(input_size=32))
    if name == "max of a mean":
        halves = {"layers": load_half("layers", "all_mean"), "tokens": load_half("tokens", "max")}
        return build_pooling(Node(halves), loaded)
    return build_pooling(Node(load_preset(name)), loaded)


def request_of(name: str, loaded) -> FeatureRequest:
    return request_for(pooling_of(name, loaded), tokens_key=f"t-{name}", pooling_key=f"p-{name}", pooler_key="w")


@pytest.fixture
def loaded():
    return tiny(frozen=True)


@pytest.fixture
def store(animals, tmp_path, loaded) -> FeatureStore:
    splits, labels = read_files(animals)
    rows = TokenRows(
        tokenise(splits.train, tokenizer=loaded.tokenizer, reading=Reading(32)),
        targets=labels.encode(splits.train.column("label")), pad_token_id=loaded.tokenizer.pad_token_id,
    )  # fmt: skip
    return FeatureStore(tmp_path / "store", rows, loaded.encoder, torch.device("cpu"), "32-true")


def live(store: FeatureStore, pooling: Pooling, indices: list[int]) -> torch.Tensor:
    batch = store.rows.__getitems__(indices)
    with torch.no_grad():
        output = store.encoder(
            batch.input_ids, batch.mask, batch.token_type_ids, layers=pooling.layers_needed,
            context=pooling.context_needed,
        )  # fmt: skip
        return pooling(output.hidden, batch.mask, PoolingContext(pooler_output=output.pooler_output))


KINDS = {
    "masked_mean": LayerVectors, "cls_last4_concat": LayerVectors, "max": LayerVectors, "last4_mean": LayerVectors,
    "pooler": PoolerFeatures, "learned": TokenStates, "max of a mean": PooledVectors,
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_stored_features_equal_live_encoding(store, loaded, name: str):
    from poolsweep.model.classifier import Classifier

    request, pooling = request_of(name, loaded), pooling_of(name, loaded)
    assert type(request) is KINDS[name]
    store.ensure([request])
    rows = store.read(request)
    indices = [40, 3, 17, 0]
    batch = rows.__getitems__(indices)
    classifier = Classifier(
        encoder=None, features=request, pooling=pooling, postprocess=torch.nn.Identity(), head=torch.nn.Identity(),
        loss=torch.nn.CrossEntropyLoss(), for_loss=lambda logits, targets: (logits, targets),
        metrics=partial(SplitMetrics, Classification(), Labels(("a", "b")), ()),
    )  # fmt: skip
    with torch.no_grad():
        found = classifier.pool(batch)
    assert torch.allclose(found, live(store, pooling, indices), atol=1e-5)
    assert torch.equal(batch.targets, store.rows.targets[indices])
    assert torch.equal(batch.row_ids, store.rows.row_ids[indices])


def test_one_pass_serves_several_poolings_and_a_second_asks_nothing(store, loaded, monkeypatch):
    texts = []
    forward = type(store.encoder).forward
    monkeypatch.setattr(
        type(store.encoder), "forward",
        lambda self, ids, *rest, **named: texts.append(len(ids)) or forward(self, ids, *rest, **named),
    )  # fmt: skip
    requests = [request_of(name, loaded) for name in KINDS]
    store.ensure(requests)
    assert sum(texts) == len(store.rows) + 1, "each text is encoded once, and one more to learn the shapes"
    store.ensure(requests)
    assert sum(texts) == len(store.rows) + 1


def test_batches_side_by_side_store_what_one_after_the_other_does(store, loaded, monkeypatch):
    monkeypatch.setattr(encoder_pass, "_TOKENS_ON_CPU", 64)
    requests = [request_of(name, loaded) for name in KINDS]
    alone = replace(store, folder=store.folder.with_name("alone"))
    workers, forward, threads = set(), type(store.encoder).forward, torch.get_num_threads()
    monkeypatch.setattr(
        type(store.encoder), "forward",
        lambda *given, **named: workers.add(threading.current_thread().name) or forward(*given, **named),
    )  # fmt: skip
    try:
        for count, each in ((3, store), (1, alone)):
            torch.set_num_threads(count)
            each.ensure(requests)
    finally:
        torch.set_num_threads(threads)
    assert {"encode_0", "encode_1"} <= workers, "premise: several are at work"
    for name in {name for request in requests for name in request.arrays}:
        np.testing.assert_allclose(store.array(name), alone.array(name), atol=1e-6)


def test_progress_counts_every_text(store, loaded):
    seen = []
    store.ensure([request_of("masked_mean", loaded)], on_progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(store.rows), len(store.rows))


def test_threads_make_the_arrays_once(store, loaded, monkeypatch):
    passes = []
    write = FeatureStore._write

    def counted(self, *arguments):
        passes.append(threading.get_ident())
        write(self, *arguments)

    monkeypatch.setattr(FeatureStore, "_write", counted)
    request = request_of("masked_mean", loaded)
    threads = [threading.Thread(target=store.ensure, args=([request],)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passes) == 1
    assert store.array(request.arrays[0]).shape == (len(store.rows), 5, 32)


def test_a_pass_that_dies_leaves_nothing_that_is_read(store, loaded, monkeypatch):
    request = request_of("masked_mean", loaded)
    compute, calls = LayerVectors.compute, []

    def dies(*args, **named):
        calls.append(1)
        if len(calls) > 1:  # the first learns the shapes
            raise KeyboardInterrupt
        return compute(*args, **named)

    with monkeypatch.context() as patch:
        patch.setattr(LayerVectors, "compute", dies)
        with pytest.raises(KeyboardInterrupt):
            store.ensure([request])
    assert not (store.folder / f"{request.arrays[0]}.npy").exists()
    leftover = store.folder / f".{request.arrays[0]}.12345.npy"
    leftover.write_bytes(b"half")
    store.ensure([request])
    assert np.isfinite(store.array(request.arrays[0])).all()
    assert not leftover.exists()


def test_what_a_killed_process_left_goes_at_the_next_visit(store, loaded):
    request = request_of("masked_mean", loaded)
    store.ensure([request])
    left = [store.folder / name for name in (".vectors-x.12345.npy", ".vectors-x.json.12345")]
    for path in left:
        path.write_bytes(b"half")
    with FileLock(store.folder / ".lock"):
        store.ensure([request])
        assert all(path.exists() for path in left), "their process may be at work"
    store.ensure([request])
    assert not any(path.exists() for path in left)
    assert store.array(request.arrays[0]).shape == (len(store.rows), 5, 32)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "suffix"), [(cut, ".npy"), (flip, ".npy"), (Path.unlink, ".npy"), (cut, ".json"), (Path.unlink, ".json")]
)
def test_damaged_arrays_are_made_again(store, loaded, damage, suffix: str, caplog):
    request = request_of("learned", loaded)
    store.ensure([request])
    name = request.arrays[-1]
    before = np.array(store.array(name))
    damage(store.folder / f"{name}{suffix}")
    store.ensure([request])
    assert np.array_equal(store.array(name), before)
    assert ("damaged" in caplog.text) == (damage is not Path.unlink or suffix == ".json")


def test_a_limit_is_checked_before_anything_is_written(store, loaded):
    mean, cls = request_of("masked_mean", loaded), request_of("cls_last4_concat", loaded)
    one = 4 * len(store.rows) * 5 * 32 / 2**30
    small = replace(store, max_gib=0.9 * one)
    with pytest.raises(UserError, match=r"features\.max_gib=.*features of store take .* raise it, or remove"):
        small.ensure([mean])
    assert not list(store.folder.glob("*.npy"))
    replace(store, max_gib=1.5 * one).ensure([mean], alongside=lambda: [cls])
    assert [path.name for path in store.folder.glob("vectors*.npy")] == [f"{mean.arrays[0]}.npy"], "no room for more"
    with pytest.raises(UserError, match=r"features\.max_gib"):
        replace(store, max_gib=1.5 * one).ensure([cls])
    replace(store, max_gib=2.5 * one).ensure([cls])


def test_where_not_all_has_room_token_states_are_left_out_first(store, loaded):
    mean, cls, learned = (request_of(name, loaded) for name in ("masked_mean", "cls_last4_concat", "learned"))
    one = 4 * len(store.rows) * 5 * 32 / 2**30
    replace(store, max_gib=2.1 * one).ensure([mean], alongside=lambda: [learned, cls])
    assert {path.stem for path in store.folder.glob("*.npy")} - {"lengths"} == {*mean.arrays, *cls.arrays}


def test_a_disk_without_room_is_reported_before_the_pass(store, loaded, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000})())
    with pytest.raises(UserError, match=r"take 0\.0 GiB, and .* has 0\.0 free"):
        store.ensure([request_of("masked_mean", loaded)])


def test_of_large_files_blocks_are_compared(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "_WHOLE_UP_TO", 1000)
    monkeypatch.setattr(arrays, "_BLOCKS", 10)
    monkeypatch.setattr(arrays, "_BLOCK", 100)
    path = tmp_path / "large"
    path.write_bytes(bytes(10_000))
    before = arrays._hash(str(path))
    path.write_bytes(bytes(5_050) + b"x" + bytes(4_949))
    assert arrays._hash(str(path)) != before
    path.write_bytes(bytes(5_500) + b"x" + bytes(4_499))
    assert arrays._hash(str(path)) == before, "premise: between the blocks nothing is read"


def test_two_processes_share_a_store(animals, tmp_path):
    arguments = [
        sys.executable, "-m", "poolsweep", "train", "encoder=tiny", "encoder.frozen=true", "data=files",
        f"data.train={animals}", "trainer.max_epochs=1", "trainer.accelerator=cpu", f"output_root={tmp_path}/shared",
    ]  # fmt: skip
    started = [
        subprocess.Popen([*arguments, f"seed={seed}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for seed in (0, 1)
    ]
    for process in started:
        _, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
    assert len(list(Path(tmp_path).glob("shared/default/*/result.json"))) == 2
    assert len(list(Path(tmp_path).glob("shared/.features/*/"))) == 3
    assert not list(Path(tmp_path).glob("shared/.features/*/.*.npy")), "no temporary file stays"
