"""Weights in 16 bits: what is computed with them, and that a model is told from its rounding."""

from __future__ import annotations

import copy
import sys

import pytest
import torch
from architectures import CONFIGS, MORE
from transformers import AutoModel

from poolsweep.encoder import Encoder
from poolsweep.encoder.adapter import Adapter
from poolsweep.encoder.loading import load_pretrained
from poolsweep.encoder.precision import in_float32, weights_options
from poolsweep.encoder.promises import promises_of
from poolsweep.encoder.tiny import tiny
from poolsweep.errors import UserError

FAMILIES = CONFIGS | MORE
LOW = ["bfloat16", "float16"]


def model_of(kind: str, dtype: torch.dtype = torch.float32):
    torch.manual_seed(0)
    return AutoModel.from_config(copy.deepcopy(FAMILIES[kind])).to(dtype).eval()


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    mask = torch.arange(7) < torch.tensor([7, 4, 5])[:, None]
    ids = torch.randint(4, 40, mask.shape, generator=torch.Generator().manual_seed(0))
    return ids.masked_fill(~mask, 0), mask


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_model_is_tried_in_float32_and_left_as_it_was(kind: str):
    ids, mask = batch()
    inputs = {"input_ids": ids, "attention_mask": mask.long()}
    low = model_of(kind, torch.bfloat16)
    before = copy.deepcopy(low.state_dict())
    exact = copy.deepcopy(low).float()(**inputs).last_hidden_state
    with torch.no_grad(), in_float32(low):
        found = low(**inputs).last_hidden_state
    assert found.dtype == torch.float32
    assert torch.allclose(found[mask], exact[mask], atol=1e-5)
    assert not torch.allclose(low(**inputs).last_hidden_state.float()[mask], exact[mask], atol=1e-5)
    assert all(torch.equal(one, before[name]) and one.dtype == torch.bfloat16 for name, one in low.state_dict().items())


@pytest.mark.parametrize("kind", FAMILIES)
def test_what_a_model_allows_and_promises_does_not_depend_on_its_type(kind: str):
    found = []
    for dtype in (torch.float32, torch.bfloat16):
        encoder = Encoder(model_of(kind, dtype), name=kind, packing="auto")
        found.append((encoder.packs, promises_of(encoder, pad_token_id=0, special_ids=())))
    assert found[0] == found[1]


@pytest.mark.parametrize("dtype", LOW)
def test_states_leave_in_float32_and_are_those_of_transformers(dtype: str, tmp_path):
    tiny().encoder.model.save_pretrained(tmp_path)
    tiny().tokenizer.save_pretrained(tmp_path)
    encoder = load_pretrained(tmp_path, name="tiny", dtype=dtype, packing="off").encoder.eval()
    ids, mask = batch()
    output = encoder(ids, mask, layers=[0, 4], context=["pooler_output"])
    theirs = AutoModel.from_pretrained(tmp_path, dtype=getattr(torch, dtype), add_pooling_layer=False)
    expected = theirs(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    assert encoder.dtype == dtype
    assert {each.dtype for each in (*output.hidden, output.pooler_output)} == {torch.float32}
    assert torch.equal(output.hidden[1][mask], expected.float()[mask])
    assert {parameter.dtype for parameter in encoder.pooler.parameters()} == {torch.float32}


def test_auto_is_what_the_checkpoint_holds(tmp_path):
    tiny(dtype="bfloat16").encoder.model.save_pretrained(tmp_path)
    tiny().tokenizer.save_pretrained(tmp_path)
    found = [load_pretrained(tmp_path, name="t", dtype=dtype).encoder.dtype for dtype in ("auto", "float32")]
    assert found == ["bfloat16", "float32"]
    assert [tiny(dtype=dtype).encoder.dtype for dtype in ("auto", "float16")] == ["float32", "float16"]


@pytest.mark.parametrize("use_dora", [False, True], ids=["lora", "dora"])
def test_an_adapter_on_weights_in_16_bits_is_trained_in_float32(use_dora: bool):
    ids, mask = batch()
    plain = Encoder(model_of("llama", torch.bfloat16), name="llama").eval()
    encoder = Encoder(model_of("llama", torch.bfloat16), name="llama", adapter=Adapter(use_dora=use_dora)).eval()
    ours, theirs = (each(ids, mask, layers=[3]).hidden[0] for each in (encoder, plain))
    assert torch.allclose(ours[mask], theirs[mask], atol=2e-2)
    ours[mask].pow(2).sum().backward()
    gradients = [parameter.grad for parameter in encoder.parameters() if parameter.requires_grad]
    assert {gradient.dtype for gradient in gradients if gradient is not None} == {torch.float32}


def test_quantising_says_what_it_needs(monkeypatch):
    with pytest.raises(UserError, match="encoder=tiny has none"):
        tiny(quantize="4bit")
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(UserError, match=r"encoder.quantize=8bit needs bitsandbytes: pip install 'poolsweep\[quantize"):
        weights_options("bfloat16", "8bit")


@pytest.mark.gpu
@pytest.mark.parametrize("quantize", ["4bit", "8bit"])
def test_a_quantised_encoder_gives_nearly_the_same_states_and_trains_an_adapter(quantize: str, tmp_path):
    pytest.importorskip("bitsandbytes", reason="pip install 'poolsweep[quantize]'")
    tiny(hidden_size=256, num_heads=4).encoder.model.save_pretrained(tmp_path)
    tiny().tokenizer.save_pretrained(tmp_path)
    ids, mask = (each.cuda() for each in batch())
    plain = load_pretrained(tmp_path, name="t").encoder.cuda().eval()
    encoder = load_pretrained(tmp_path, name="t", dtype="bfloat16", quantize=quantize, adapter=Adapter()).encoder.eval()
    ours, theirs = (each.cuda()(ids, mask, layers=[4]).hidden[0][mask] for each in (encoder, plain))
    assert torch.nn.functional.cosine_similarity(ours, theirs).min() > 0.9
    ours.pow(2).sum().backward()
    gradients = {name: p.grad for name, p in encoder.named_parameters() if p.grad is not None}
    assert gradients
    assert all("lora_" in name for name in gradients)
