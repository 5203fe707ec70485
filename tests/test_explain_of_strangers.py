"""A run folder of a stranger is read, and nothing in it is run unless the reader says so by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from poolsweep.cli import main
from poolsweep.config import Node
from poolsweep.encoder.tiny import tiny
from poolsweep.runs.identity import encoder_identity
from poolsweep.runs.records import fingerprints, write_result

CODE = """
from pathlib import Path
from transformers import BertConfig, BertModel
Path({canary!r}).touch()
class StrangeConfig(BertConfig):
    model_type = "strange"
class StrangeModel(BertModel):
    config_class = StrangeConfig
"""


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "canary"


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A finished run whose encoder is a folder."""
    root = tmp_path_factory.mktemp("stranger")
    loaded = tiny(hidden_size=8, num_layers=1)
    loaded.encoder.model.save_pretrained(root / "plain")
    loaded.tokenizer.save_pretrained(root / "plain")
    rows = [f"{word} {i},{label}" for i in range(12) for word, label in (("good", "yes"), ("bad", "no"))]
    (root / "train.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    typed = ["encoder=hub", f"encoder.model={root / 'plain'}", "encoder.frozen=true", "trainer=probe", "data=files"]
    assert main(["train", *typed, f"data.train={root / 'train.csv'}", f"output_root={root}"]) == 0
    [result] = root.glob("default/*/result.json")
    return result.parent


@pytest.fixture
def strange(finished: Path, tmp_path: Path, canary: Path) -> Path:
    """Its encoder, in a folder that carries code of its own."""
    folder = tmp_path / "strange"
    shutil.copytree(finished.parents[1] / "plain", folder)
    (folder / "strange.py").write_text(CODE.format(canary=str(canary)))
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "strange", "architectures": ["StrangeModel"]}
    config["auto_map"] = {"AutoConfig": "strange.StrangeConfig", "AutoModel": "strange.StrangeModel"}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture
def run(finished: Path, strange: Path, tmp_path: Path) -> Path:
    """The run as if its author had used and trusted that code."""
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    change(folder, "encoder.model", str(strange))
    change(folder, "encoder.trust_remote_code", True)
    return folder


def change(run: Path, place: str, value: object) -> None:
    """Set a key of the stored config."""
    path = run / "config.yaml"
    config = yaml.safe_load(path.read_text())
    *parents, last = place.split(".")
    node = config
    for key in parents:
        node = node[key]
    node[last] = value
    facts = encoder_identity(Node(config["encoder"])) if isinstance(config["encoder"]["model"], str) else {}
    rewrite(run, yaml.safe_dump(config), **facts)


def rewrite(run: Path, config: str, **facts: object) -> None:
    """Another stored config, and a record that vouches for it: whoever makes a folder makes both."""
    (run / "config.yaml").write_text(config)
    record = json.loads((run / "result.json").read_text())
    write_result(run, record | facts | {"files": fingerprints(run)})


def test_stored_trust_does_not_count(cli, run, canary):
    refused = cli("explain", str(run), "--text", "a")
    assert refused.status == 2
    assert "look at that code, then run it with --trust-remote-code" in refused.err
    for lie in (False, "false", None, 0):
        change(run, "encoder.trust_remote_code", lie)
        refused = cli("explain", str(run), "--text", "a")
        assert refused.status == 2, lie
    assert not canary.exists()
    change(run, "encoder.trust_remote_code", True)
    done = cli("explain", str(run), "--text", "a", "--trust-remote-code")
    assert done.status == 0, done.err
    assert canary.exists(), "by name, it is run"


@pytest.mark.parametrize("place", ["encoder.model", "loss.weight", "head.dropout", "pooling.tokens.template"])
def test_a_string_that_becomes_a_class_to_call_is_refused(cli, run, canary, place: str):
    change(run, "encoder.trust_remote_code", False)
    change(run, place, f"${{oc.create:{{_target_:os.mkdir,_args_:[{canary}]}}}}")
    refused = cli("explain", str(run), "--text", "a")
    assert refused.status == 2
    assert f"{place} must not hold ${{…}}" in refused.err
    assert not canary.exists()


def test_stored_trust_in_packages_does_not_count(cli, run, canary, tmp_path, monkeypatch):
    (tmp_path / "stranger.py").write_text(f"import pathlib\npathlib.Path({str(canary)!r}).touch()\n")
    monkeypatch.chdir(tmp_path)
    change(run, "trusted", ["stranger"])
    change(run, "encoder.trust_remote_code", False)
    change(run, "pooling.tokens._target_", "stranger.Pooling")
    assert cli("explain", str(run), "--text", "a").status == 2
    assert not canary.exists()


def test_attention_that_is_fetched_as_code_is_refused(cli, tiny_run, strange, canary):
    typed = [*tiny_run[1:], "encoder=hub", f"encoder.model={strange}", "encoder.attention=stranger/kernel"]
    refused = cli("train", *typed)
    assert refused.status == 2
    assert "encoder.attention=stranger/kernel is code from the hub; encoder.trust_remote_code=true" in refused.err
    assert not canary.exists()


@pytest.mark.parametrize("content", ["", "[1, 2]", "encoder: x", "\x00", "a: [", "encoder: {}\ntrainer: {}"])
def test_a_config_that_is_none_is_refused_in_a_line(cli, run, content: str):
    rewrite(run, content)
    refused = cli("explain", str(run), "--text", "a")
    assert refused.status == 2
    assert str(run / "config.yaml") in refused.err
    assert len(refused.err.splitlines()) == 1
