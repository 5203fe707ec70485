"""The weights and the tokenizer that are measured are those of the folder, or it is refused in a line."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from architectures import CONFIGS, MORE, SIZES, T5, TOKENS
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModel,
    BartConfig,
    BartModel,
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    T5EncoderModel,
    T5ForConditionalGeneration,
)

from poolsweep.encoder.hub import hub
from poolsweep.encoder.tiny import tiny
from poolsweep.errors import UserError

BERT = BertConfig(**{**SIZES, "vocab_size": TOKENS}, max_position_embeddings=32)


def save(folder: Path, model: PreTrainedModel) -> Path:
    """A folder with a model and a tokenizer."""
    model.save_pretrained(folder)
    tiny().tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def bert(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    return save(tmp_path_factory.mktemp("bert") / "enc", BertModel(BERT))


@pytest.fixture
def enc(bert: Path, tmp_path: Path) -> Path:
    """A folder that a test may break."""
    return Path(shutil.copytree(bert, tmp_path / "enc"))


def rename(folder: Path, change: Callable[[str], str]) -> None:
    path = folder / "model.safetensors"
    save_file({change(name): tensor for name, tensor in load_file(path).items()}, path, metadata={"format": "pt"})


def configure(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps({k: v for k, v in config.items() if v is not None}))


def refusal(folder: Path | str) -> str:
    with pytest.raises(UserError) as found:
        hub(model=str(folder))
    [problem] = found.value.problems
    assert len(problem.splitlines()) == 1
    return problem


def states(model: PreTrainedModel) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(input_ids=torch.tensor([[5, 6, 7]])).last_hidden_state


@pytest.mark.parametrize("kind", [*CONFIGS, *MORE])
def test_every_architecture_has_the_weights_and_states_that_transformers_gives(tmp_path, kind: str):
    config = copy.deepcopy({**CONFIGS, **MORE}[kind])
    config.vocab_size = TOKENS
    torch.manual_seed(0)
    save(tmp_path / kind, AutoModel.from_config(config))
    found, expected = hub(model=str(tmp_path / kind)), AutoModel.from_pretrained(tmp_path / kind)
    stored = expected.state_dict()
    for name, tensor in found.encoder.model.state_dict().items():
        assert torch.equal(tensor, stored[name]), name
    assert torch.equal(states(found.encoder.model), states(expected))
    assert found.notes == ()


@pytest.mark.parametrize(
    "prefix",
    ["module.", "model.", "_orig_mod.", "0.auto_model.", "module.bert.", "_orig_mod.module.", "encoder.model."],
)
def test_a_known_wrapper_is_taken_off_and_said(bert, enc, prefix: str):
    rename(enc, lambda name: prefix + name)
    loaded = hub(model=str(enc))
    assert torch.equal(states(loaded.encoder.model), states(hub(model=str(bert)).encoder.model))
    assert loaded.notes == (f"enc: {prefix} was taken off the names of its weights",)


def test_weights_under_a_wrapper_that_is_not_known_are_refused(enc):
    rename(enc, lambda name: f"teacher.{name}")
    problem = refusal(enc)
    total = len(load_file(enc / "model.safetensors")) - 2
    assert "teacher.pooler.dense.bias" in load_file(enc / "model.safetensors"), "premise: two are of the pooler"
    assert f"the weights are not those of the model that config.json describes: 0 of {total} were found" in problem
    assert "the checkpoint has teacher.embeddings.LayerNorm.bias" in problem


def test_weights_that_stand_twice_under_wrappers_are_refused(enc):
    path = enc / "model.safetensors"
    tensors = load_file(path)
    twice = {f"{prefix}{n}": t.clone() for n, t in tensors.items() for prefix in ("module.", "model.")}
    save_file(twice, path, metadata={"format": "pt"})
    assert "0 of" in refusal(enc), "which of the two is meant?"


def test_a_head_and_a_pooler_may_be_more_or_less(tmp_path):
    torch.manual_seed(0)
    model = BertForSequenceClassification(BERT)
    assert hub(model=str(save(tmp_path / "a", model))).encoder.pooler_is_fresh is False
    torch.manual_seed(0)
    assert hub(model=str(save(tmp_path / "b", BertModel(BERT, add_pooling_layer=False)))).encoder.pooler_is_fresh
    llama = LlamaForCausalLM(LlamaConfig(**{**SIZES, "vocab_size": TOKENS}, max_position_embeddings=32))
    assert torch.equal(states(hub(model=str(save(tmp_path / "c", llama))).encoder.model), states(llama.model)), (
        "the model's own prefix"
    )


def test_one_weight_that_is_missing_is_named(enc):
    rename(enc, lambda name: name.replace("layer.1.output.dense.weight", "layer.1.output.dense.wait"))
    problem = refusal(enc)
    assert "missing are encoder.layer.1.output.dense.weight;" in problem


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"num_hidden_layers": 4}, "were found; missing are encoder.layer.3."),
        ({"num_hidden_layers": 2}, "16 have no place in it: encoder.layer.2."),
        ({"vocab_size": TOKENS + 1}, "embeddings.word_embeddings.weight with"),
        ({"hidden_size": 32}, "have another shape, such as "),
    ],
)
def test_a_config_of_another_model_is_refused(enc, changes: dict, told: str):
    configure(enc, **changes)
    assert told in refusal(enc)


def test_leftovers_of_older_versions_are_no_reason(enc):
    path = enc / "model.safetensors"
    more = {"embeddings.position_ids": torch.arange(32)[None], "cls.predictions.bias": torch.zeros(3)}
    save_file(load_file(path) | more, path, metadata={"format": "pt"})
    assert hub(model=str(enc)).notes == ()


def cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def shards(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    index = {"metadata": {}, "weight_map": {"embeddings.LayerNorm.bias": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def pickled(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def adapter(folder: Path) -> None:
    (folder / "config.json").rename(folder / "adapter_config.json")


BROKEN = {
    "cut": (cut, "model.safetensors is not whole: "),
    "empty": (lambda f: (f / "model.safetensors").write_bytes(b""), "model.safetensors is not whole: "),
    "zeros": (lambda f: (f / "model.safetensors").write_bytes(bytes(999)), "model.safetensors is not whole: "),
    "missing shard": (shards, "model-00001-of-00002.safetensors"),
    "index cut": (lambda f: (shards(f), (f / "model.safetensors.index.json").write_text("{")), "cannot load"),
    "pickle": (pickled, "has weights in pytorch_model.bin alone, which may run code"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "no file named model.safetensors"),
    "config cut": (lambda f: (f / "config.json").write_text("{"), "cannot load"),
    "config null": (lambda f: (f / "config.json").write_text("null"), "cannot load"),
    "no config": (lambda f: (f / "config.json").unlink(), "has no config.json, so it is no encoder's folder"),
    "no model_type": (lambda f: configure(f, model_type=None), "`model_type`"),
    "unknown model_type": (lambda f: configure(f, model_type="xyz"), "model type `xyz`"),
    "words for numbers": (lambda f: configure(f, num_hidden_layers="a"), "expected int, got str"),
    "no such activation": (lambda f: configure(f, hidden_act="foo"), "KeyError: 'foo'"),
    "an image model": (lambda f: (f / "config.json").write_text('{"model_type": "clip"}'), "is no text encoder"),
    "adapter": (adapter, "holds an adapter (adapter_config.json)"),
    "tokenizer cut": (lambda f: (f / "tokenizer.json").write_text("{"), "the tokenizer of "),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_folder_is_refused_in_a_line(enc, what: str):
    damage, told = BROKEN[what]
    damage(enc)
    problem = refusal(enc)
    assert told in problem
    assert str(enc) in problem


@pytest.mark.parametrize("kind", ["bert", "roberta", "albert", "mpnet", "llama", "t5", "xlnet"])
def test_a_folder_without_a_tokenizer_is_refused(tmp_path, kind: str):
    config = copy.deepcopy({**CONFIGS, **MORE, "t5": T5}[kind])
    torch.manual_seed(0)
    model = T5EncoderModel(T5) if kind == "t5" else AutoModel.from_config(config)
    model.save_pretrained(tmp_path / kind)
    assert f"{tmp_path / kind} has no tokenizer (tokenizer.json, vocab.txt, …)" in refusal(tmp_path / kind)


def test_more_tokens_than_embeddings_are_refused(enc):
    tokenizer = tiny().tokenizer
    tokenizer.add_tokens(["numberplate"])
    tokenizer.save_pretrained(enc)
    assert f"has {TOKENS + 1} tokens, and the model {TOKENS} embeddings" in refusal(enc)


def test_a_sweep_refuses_it_once_before_any_run(cli, tiny_run, enc, no_new_files):
    cut(enc)
    typed = [*(o for o in tiny_run if o != "encoder=tiny"), "encoder=hub", f"encoder.model={enc}"]
    refused = cli("train", "-m", *typed, "pooling=cls,masked_mean", "seed=0,1")
    assert refused.status == 2
    assert [problem.split(":")[0] for problem in refused.problems] == [f"{enc / 'model.safetensors'} is not whole"]


@pytest.mark.parametrize("make", [T5EncoderModel, T5ForConditionalGeneration])
def test_of_t5_the_encoder_is_read(tmp_path, make: type):
    torch.manual_seed(0)
    model = make(copy.deepcopy(T5)).eval()
    encoder = hub(model=str(save(tmp_path / "t5", model))).encoder.eval()
    ids = torch.tensor([[5, 6, 7, 1], [8, 1, 0, 0]])
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    with torch.no_grad():
        expected = model.encoder(input_ids=ids, attention_mask=mask.long(), output_hidden_states=True).hidden_states
        found = encoder(ids, mask, layers=[0, 1, 2]).hidden
    for state, other in zip(found, expected, strict=True):
        assert torch.equal(state, other)


def test_a_model_with_a_decoder_is_refused(tmp_path):
    sizes = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16}
    config = BartConfig(vocab_size=TOKENS, encoder_attention_heads=2, decoder_attention_heads=2, **sizes)
    save(tmp_path / "bart", BartModel(config))
    assert refusal(tmp_path / "bart").endswith("an encoder (BERT), or a decoder alone (Llama)")


def test_a_mistyped_path_is_answered_with_the_nearest(enc, monkeypatch):
    assert refusal(enc.with_name("ecn")) == f"encoder.model={enc.with_name('ecn')} does not exist; did you mean enc?"
    assert refusal("/no/such/place").endswith("does not exist; there is no folder /no/such")
    assert "~ is not replaced by your home folder here" in refusal("~/enc")
    assert refusal(enc / "config.json").endswith(f"is a file; give its folder: encoder.model={enc}")
    monkeypatch.chdir(enc.parent)
    assert refusal("./ecn") == "encoder.model=./ecn does not exist; did you mean enc?"
    assert refusal("ecn").startswith("encoder.model=ecn is no folder here; did you mean enc?, it is not in the local")
    assert hub(model=str(enc) + "/").encoder.name == "enc"
    monkeypatch.chdir(enc)
    assert hub(model=".").encoder.name == "enc"


def test_a_folder_of_checkpoints_is_no_encoder(enc, tmp_path):
    (tmp_path / "out").mkdir()
    enc.rename(tmp_path / "out" / "checkpoint-500")
    assert refusal(tmp_path / "out").endswith(f"; did you mean {tmp_path / 'out' / 'checkpoint-500'}?")


def test_a_folder_that_is_replaced_is_loaded_anew(enc, compose, tiny_run):
    from poolsweep.training.encoder import load_encoder

    def weights() -> torch.Tensor:
        typed = ["encoder=hub", f"encoder.model={enc}", "encoder.frozen=true"]
        config = compose(*tiny_run[1:], *typed)
        loaded = load_encoder(config.encoder, tokens=config.tokens, init_seed=config.init_seed)
        return loaded.encoder.model.embeddings.word_embeddings.weight

    before = weights()
    torch.manual_seed(1)
    BertModel(BERT).save_pretrained(enc)
    assert not torch.equal(before, weights())
