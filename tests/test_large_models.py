"""The formula of docs/large_models.md, against the bytes that autograd keeps."""

from __future__ import annotations

import re
import runpy

from checkout import ROOT

SCRIPT = ROOT / "experiments" / "large" / "memory.py"


def test_the_formula_is_what_autograd_keeps_and_the_docs_say(capsys):
    found = runpy.run_path(str(SCRIPT))
    found["check"]()
    kept, formula = (int(one.replace(",", "")) for one in re.findall(r"\d+,\d+", capsys.readouterr().out))
    assert abs(kept - formula) < 0.01 * formula
    page = (ROOT / "docs" / "large_models.md").read_text(encoding="utf-8")
    shape = found["Shape"]()
    sizes = [shape.training_bytes(2**n, checkpointed=False) / 2**30 for n in range(10, 16)]
    assert " | ".join(f"{size:.1f}" for size in sizes) in page
