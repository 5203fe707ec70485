"""``encoder.cpu_kernels``: what it replaces, whatever the packing, and what it says."""

from __future__ import annotations

import copy
import logging

import pytest
import torch
from architectures import CONFIGS
from torch import nn
from transformers import AutoModel

from poolsweep.encoder import Encoder, cpu_kernels
from poolsweep.encoder.cpu_kernels import CpuKernels
from poolsweep.encoder.cpu_kernels.dropout import FastDropout
from poolsweep.encoder.cpu_kernels.linear import FastLinear


@pytest.fixture(params=[False, True], ids=["another CPU", "AMD"])
def is_amd(request, monkeypatch) -> bool:
    monkeypatch.setattr(cpu_kernels, "is_conv_faster", lambda: request.param)
    monkeypatch.setattr(cpu_kernels, "can_prepack", lambda dtype: True)
    return request.param


def encoder_of(*, packing: str, mode: str) -> Encoder:
    torch.manual_seed(0)
    return Encoder(
        AutoModel.from_config(copy.deepcopy(CONFIGS["bert"])), name="mine", packing=packing, cpu_kernels=mode
    )


def classes(encoder: Encoder) -> set[type]:
    return {type(module) for module in encoder.model.modules() if isinstance(module, nn.Linear | nn.Dropout)}


@pytest.mark.parametrize("packing", ["on", "off"])
def test_auto_replaces_what_this_cpu_gains_by_and_says_so(packing: str, is_amd: bool, caplog):
    with caplog.at_level(logging.INFO, logger="poolsweep"):
        encoder = encoder_of(packing=packing, mode="auto")
    layers, dropouts = CONFIGS["bert"].num_hidden_layers, 2 * CONFIGS["bert"].num_hidden_layers + 1
    assert encoder.cpu_kernels.linear == 6 * layers
    assert encoder.cpu_kernels.convolves == is_amd
    assert encoder.cpu_kernels.fast_dropout >= dropouts
    assert classes(encoder) == {FastLinear, FastDropout}
    assert type(encoder.pooler.dense) is nn.Linear, "one row a text"
    [said] = caplog.messages
    assert said == f"mine: {encoder.cpu_kernels}"


@pytest.mark.parametrize("packing", ["on", "off"])
def test_off_leaves_torchs_modules(packing: str, is_amd: bool, caplog):
    with caplog.at_level(logging.INFO, logger="poolsweep"):
        encoder = encoder_of(packing=packing, mode="off")
    assert classes(encoder) == {nn.Linear, nn.Dropout}
    assert encoder.cpu_kernels == CpuKernels()
    assert not caplog.messages


def test_a_run_says_what_it_computes_with_and_stored_features_know_it(cli, tiny_run, outputs):
    for mode in ("auto", "off"):
        assert cli("train", *tiny_run, "encoder.frozen=true", f"encoder.cpu_kernels={mode}").status == 0
    said = sorted(path.read_text().partition("poolsweep.training.build: ")[2] for path in outputs.glob("*/*/run.log"))
    assert said[0].startswith("tiny: all modules are torch's own\n")
    assert said[1].startswith("tiny: on a CPU ")
    assert len(list(outputs.glob(".features/tiny-train-*"))) == 2
