"""Stored features equal live encoding, are made in one pass, and appear whole."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from poolsweep.build import build_pooling, load_data
from poolsweep.data.token_rows import TokenRows
from poolsweep.data.tokenise import tokenise
from poolsweep.encoder.tiny import tiny
from poolsweep.features import FeatureRequest, FeatureRows, FeatureStore, request_for
from poolsweep.pooling import Pooling, PoolingContext, TokenPooling
from poolsweep.pooling.layers.single import Single
from poolsweep.pooling.presets import load_preset


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
    return build_pooling(load_preset(name), loaded)


def request_of(name: str, loaded) -> FeatureRequest:
    return request_for(pooling_of(name, loaded), tokens_key=f"t-{name}", pooling_key=f"p-{name}", pooler_key="w")


@pytest.fixture
def loaded():
    return tiny(frozen=True)


@pytest.fixture
def store(animals, tmp_path, loaded) -> FeatureStore:
    splits, labels = load_data({"_target_": "poolsweep.data.sources.files.files", "train": str(animals)})
    rows = TokenRows(
        tokenise(splits.train, tokenizer=loaded.tokenizer, max_length=32),
        labels=labels.encode(splits.train.column("label")), pad_token_id=loaded.tokenizer.pad_token_id,
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
    "masked_mean": "vectors", "cls_last4_concat": "vectors", "max": "vectors", "last4_mean": "vectors",
    "pooler": "pooler", "learned": "states",
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_stored_features_equal_live_encoding(store, loaded, name: str):
    from poolsweep.classifier import Classifier

    request, pooling = request_of(name, loaded), pooling_of(name, loaded)
    assert request.kind == KINDS[name]
    store.ensure([request])
    rows = FeatureRows(store, request)
    indices = [40, 3, 17, 0]
    batch = rows.__getitems__(indices)
    classifier = Classifier(
        encoder=None, pooling=pooling, postprocess=torch.nn.Identity(), head=torch.nn.Identity(),
        loss=torch.nn.CrossEntropyLoss(), num_labels=3, make_optimizer=torch.optim.AdamW, make_scheduler=None,
    )  # fmt: skip
    with torch.no_grad():
        found = classifier.pool(batch)
    assert torch.allclose(found, live(store, pooling, indices), atol=1e-5)
    assert torch.equal(batch.labels, store.rows.labels[indices])
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
    assert sum(texts) == len(store.rows), "each text is encoded once"
    store.ensure(requests)
    assert sum(texts) == len(store.rows)


def test_progress_counts_every_text(store, loaded):
    seen = []
    store.ensure([request_of("masked_mean", loaded)], on_progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(store.rows), len(store.rows))


def test_threads_make_the_arrays_once(store, loaded, monkeypatch):
    passes = []
    write = FeatureStore._write

    def counted(self, requests, on_progress):
        passes.append(threading.get_ident())
        write(self, requests, on_progress)

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
    encode = FeatureStore._encode

    def dies(self, *args, **named):
        encode(self, *args, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FeatureStore, "_encode", dies)
        with pytest.raises(KeyboardInterrupt):
            store.ensure([request])
    assert not (store.folder / f"{request.arrays[0]}.npy").exists()
    (store.folder / f".{request.arrays[0]}.12345.npy").write_bytes(b"half")
    store.ensure([request])
    assert np.isfinite(store.array(request.arrays[0])).all()


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
