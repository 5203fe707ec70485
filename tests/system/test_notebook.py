"""The notebook runs as it stands, and gives what it shows."""

from __future__ import annotations

import re

import nbformat
import pytest
from checkout import ROOT
from nbclient import NotebookClient

pytestmark = pytest.mark.slow


def test_the_notebook_gives_what_it_shows(tmp_path, monkeypatch):
    monkeypatch.setenv("POOLSWEEP_OUTPUTS", str(tmp_path / "outputs"))
    notebook = nbformat.read(ROOT / "examples" / "first_study.ipynb", as_version=4)
    shown = [outputs_of(cell) for cell in notebook.cells]
    kinds = {kind for outputs in shown for kind, _ in outputs}
    assert {"text/plain", "text/html", "image/png"} <= kinds, "premise: outputs are kept"
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    again = "jupyter execute --inplace examples/first_study.ipynb writes its outputs anew"
    assert [outputs_of(cell) for cell in notebook.cells] == shown, again
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    tables = [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    assert any("max</td>" in table for table in tables), "the study shows as a table"
    assert sum("finished" in table and "[9/9]" in table for table in tables) == 1, "progress is one part of the output"
    assert not [output for output in outputs if output.output_type == "error"]


def outputs_of(cell) -> list[tuple[str, tuple[str, ...]]]:
    """The types of a cell's outputs, and the words of its results; numbers and progress differ between machines."""
    found = []
    for output in cell.get("outputs", []):
        if output.output_type == "stream" and output.name == "stderr":  # what libraries warn of
            continue
        data = output.get("data") or {output.get("name", "error"): output.get("text", "")}
        for kind, content in sorted(data.items()):
            is_result = output.output_type != "display_data" and kind in {"text/plain", "stdout"}
            found.append((kind, tuple(sorted(re.findall(r"[^\W\d]\w*", content))) if is_result else ()))
    return list(dict.fromkeys(found))
