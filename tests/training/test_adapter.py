"""A run with an adapter: a regime of its own, a small file of weights, and the same bits after a kill."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file

from poolsweep.encoder.tiny import tiny
from poolsweep.errors import UserError
from poolsweep.predict.load import load_model

LORA = ["encoder/adapter=lora", "encoder.adapter.dropout=0.1", "optimizer.lr=1e-2"]


def test_it_is_a_regime_and_holds_adapter_pooling_and_head_alone(cli, short_run, outputs, killed_at, bits):
    typed = ["train", *short_run, *LORA, "pooling=self_attentive", "checkpoint.every_steps=1"]
    assert cli(*typed, "study=alone").status == 0
    [alone] = outputs.glob("alone/*/")
    result = json.loads((alone / "result.json").read_text())
    assert (result["regime"], result["frozen"]) == ("lora", False)
    weights = load_file(alone / "checkpoints" / "best.safetensors")
    assert any("lora_A" in name for name in weights)
    assert {name.partition(".")[0] for name in weights if "lora_" not in name} == {"pooling", "head"}
    assert result["parameters"]["trained"] == sum(tensor.numel() for tensor in weights.values())

    for moment in (4, 6):
        with killed_at(moment) as kill, pytest.raises(kill.error):
            cli(*typed, "study=killed")
    assert cli(*typed, "study=killed").status == 0
    [killed] = outputs.glob("killed/*/")
    assert json.loads((killed / "result.json").read_text())["resumed_at"], "premise: it did not simply start again"
    assert bits(killed) == bits(alone)


def test_every_regime_is_a_contender_and_other_seeds_draw_other_adapters(cli, short_run, outputs):
    for overrides in (["encoder/adapter=none,lora"], ["encoder/adapter=lora", "init_seed=1"], ["encoder/adapter=dora"]):
        assert cli("train", "-m", *short_run, *overrides, "study=s").status == 0
    found = [json.loads(path.read_text()) for path in outputs.glob("s/*/result.json")]
    assert sorted(one["regime"] for one in found) == ["fine-tuned", "lora", "lora", "lora"]
    assert len({one["metrics"]["val/loss"] for one in found}) == 4
    listed = cli("report", "s").out
    assert "masked_mean/lora" in listed
    assert "masked_mean/fine-tuned" in listed


def test_what_stays_comes_from_the_encoder_again_and_has_to_be_the_same(cli, short_run, outputs, tmp_path):
    folder = tmp_path / "encoder"
    loaded = tiny(num_layers=2)
    loaded.encoder.model.save_pretrained(folder)
    loaded.tokenizer.save_pretrained(folder)
    given = [one for one in short_run if not one.startswith("encoder")]
    done = cli("train", *given, *LORA, "encoder=hub", f"encoder.model={folder}", "study=s")
    assert done.status == 0, done.err
    [run] = outputs.glob("s/*/")
    model = load_model(run)
    before = model.identity
    with torch.no_grad():
        next(iter(model.run.loaded.encoder.model.parameters())).add_(1)  # of the encoder, not of the adapter
    assert model.identity != before
    tiny(num_layers=2, weights_seed=1).encoder.model.save_pretrained(folder)
    with pytest.raises(UserError, match=f"{run} stands on the weights of {folder}, which are others now"):
        load_model(run)


def test_16_bits_train_an_adapter_predict_and_are_exported_with_the_same_values(cli, short_run, outputs, tmp_path):
    done = cli("train", *short_run, *LORA, "encoder.dtype=bfloat16", "study=low")
    assert done.status == 0, done.err
    assert cli("train", *short_run, *LORA, "study=full").status == 0
    [low], [full] = outputs.glob("low/*/"), outputs.glob("full/*/")
    assert low.name != full.name
    ours, theirs = (load_model(each).predict(["meow xx", "woof"]).values for each in (low, full))
    assert abs(ours - theirs).max() > 0, "premise: 16 bits are seen"
    assert ours == pytest.approx(theirs, abs=0.1)
    done = cli("export", str(low), "--to", "torch", "--output", str(tmp_path / "exported"))
    assert done.status == 0, done.err
    assert {tensor.dtype for tensor in load_file(tmp_path / "exported" / "model.safetensors").values()} == {
        torch.float32
    }


def test_16_bits_have_stored_features_of_their_own(cli, tiny_run, outputs):
    given = [one for one in tiny_run if "max_epochs" not in one]
    typed = ["train", *given, "encoder.frozen=true", "trainer=probe", "study=s"]
    for dtype in ("float32", "bfloat16", "auto"):
        assert cli(*typed, f"encoder.dtype={dtype}").status == 0
    stores = {path.name for path in (outputs / ".features").glob("*train*")}
    assert len(stores) == 2  # auto is float32 here


def test_two_processes_train_one_adapter(cli, short_run, outputs):
    typed = ["train", *short_run, "encoder/adapter=lora", "optimizer.lr=1e-2", "encoder.dropout=0", "callbacks=none"]
    assert cli(*typed, "trainer.precision=64-true", "data.batch_size=8", "study=one").status == 0
    two = ["trainer.precision=64-true", "data.batch_size=4", "trainer.devices=2", "trainer.strategy=ddp", "study=two"]
    done = cli(*typed, *two)
    assert done.status == 0, done.err
    one, both = (load_file(next(outputs.glob(f"{s}/*/checkpoints/best.safetensors"))) for s in ("one", "two"))
    assert one.keys() == both.keys()
    assert all(torch.allclose(one[name], both[name], atol=1e-9) for name in one)
