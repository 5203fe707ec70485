"""What changes a run's identity and what does not."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from poolsweep.config import Node, RunConfig
from poolsweep.encoder.tiny import tiny
from poolsweep.runs.identity import encoder_identity, run_id, setting_id
from poolsweep.training.sources import data_content


@pytest.fixture
def identity(compose, tiny_run):
    def of(*overrides: str) -> str:
        return id_of(compose(*tiny_run, *overrides))

    return of


def id_of(config: RunConfig) -> str:
    return run_id(config, data=data_content(config.data, trusted=()))


SAME = {
    "output root": ["output_root=/somewhere/else"],
    "study": ["study=other"],
    "logger": ["logger=wandb", "logger.wandb.project=p"],
    "workers": ["data.num_workers=3"],
    "logging interval": ["trainer.log_every_n_steps=1"],
    "trusted packages": ["trusted=[mine]"],
    "display name of the data": ["data.name=nice"],
    "spelling of precision": ["trainer.precision=32-true"],
    "accelerator that resolves to the same": ["trainer.accelerator=auto"],
    "the preset by its halves": ["pooling/layers=last", "pooling/tokens=mean"],
    "spelling of devices": ["trainer.devices='1'"],
    "which GPU": ["trainer.devices=[3]"],
    "order of overrides": ["seed=0", "pooling=masked_mean"],
}
DIFFERENT = {
    "seed": ["seed=1"],
    "init seed": ["init_seed=1"],
    "data seed": ["data_seed=1"],
    "pooling": ["pooling=cls"],
    "learning rate": ["optimizer.lr=1e-4"],
    "frozen": ["encoder.frozen=true"],
    "batch size": ["data.batch_size=8"],
    "evaluation batch size": ["data.eval_batch_size=8"],
    "max length": ["data.max_length=64"],
    "split seed": ["data.split_seed=1"],
    "precision": ["trainer.precision=bf16-mixed"],
    "devices": ["trainer.devices=2"],
    "epochs": ["trainer.max_epochs=3"],
    "monitor": ["monitor=val/mcc"],
    "label column": ["data.label=other"],
}


@pytest.mark.parametrize("what", SAME)
def test_stays(identity, what: str):
    assert identity(*SAME[what]) == identity()


def test_changes(identity):
    found = {what: identity(*overrides) for what, overrides in DIFFERENT.items()} | {"none": identity()}
    assert len(set(found.values())) == len(DIFFERENT) + 1


def test_overrides_in_any_order(identity):
    assert identity("seed=3", "pooling=cls", "optimizer.lr=1e-3") == identity(
        "optimizer.lr=1e-3", "pooling=cls", "seed=3"
    )


def test_key_order(compose, tiny_run):
    def backwards(node):
        return {key: backwards(node[key]) for key in reversed(node)} if isinstance(node, dict) else node

    config = compose(*tiny_run)
    turned = RunConfig.of(backwards(config.content.plain()))
    assert list(turned.content) != list(config.content)
    assert id_of(turned) == id_of(config)


def test_accelerator_type_counts(identity):
    assert identity("trainer.accelerator=cuda") != identity("trainer.accelerator=cpu")


def test_data_files_count_by_content_not_by_path(identity, animals, tmp_path):
    moved = tmp_path / "elsewhere" / "renamed.csv"
    moved.parent.mkdir()
    shutil.copy(animals, moved)
    assert identity(f"data.train={moved}") == identity()
    with moved.open("a") as file:
        file.write("one more,cat\n")
    assert identity(f"data.train={moved}") != identity()


def test_setting_is_what_is_swept_beside_pooling_and_seed(compose, tiny_run):
    def of(*overrides: str) -> str:
        return setting_id(compose(*tiny_run, *overrides))

    same = ["seed=1", "pooling=cls", "data.num_workers=2", "study=x", "data.train=other.csv", "trainer.devices=[3]"]
    assert of(*same, "trainer.accelerator=auto") == of()
    swept = ["optimizer.lr=1e-3", "encoder.frozen=true", "data.batch_size=8", "data.effective_batch_size=64",
             "encoder.packing=off", "data.text=title", "data.validation_fraction=0.2", "trainer.devices=2"]  # fmt: skip
    assert len({of(), of("trainer.accelerator=cuda"), *map(of, swept)}) == len(swept) + 2


@pytest.fixture
def folders(tmp_path):
    """Two checkpoints of one name, with other weights."""
    found = []
    for name, seed in (("runA", 0), ("runB", 1)):
        folder = tmp_path / name / "checkpoint-500"
        loaded = tiny(hidden_size=8, num_layers=1, weights_seed=seed)
        loaded.encoder.model.save_pretrained(folder)
        loaded.tokenizer.save_pretrained(folder)
        found.append(folder)
    return found


def node(folder: Path, **options: object) -> Node:
    named = {"_target_": "poolsweep.encoder.hub.hub", "model": str(folder), "name": None, "revision": None}
    return Node(named | options)


def test_an_encoder_counts_by_all_that_can_change_what_it_gives(folders):
    folder = folders[0]

    def told(**options: object) -> str:
        return encoder_identity(node(folder, **options))["encoder_id"]

    seen = [told()]
    for name in ("spiece.model", "vocab.bpe", "config.json", "model.safetensors"):
        with (folder / name).open("ab") as file:
            file.write(b" ")
        assert told() not in seen, name
        seen.append(told())
    index = {"weight_map": {"a": "shards/1.safetensors"}}
    (folder / "shards").mkdir()
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    seen.append(told())
    (folder / "shards" / "1.safetensors").write_bytes(b"x")
    assert told() not in seen, "a shard in a folder of its own"
    before, before_with_code = told(), told(trust_remote_code=True)
    for name in ("README.md", "optimizer.pt", "pytorch_model.bin", ".gitattributes", "trainer_state.json"):
        (folder / name).write_bytes(b"x")
    (folder / "shards" / "modeling.py").write_text("x = 1")
    assert told() == before, "nothing of these is read"
    assert told(trust_remote_code=True) != before_with_code, "code may read any of them"


def test_a_file_that_is_replaced_under_its_old_time_is_another(folders, identity):
    first, second = folders
    of = [f"encoder.model={first}", "encoder=hub"]
    before = identity(*of)
    for path in second.iterdir():
        times = (first / path.name).stat()
        assert path.stat().st_size == times.st_size, "premise: nothing but the content differs"
        shutil.copy(path, first / path.name)
        os.utime(first / path.name, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert identity(*of) != before
    assert identity(f"encoder.model={second}", "encoder=hub") == identity(*of), "wherever it lies"


def test_models_of_the_hub_are_told_apart_by_name_and_revision():
    nodes = [Node({"model": model, "revision": r}) for model in ("a/b", "c/b") for r in "12"]
    ids = [encoder_identity(node)["encoder_id"] for node in nodes]
    assert len(set(ids)) == 4
    assert encoder_identity(Node({"model": "a/b", "revision": "v1"}))["encoder_place"] == ["a/b@v1"]
    assert encoder_identity(Node({"hidden_size": 8}))["encoder_id"] is None
