"""An adapter is merged into the weights that are exported, and the export is proven like any other."""

from __future__ import annotations

import json

import pytest
from safetensors.torch import load_file

MADE = [("lora", "torch"), ("dora", "transformers"), ("dora", "sentence-transformers"), ("lora", "onnx")]


@pytest.fixture(scope="module")
def adapted(trained):
    """Runs whose adapters have moved far: kind of adapter → folder."""
    rates = ["optimizer.lr=0.05", "trainer.max_epochs=2"]
    return {kind: trained("last4_mean", f"encoder/adapter={kind}", *rates)["last4_mean"] for kind in ("lora", "dora")}


@pytest.mark.parametrize(("kind", "to"), MADE)
def test_an_exported_adapter_is_proven_equal(cli, adapted, tmp_path, kind: str, to: str):
    run, folder = adapted[kind], tmp_path / "exported"
    assert json.loads((run / "result.json").read_text())["regime"] == "lora"
    done = cli("export", str(run), "--to", to, "--output", str(folder))
    assert done.status == 0, done.err
    _, proven, recorded = done.out.splitlines()[:3]
    assert proven.endswith("100.00% of labels equal")
    assert "100.00% of labels equal" in recorded
    assert "low-rank adapter, merged into the encoder" in (folder / "README.md").read_text()
    names = [name for path in folder.rglob("*.safetensors") for name in load_file(path)]
    assert not [name for name in names if "lora_" in name or "base_layer" in name]
