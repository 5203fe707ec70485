"""The example that readers copy from runs as it stands."""

from __future__ import annotations

import runpy
import warnings

from checkout import ROOT


def test_the_minimal_example_compares_three_poolings(capsys):
    example = runpy.run_path(str(ROOT / "examples" / "minimal.py"))
    with warnings.catch_warnings():  # Lightning's advice: more workers, a frozen encoder in eval mode
        warnings.simplefilter("ignore")
        example["main"](every=400)
    lines = [line for line in capsys.readouterr().out.splitlines() if ": accuracy " in line]
    assert [line.partition(":")[0] for line in lines] == ["cls", "masked_mean", "last4_concat"]
    assert all(0 <= float(line.rpartition(" ")[2]) <= 1 for line in lines)


def test_it_fits_on_one_screen():
    assert len((ROOT / "examples" / "minimal.py").read_text(encoding="utf-8").splitlines()) <= 66
