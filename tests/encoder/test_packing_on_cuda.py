"""Training packed rows on CUDA, where a kernel for ragged rows computes attention, is training padded ones."""

from __future__ import annotations

import copy

import pytest
import torch
from architectures import CONFIGS, DECODERS
from torch.nn.attention import varlen
from transformers import AutoModel

from poolsweep.encoder import Encoder

pytestmark = pytest.mark.gpu
ALL = {**CONFIGS, **{name: DECODERS[name] for name in ("gpt2", "mistral", "llama")}}
LENGTHS = torch.tensor([7, 20, 3, 7, 1, 12])


def encoder_of(kind: str, *, packing: str) -> Encoder:
    config = copy.deepcopy(ALL[kind])
    names = ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout")
    for name in (*names, "attn_pdrop", "resid_pdrop", "embd_pdrop"):
        if hasattr(config, name):
            setattr(config, name, 0.0)
    torch.manual_seed(0)
    encoder = Encoder(AutoModel.from_config(config), name="x", packing=packing)
    encoder.drop_pooler()
    return encoder.cuda().train()


@pytest.mark.parametrize("kind", sorted(ALL))
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("first_tokens", [False, True], ids=["all tokens", "first tokens"])
def test_gradients_through_the_kernel_for_ragged_rows(kind, dtype, first_tokens, monkeypatch):
    calls = []
    kernel = varlen.varlen_attn
    monkeypatch.setattr(varlen, "varlen_attn", lambda *given, **named: (calls.append(1), kernel(*given, **named))[1])
    mask = torch.arange(20) < LENGTHS[:, None]
    ids = torch.randint(4, 40, mask.shape, generator=torch.Generator().manual_seed(0)).masked_fill(~mask, 1).cuda()
    found = []
    for packing in ("off", "on"):
        encoder = encoder_of(kind, packing=packing)
        first = first_tokens and encoder.keep_first_tokens()
        with torch.autocast("cuda", dtype=dtype):
            output = encoder(ids, mask.cuda(), layers=[3], first_tokens=first)
        states = output.hidden[0].float()
        loss = states[:, 0].square().sum() if first_tokens else states[output.mask].square().sum()
        loss.backward()
        gradient = torch.cat([p.grad.flatten() for p in encoder.parameters() if p.grad is not None])
        found.append((loss.detach(), gradient))
        assert bool(calls) == (packing == "on"), "packed rows go through the kernel, padded ones do not"
    (padded_loss, padded), (packed_loss, packed) = found
    torch.testing.assert_close(packed_loss, padded_loss, rtol=1e-2, atol=0)
    assert padded.norm() > 0
    assert (packed - padded).norm() < 0.05 * padded.norm()
