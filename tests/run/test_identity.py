"""What changes a run's identity and what does not."""

from __future__ import annotations

import shutil

import pytest

from poolsweep.run.identity import run_id, variant_id


@pytest.fixture
def identity(compose, tiny_run):
    def of(*overrides: str, accelerator: str = "cpu") -> str:
        return run_id(compose(*tiny_run, *overrides), accelerator=accelerator)

    return of


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

    content = compose(*tiny_run)
    assert list(backwards(content)) != list(content)
    assert run_id(backwards(content), accelerator="cpu") == run_id(content, accelerator="cpu")


def test_accelerator_type_counts(identity):
    assert identity(accelerator="cuda") != identity(accelerator="cpu")


def test_data_files_count_by_content_not_by_path(identity, animals, tmp_path):
    moved = tmp_path / "elsewhere" / "renamed.csv"
    moved.parent.mkdir()
    shutil.copy(animals, moved)
    assert identity(f"data.train={moved}") == identity()
    with moved.open("a") as file:
        file.write("one more,cat\n")
    assert identity(f"data.train={moved}") != identity()


def test_variant_is_what_is_swept_beside_pooling_and_seed(compose, tiny_run):
    def of(*overrides: str, accelerator: str = "cpu") -> str:
        return variant_id(compose(*tiny_run, *overrides), accelerator=accelerator)

    same = ["seed=1", "pooling=cls", "data.num_workers=2", "study=x", "data.train=other.csv", "trainer.devices=[3]"]
    assert of(*same, "trainer.accelerator=auto") == of()
    swept = ["optimizer.lr=1e-3", "encoder.frozen=true", "data.batch_size=8", "data.effective_batch_size=64",
             "encoder.packing=off", "data.text=title", "data.validation_fraction=0.2", "trainer.devices=2"]  # fmt: skip
    assert len({of(), of(accelerator="cuda"), *map(of, swept)}) == len(swept) + 2
