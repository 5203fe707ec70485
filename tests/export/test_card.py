"""The model card of an export, and what is said and sent of it."""

from __future__ import annotations

import json
import os
import re
import uuid
from pathlib import Path

import pytest
import yaml
from huggingface_hub import HfApi, ModelCard

from poolsweep.cli import main
from poolsweep.errors import UserError
from poolsweep.export.card import plain
from poolsweep.export.push import Push, check_repo
from poolsweep.report.results import load_results

HOSTILE = "<script>alert(1)</script>\x1b[31m|`x`\n---\nlicense: mit"


@pytest.fixture(scope="module")
def exported(tmp_path_factory, write_csv, animal_rows) -> Path:
    """An export of a run whose data, study and labels have names that try to be more."""
    root = tmp_path_factory.mktemp("card")
    rows = [(text, HOSTILE if label == "cat" else label) for text, label in animal_rows]
    data = write_csv(root / "<b>a|b`.csv", rows)
    typed = ["encoder=tiny", "data=files", f"data.train='{data}'", "trainer.max_epochs=1", f"output_root={root}"]
    assert main(["train", "-m", *typed, "study=s", "pooling=masked_mean,cls", "seed=0,1"]) == 0
    run = next(result["run_id"] for result in load_results(root / "s") if result["pooling"] == "masked_mean")
    assert main(["export", str(root / "s" / run), "--to", "transformers", "--output", str(root / "x")]) == 0
    return root / "x"


def test_names_are_text_in_the_card(exported):
    text = (exported / "README.md").read_text(encoding="utf-8")
    assert not set(text) & {"\x1b", "\x00"}
    before, labels = text.split("## Labels\n\n")
    assert r"| 0 | &lt;script&gt;alert(1)&lt;/script&gt;\\x1b\[31m\|\`x\`\\n---\\nlicense\: mit |" in labels
    outside = "".join(part for i, part in enumerate(text.split("```")) if i % 2 == 0)
    assert re.search(r"(?<!\\)<", outside) is None, "a tag"
    card = ModelCard.load(exported / "README.md")
    assert card.data.to_dict() == yaml.safe_load(before.split("---")[1])
    assert (card.data.license, card.data.library_name) == (None, "transformers")


def test_the_card_says_what_the_model_is(exported):
    text = (exported / "README.md").read_text(encoding="utf-8")
    record = json.loads((exported / "poolsweep.json").read_text())
    fingerprint = f"fingerprint {record['run']['data_id']}"
    for said in ("32 dimensions", fingerprint, "| accuracy in % |", "95% interval", "cls",
                 "--to transformers", "proven by its probabilities", "pipeline(", "poolsweep train"):  # fmt: skip
        assert said in text, said
    assert "meow" not in text, "a text of the data"


def test_a_line_of_backticks_ends_no_block():
    from poolsweep.export.card import _fenced

    fence, _, end = _fenced("a ```` b", "")
    assert fence == end.strip() == "`````"
    assert plain("[a](javascript:x) <i>") == r"\[a\](javascript\:x) &lt;i&gt;"


def test_the_license_of_the_encoder_is_the_cards(trained, encoder_folder, tmp_path):
    folder = encoder_folder("roberta")
    (folder / "README.md").write_text("---\nlicense: cc-by-4.0\nbase_model: some/one\n---\n")
    runs = trained("cls", "encoder=hub", f"encoder.model={folder}", "data.max_length=30")
    assert main(["export", str(runs["cls"]), "--to", "transformers", "--output", str(tmp_path / "x")]) == 0
    data = ModelCard.load(tmp_path / "x" / "README.md").data
    assert (data.license, data.base_model) == ("cc-by-4.0", "some/one")


class StandIn:
    """What a push asks of the hub."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict]] = []

    def create_repo(self, repo_id, **given):
        self.calls.append(("create", {"repo_id": repo_id, **given}))

    def upload_folder(self, **given):
        self.calls.append(("upload", given))


@pytest.fixture
def hub(monkeypatch) -> StandIn:
    """No test of ours talks to the hub."""
    stand_in = StandIn()
    monkeypatch.setattr(Push.send, "__defaults__", (lambda: stand_in,))
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    return stand_in


def test_nothing_is_sent_before_it_is_typed(cli, exported, hub):
    done = cli("export", str(exported), "--push", "me/model")
    assert done.status == 0
    assert not hub.calls
    assert "model.safetensors" in done.out
    assert "https://huggingface.co/me/model (private if it is new)" in done.out
    assert "nothing was sent" in done.out
    assert cli(*done.out.splitlines()[-1].split("poolsweep ")[1].split()).status == 0
    (create, made), (upload, sent) = hub.calls
    assert (create, made) == ("create", {"repo_id": "me/model", "private": True, "exist_ok": True})
    assert (upload, sent["folder_path"]) == ("upload", str(exported))


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (["--push", "../evil"], "no repository's name"),
        (["--push", "model"], "whose it is: user/model"),
        (["--yes"], "--yes goes with --push"),
        (["--to", "onnx"], "--output FOLDER is missing"),
    ],
)
def test_what_cannot_be_sent_is_refused(cli, exported, hub, typed, why):
    done = cli("export", str(exported), *typed)
    assert done.status == 2
    assert why in done.err
    assert not hub.calls


def test_only_exports_are_sent(cli, tmp_path, hub):
    (tmp_path / "secret").write_text("x")
    done = cli("export", str(tmp_path), "--push", "me/model", "--yes")
    assert done.status == 2
    assert "is no export" in done.err
    assert not hub.calls


def test_offline_is_offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match="HF_HUB_OFFLINE is set"):
        check_repo("me/model")


def test_a_refusal_of_the_hub_is_one_line(exported):
    class Refusing(StandIn):
        def create_repo(self, repo_id, **given):
            raise OSError("no token\nmore")

    with pytest.raises(UserError, match="did not take it: no token; hf auth login"):
        Push(exported, "me/model").send(Refusing)


@pytest.mark.network
def test_an_export_is_sent_to_the_hub(exported):
    token = os.environ.get("HF_TOKEN")
    if token is None:
        pytest.skip("needs HF_TOKEN, a token that may write")
    api = HfApi(token=token)
    repo = f"{api.whoami()['name']}/poolsweep-test-{uuid.uuid4().hex[:8]}"
    try:
        Push(exported, repo).send(lambda: api)
        assert "README.md" in api.list_repo_files(repo)
        assert api.repo_info(repo).private
    finally:
        api.delete_repo(repo, missing_ok=True)
