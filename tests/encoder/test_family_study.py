"""One command over encoders of all kinds: what cannot be is skipped and named, and everything else is trained."""

from __future__ import annotations

import json

import pytest
from family_folders import save_family

KINDS = ("llama", "t5", "xlnet", "modernbert", "bert")
POOLINGS = ("last", "cls", "sgpt", "echo", "promptbert")
IMPOSSIBLE = {("llama", "cls"), ("llama", "promptbert"), ("t5", "promptbert")}


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("families")
    return {kind: str(save_family(root / kind, kind)) for kind in KINDS}


def test_a_study_over_families_and_poolings(cli, tiny_run, outputs, folders):
    given = [o for o in tiny_run if not o.startswith(("encoder", "trainer.max_epochs", "data.max_length"))]
    typed = ["encoder=hub", f"encoder.model={','.join(folders.values())}", f"pooling={','.join(POOLINGS)}"]
    frozen = ["encoder.frozen=true", "trainer=probe", "data.max_length=80"]
    done = cli("train", "-m", *given, *typed, *frozen)
    assert done.status == 0, done.err
    results = [json.loads(path.read_text()) for path in outputs.glob("default/*/result.json")]
    pairs = [(result["encoder"], result["pooling"]) for result in results]
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == {(kind, pooling) for kind in KINDS for pooling in POOLINGS} - IMPOSSIBLE
    told = done.err + done.out
    assert "skipped, since they cannot be: " in told
    assert "pooling=cls reads the first token, which in llama, a causal model, has seen nothing of the text" in told
    for kind, pooling in IMPOSSIBLE:
        assert f"encoder.model={folders[kind]} pooling={pooling}" in told
    assert "xlnet has [CLS] behind a text; it is read there" in told


def test_a_template_that_leaves_no_room_is_refused_before_any_run(cli, tiny_run, folders, no_new_files):
    given = [o for o in tiny_run if not o.startswith(("encoder", "data.max_length"))]
    refused = cli(
        "train", *given, "encoder=hub", f"encoder.model={folders['llama']}", "pooling=echo", "data.max_length=40"
    )
    assert refused.status == 2
    [problem] = refused.problems
    assert problem.startswith("data.max_length must be above the template's own ")


def test_a_decoder_that_reads_both_ways_is_trained_read_back_and_not_exported(
    cli, tiny_run, outputs, tmp_path, folders
):
    given = [o for o in tiny_run if not o.startswith(("encoder", "trainer.max_epochs", "data.max_length"))]
    typed = ["encoder=hub", f"encoder.model={folders['llama']}", "encoder.bidirectional=true", "data.max_length=80"]
    done = cli("train", *given, *typed, "pooling=prompt_eol", "trainer.max_epochs=1")
    assert done.status == 0, done.err
    [result] = outputs.glob("default/*/result.json")
    recorded = json.loads(result.read_text())["metrics"]["test/accuracy"]
    test = next(o.split("=", 1)[1] for o in given if o.startswith("data.train="))
    assert cli("predict", str(result.parent), "--input", test, "--output", str(tmp_path / "p.csv")).status == 0
    assert recorded is not None
    refused = cli("export", str(result.parent), "--to", "torch", "--output", str(tmp_path / "out"))
    assert refused.status == 2
    assert "encoder.bidirectional=true is a change that no config of transformers keeps" in refused.problems[0]
    assert not (tmp_path / "out").exists()
