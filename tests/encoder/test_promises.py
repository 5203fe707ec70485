"""What poolings rely on is tried on each encoder, and [CLS] is read where the tokenizer puts it."""

from __future__ import annotations

import copy
import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from architectures import CONFIGS, MORE, SIZES, T5
from tokenizers.processors import TemplateProcessing
from transformers import (
    AutoModel,
    BertConfig,
    ConvBertConfig,
    FNetConfig,
    NystromformerConfig,
    PreTrainedConfig,
    T5EncoderModel,
    XLNetConfig,
)

from poolsweep.config import Node
from poolsweep.data.ragged import last_of_each
from poolsweep.encoder import Encoder, LoadedEncoder
from poolsweep.encoder.hub import hub
from poolsweep.encoder.promises import Promises, promises_of
from poolsweep.encoder.tiny import tiny
from poolsweep.errors import UserError
from poolsweep.explain import explain
from poolsweep.pooling import PoolingContext
from poolsweep.pooling.presets import load_preset
from poolsweep.pooling.tokens.cls import Cls
from poolsweep.pooling.tokens.cls_mean_max import ClsMeanMax
from poolsweep.training.encoder import load_encoder
from poolsweep.training.load import load_run
from poolsweep.training.pooling import build_pooling

WITHOUT_HEADS = {name: size for name, size in SIZES.items() if name != "num_attention_heads"}
LEAKY: dict[str, PreTrainedConfig] = {
    "fnet": FNetConfig(**WITHOUT_HEADS), "convbert": ConvBertConfig(**SIZES, embedding_size=16),
    "nystromformer": NystromformerConfig(**SIZES),
}  # fmt: skip
CAUSAL = {"gpt2", "llama", "bert as a decoder"}
ALL = {**CONFIGS, **MORE, "t5": T5, "bert as a decoder": BertConfig(**SIZES, is_decoder=True)}


def found(kind: str, config: PreTrainedConfig, *, packing: str = "off") -> Promises:
    torch.manual_seed(0)
    config = copy.deepcopy(config)
    model = T5EncoderModel(config) if kind == "t5" else AutoModel.from_config(config)
    pad = config.pad_token_id
    encoder = Encoder(model, name=kind, packing=packing)
    assert encoder.training, "premise: it is left so"
    result = promises_of(encoder, pad_token_id=pad if isinstance(pad, int) and pad >= 0 else 0, special_ids=[0, 1, 2])
    assert encoder.training
    return result


@pytest.mark.parametrize("kind", ALL)
def test_encoders_that_keep_their_promises(kind: str):
    expected = Promises(ignores_padding=True, first_sees_text=kind not in CAUSAL, last_sees_text=True)
    assert found(kind, ALL[kind]) == expected
    assert found(kind, ALL[kind], packing="auto") == expected


@pytest.mark.parametrize("kind", LEAKY)
def test_encoders_that_read_padding(kind: str):
    assert not found(kind, LEAKY[kind]).ignores_padding


def save(folder: Path, config: PreTrainedConfig, *, order: str = "[CLS] $A [SEP]") -> Path:
    """A random model with the tiny tokenizer, whose special tokens stand as ``order`` says."""
    tokenizer = tiny().tokenizer
    config = copy.deepcopy(config)
    config.vocab_size = len(tokenizer)
    torch.manual_seed(0)
    (T5EncoderModel(config) if config.model_type == "t5" else AutoModel.from_config(config)).save_pretrained(folder)
    marks = [(mark, tokenizer.convert_tokens_to_ids(mark)) for mark in ("[CLS]", "[SEP]") if mark in order]
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single=order, special_tokens=marks)
    tokenizer.save_pretrained(folder)
    return folder


def loaded_from(folder: Path, preset: str = "cls") -> LoadedEncoder:
    options = {"_target_": "poolsweep.encoder.hub.hub", "model": str(folder), "frozen": True, "attention": None}
    return load_encoder(Node(options), tokens=Node(load_preset(preset)["tokens"]), init_seed=0)


def test_one_that_reads_padding_is_refused(tmp_path):
    folder = save(tmp_path / "fnet", LEAKY["fnet"])
    with pytest.raises(UserError, match=r"fnet \(fnet\) gives a text other states beside a longer one"):
        loaded_from(folder)


def test_where_the_tokenizer_puts_cls(tmp_path):
    bert = CONFIGS["bert"]
    assert loaded_from(save(tmp_path / "a", bert)).cls_place == "first"
    assert loaded_from(save(tmp_path / "b", bert, order="$A [SEP] [CLS]")).cls_place == "last"
    assert loaded_from(save(tmp_path / "c", bert, order="$A [SEP]")).cls_place is None
    assert hub(model=str(save(tmp_path / "d", MORE["llama"]))).cls_sees_text is False
    assert hub(model=str(save(tmp_path / "e", MORE["llama"], order="$A [CLS]"))).cls_sees_text is True


@pytest.mark.parametrize("preset", ["cls", "max_cls", "cls_attention", "masked_mean"])
def test_cls_of_a_causal_model_is_refused_with_what_to_type(tmp_path, preset: str):
    pooling = Node(load_preset(preset))
    loaded = loaded_from(save(tmp_path / "gpt", MORE["llama"], order="[CLS] $A"), preset)
    if preset == "masked_mean":
        assert build_pooling(pooling, loaded).output_size == 16
        return
    with pytest.raises(UserError, match=r"has seen nothing of the text behind it; pooling=last reads"):
        build_pooling(pooling, loaded)


@pytest.mark.parametrize("side", ["right", "left"])
def test_cls_is_read_where_the_context_says(side: str):
    hidden = torch.tensor([[[1.0], [2.0], [3.0]]])
    mask = torch.tensor([[True, True, False]]) if side == "right" else torch.tensor([[False, True, True]])
    last = torch.tensor([[False, True, False]]) if side == "right" else torch.tensor([[False, False, True]])
    context = PoolingContext(cls=last)
    expected = 2.0 if side == "right" else 3.0
    assert Cls(input_size=1)(hidden, mask, context).tolist() == [[expected]]
    assert ClsMeanMax(input_size=1)(hidden, mask, context)[0, 0].item() == expected
    if side == "right":
        assert torch.equal(last_of_each(mask), last)


@pytest.mark.parametrize("frozen", [True, False])
def test_a_run_reads_the_cls_of_xlnet_at_the_end(cli, tiny_run, outputs, tmp_path, frozen: bool):
    config = XLNetConfig(vocab_size=40, d_model=16, n_layer=2, n_head=2, d_inner=32)
    folder = save(tmp_path / "xlnet", config, order="$A [SEP] [CLS]")
    given = [o for o in tiny_run if o not in {"encoder=tiny", "trainer.max_epochs=2"}]
    typed = ["encoder=hub", f"encoder.model={folder}", f"encoder.frozen={str(frozen).lower()}", "pooling=cls"]
    done = cli("train", *given, *typed, "trainer.max_epochs=1")
    assert done.status == 0, done.err
    assert "xlnet has [CLS] behind a text; it is read there" in done.err
    [result] = outputs.glob("default/*/result.json")
    run = load_run(result.parent)
    batch = run.batch(["woof 1", "meow xxx 2"])
    with torch.no_grad():
        states = run.loaded.encoder(batch.input_ids, batch.mask, batch.token_type_ids, layers=[2]).hidden[0]
        pooled = run.classifier.pool(batch)
    ends = batch.mask.sum(dim=1) - 1
    assert torch.equal(pooled, states[torch.arange(2), ends])
    seen = explain(run, "woof 1")
    assert seen.tokens[-1] == "[CLS]"
    assert seen.token_values["weights"] == pytest.approx([0.0] * (len(seen.tokens) - 1) + [1.0])
    one = pq.read_table(result.parent / "predictions-test.parquet").to_pylist()[0]
    text = next(csv.reader(text_lines(given)[one["row_id"] + 1 :]))[0]
    told = f"predicted {one['predicted']}, probability {max(one['probabilities']):.3f}"
    assert explain(run, text).predicted == (told,)


def text_lines(overrides: list[str]) -> list[str]:
    path = next(o.split("=", 1)[1] for o in overrides if o.startswith("data.train="))
    return Path(path).read_text().splitlines()


def test_a_text_without_cls_is_said(cli, tiny_run, tmp_path):
    folder = save(tmp_path / "t5", T5, order="$A [SEP]")
    given = [o for o in tiny_run if o not in {"encoder=tiny", "trainer.max_epochs=2"}]
    done = cli("train", *given, "encoder=hub", f"encoder.model={folder}", "pooling=cls", "trainer.max_epochs=1")
    assert done.status == 0, done.err
    assert "the tokenizer of t5 adds no [CLS]; the first token is read in its place" in done.err


def test_a_causal_model_in_a_sweep_is_refused_before_any_run(cli, tiny_run, tmp_path, no_new_files):
    folder = save(tmp_path / "gpt", MORE["llama"], order="[CLS] $A")
    given = [*(o for o in tiny_run if o != "encoder=tiny"), "encoder=hub", f"encoder.model={folder}"]
    refused = cli("train", "-m", *given, "pooling/layers=last", "pooling/tokens=cls,mean", "data.max_length=16")
    assert refused.status == 2
    [problem] = refused.problems
    assert problem.startswith("pooling=cls reads the first token, which in gpt, a causal model, has seen nothing")
