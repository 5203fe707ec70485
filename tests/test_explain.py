"""What ``poolsweep explain`` shows, against what is known of the pooling."""

from __future__ import annotations

import io

import pyarrow.parquet as pq
import pytest
import torch

from poolsweep.cli import main
from poolsweep.explain import Explanation, explain, print_explanation, write_page
from poolsweep.report.results import load_results
from poolsweep.terminal.console import Console
from poolsweep.training.load import load_run

PAIRS = (("good", "fine", "yes"), ("bad", "fine", "no"))
ROWS = [(f"{word} {i}", label) for i in range(12) for word, label in (("good", "yes"), ("bad", "no"))]
HOSTILE = "what is <script>alert(1)</script> ?"


def test_a_run_that_had_to_be_packed_shows_its_attention(cli, tiny_run, outputs):
    assert cli("train", *tiny_run, "trainer.max_epochs=1", "encoder.packing=on").status == 0
    [result] = outputs.glob("default/*/result.json")
    done = cli("explain", str(result.parent), "--text", "cats")
    assert done.status == 0, done.err
    _, table = done.out.split("attention: the encoder's own attention")
    values = [float(line.split()[1]) for line in table.splitlines() if line.startswith("  ")]
    assert len(values) == len(("[CLS]", "c", "##a", "##t", "##s", "[SEP]"))
    assert sum(values) == pytest.approx(1.0, abs=1e-3)


@pytest.fixture(scope="module")
def study(tmp_path_factory, write_csv):
    root = tmp_path_factory.mktemp("explain")
    write_csv(root / "train.csv", ROWS)
    fixed = ["encoder=tiny", "encoder.frozen=true", "data=files", f"data.train={root / 'train.csv'}"]
    status = main(
        ["train", "-m", *fixed, "pooling=masked_mean,max,elmo,pooler", "seed=0", "trainer.max_epochs=1",
         f"output_root={root}", "study=s"]
    )  # fmt: skip
    assert status == 0
    return {r["pooling"]: root / "s" / r["run_id"] for r in load_results(root / "s")}


def test_negative_weights_have_the_minus_of_the_other_tables():
    file = io.StringIO()
    found = Explanation("a", ("a",), ("predicted yes",), {"weights": (-0.25,)}, {1: -0.5})
    print_explanation(found, console=Console(file=file))
    assert "−0.2500" in file.getvalue()
    assert "−0.5000" in file.getvalue()


def test_mean_weighs_real_tokens_alike(study):
    found = explain(load_run(study["masked_mean"]), "cats")
    assert found.tokens == ("[CLS]", "c", "##a", "##t", "##s", "[SEP]")
    assert found.token_values["weights"] == pytest.approx([1 / 6] * 6)


def test_shares_of_the_maximum_sum_to_one(study):
    found = explain(load_run(study["max"]), "cats and dogs")
    assert sum(found.token_values["shares"]) == pytest.approx(1.0)


def test_layer_weights_of_a_scalar_mix_sum_to_gamma(study):
    run = load_run(study["elmo"])
    found = explain(run, "cats")
    assert tuple(found.layer_values) == (0, 1, 2, 3, 4), "every layer of the tiny encoder, embeddings first"
    gamma = run.classifier.pooling.layers.scale.item()
    assert sum(found.layer_values.values()) == pytest.approx(gamma, rel=1e-4)


def test_attentions_are_shown_when_the_encoder_gives_them(study):
    run = load_run(study["pooler"], attention="eager")
    assert sum(explain(run, "cats").token_values["attention"]) == pytest.approx(1.0, abs=1e-5)


def test_a_loaded_run_predicts_what_it_predicted_in_training(study):
    run = load_run(study["max"])
    assert run.contract.names == ("no", "yes")
    predicted = pq.read_table(study["max"] / "predictions-test.parquet").to_pylist()
    assert len(predicted) > 1, "premise: there is a test split"
    texts = [ROWS[one["row_id"]][0] for one in predicted]
    recorded = torch.tensor([one["probabilities"] for one in predicted])
    with torch.no_grad():
        together = run.classifier(run.batch(texts))
        alone = torch.cat([run.classifier(run.batch([text])) for text in texts])
    assert torch.allclose(together.softmax(dim=-1), recorded, atol=1e-5)
    assert torch.allclose(alone.softmax(dim=-1), recorded, atol=1e-5)


def test_a_word_without_a_token_is_not_special(study):
    run = load_run(study["max"])
    batch = run.batch(["good ☺"])
    tokens = run.loaded.tokenizer.convert_ids_to_tokens(batch.input_ids[0].tolist())
    assert tokens == ["[CLS]", "g", "##o", "##o", "##d", "[UNK]", "[SEP]"]
    assert batch.special.tolist() == [[True, False, False, False, False, False, True]]


def test_page_escapes_every_text(study, tmp_path):
    page = tmp_path / "page.html"
    write_page([explain(load_run(study["max"]), HOSTILE)], title="<b>run</b>", path=page)
    written = page.read_text()
    assert "<script" not in written
    assert "&lt;b&gt;run&lt;/b&gt;" in written
    assert "default-src 'none'" in written


def test_command_refuses_what_is_no_run(tmp_path, capsys):
    assert main(["explain", str(tmp_path), "--text", "x"]) == 2
    assert "is no run folder, and" in capsys.readouterr().err


def test_a_pair_is_read_as_in_training(cli, tmp_path, outputs, write_csv):
    rows = [(f"{word} {i}", f"{other} {i}", label) for i in range(12) for word, other, label in PAIRS]
    data = write_csv(tmp_path / "pairs.csv", rows, header=("text", "second", "label"))
    fixed = ["encoder=tiny", "data=files", f"data.train={data}", "data.text_pair=second", "trainer.max_epochs=1"]
    assert cli("train", *fixed, "trainer.accelerator=cpu").status == 0
    [result] = outputs.glob("default/*/result.json")
    predicted = pq.read_table(result.parent / "predictions-test.parquet").to_pylist()
    run = load_run(result.parent)
    for one in predicted:
        text, second, _ = rows[one["row_id"]]
        found = explain(run, text, second)
        assert found.tokens.count("[SEP]") == 2
        assert found.predicted == (f"predicted {one['predicted']}, probability {max(one['probabilities']):.3f}",)
    done = cli("explain", str(result.parent), "--text", "good 1", "--text-pair", "fine 1")
    assert done.status == 0, done.err
    assert "good 1 | fine 1" in done.out
    refused = cli("explain", str(result.parent), "--text", "good 1")
    assert (refused.status, refused.problems) == (
        2, ["the run read pairs of texts (data.text_pair=second): give each its second"]
    )  # fmt: skip
    uneven = cli("explain", str(result.parent), "--text", "good", "--text", "bad", "--text-pair", "fine")
    assert (uneven.status, uneven.problems) == (2, ["there must be a --text-pair for each --text, got 1 for 2"])


def test_a_second_text_is_refused_where_the_run_read_single_ones(cli, study):
    done = cli("explain", str(study["max"]), "--text", "a", "--text-pair", "b")
    assert (done.status, done.problems) == (2, ["the run read single texts"])


def test_a_pooling_of_a_study_may_be_named(study, cli, monkeypatch):
    root = study["max"].parents[1]
    monkeypatch.setenv("POOLSWEEP_OUTPUTS", str(root))
    named, run = cli("explain", "s:max", "--text", "cats"), cli("explain", str(study["max"]), "--text", "cats")
    assert named.status == 0, named.err
    assert named.out == run.out
    assert named.err.splitlines() == [f"s:max; its only run {study['max']} is used"]
