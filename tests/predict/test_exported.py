"""An export may be a stranger's: poolsweep builds it of its own code, and refuses what would run or reach elsewhere."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from poolsweep.cli import main
from poolsweep.errors import UserError
from poolsweep.export import command, proof
from poolsweep.export.format import Wanted
from poolsweep.predict.load import load_model


@pytest.fixture(scope="module")
def exported(tmp_path_factory, tiny_run) -> Path:
    """An export that no test changes."""
    root = tmp_path_factory.mktemp("exports")
    typed = ["encoder.frozen=true", "trainer=probe", "pooling=last4_concat", f"output_root={root}", "study=s"]
    assert main(["train", *tiny_run[:3], *typed]) == 0
    [result] = root.glob("s/*/result.json")
    with pytest.MonkeyPatch.context() as patch:  # what the proof is, other tests say
        patch.setattr(command, "prove", lambda *_: proof.Proof(1, "test rows", "probabilities", 0.0, 1.0, exact=True))
        command.export_run(result.parent, to="transformers", output=root / "exported", wanted=Wanted())
    return root / "exported"


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(exported, tmp_path / "exported"))


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "canary"


def record(folder: Path, change: Callable[[dict], object]) -> None:
    content = json.loads((folder / "poolsweep.json").read_text())
    change(content)
    (folder / "poolsweep.json").write_text(json.dumps(content))


def test_code_of_the_folder_is_not_run(folder, canary):
    for path in [*folder.glob("*.py"), folder / "tokenization_evil.py"]:
        path.write_text(f"open({str(canary)!r}, 'w')\nclass Evil: pass\n")
    for name in ("config.json", "tokenizer_config.json"):
        content = json.loads((folder / name).read_text())
        content["auto_map"] = {
            "AutoTokenizer": ["tokenization_evil.Evil", None],
            "AutoConfig": "tokenization_evil.Evil",
        }
        (folder / name).write_text(json.dumps(content))
    record(folder, lambda content: content["encoder"].update(auto_map={"AutoModel": "modeling_poolsweep.Evil"}))
    assert load_model(folder, device="cpu").predict(["meow"]).values.shape == (1, 3)
    assert not canary.exists()


def _system(content: dict) -> None:
    content["pooling"]["tokens"] = {"_target_": "os.system", "command": "touch canary"}


def _nested(content: dict) -> None:
    content["pooling"]["tokens"]["inside"] = {"_target_": "os.system", "command": "touch canary"}


def _resolver(content: dict) -> None:
    content["pooling"]["tokens"]["input_size"] = "${oc.env:HOME}"


def _outside(content: dict) -> None:
    content["weights"][0]["file"] = "../outside/model.safetensors"


def _absolute(content: dict) -> None:
    content["weights"][0]["file"] = "/etc/passwd"


def _pickle(content: dict) -> None:
    content["weights"][0]["file"] = "model.bin"


def _no_safetensors(content: dict) -> None:
    content["weights"][0]["file"] = "pickle.safetensors"


def _deep(content: dict) -> None:
    content["encoder"]["num_hidden_layers"] = 10**9


def _wide(content: dict) -> None:
    content["encoder"]["vocab_size"] = 10**12


def _code(content: dict) -> None:
    content["encoder"]["model_type"] = "poolsweep"


def _other_part(content: dict) -> None:
    content["weights"][0]["part"] = "__class__."


def _no_labels(content: dict) -> None:
    content["contract"] = {"cat": 0, "dog": 0, "owl": 2}


def _odd_type(content: dict) -> None:
    content["max_length"] = "long"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_system, "os.system is refused"),
        (_nested, "inside"),
        (_resolver, "must not hold"),
        (_outside, "no safetensors file in its folder"),
        (_absolute, "no safetensors file in its folder"),
        (_pickle, "no safetensors file in its folder"),
        (_no_safetensors, "cannot be read"),
        (_deep, "more than any"),
        (_wide, "not those of the encoder"),
        (_code, "transformers has no model for"),
        (_other_part, "no part of a model"),
        (_no_labels, "once each"),
        (_odd_type, "max_length"),
        (lambda content: content.clear(), "no record of an export"),
        (lambda content: content.update(schema_version=99), "another version"),
        (lambda content: content.update(task={"name": "os"}), "task.name=os is none"),
        (lambda content: content["task"].update(width=3), "no key task.width"),
    ],
)
def test_a_strange_record_is_refused_in_a_line(folder, tmp_path, monkeypatch, change, why: str):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outside").mkdir()
    shutil.copy(folder / "model.safetensors", tmp_path / "outside")
    for name in ("model.bin", "pickle.safetensors"):
        (folder / name).write_bytes(pickle.dumps({"a": 1}))
    record(folder, change)
    with pytest.raises(UserError, match=why) as refused:
        load_model(folder, device="cpu")
    assert len(str(refused.value).splitlines()) == 1
    assert not (tmp_path / "canary").exists()


def test_a_link_out_of_the_folder_is_refused(folder, tmp_path):
    (folder / "model.safetensors").rename(tmp_path / "elsewhere.safetensors")
    (folder / "model.safetensors").symlink_to(tmp_path / "elsewhere.safetensors")
    with pytest.raises(UserError, match="no safetensors file in its folder"):
        load_model(folder, device="cpu")


def test_weights_that_do_not_fit_are_refused(folder):
    state = load_file(folder / "model.safetensors")
    for name in ("encoder.embeddings.word_embeddings.weight", "head.weight"):
        save_file({key: value for key, value in state.items() if key != name}, folder / "model.safetensors")
        with pytest.raises(UserError, match=name.partition(".")[2]):
            load_model(folder, device="cpu")
