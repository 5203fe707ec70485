"""The dashboard in a real browser, while a sweep writes its results."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from studies import write_run, write_study

from poolsweep.runs.folder import RunFolder
from poolsweep.runs.plan import write_plan

pytestmark = pytest.mark.browser


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A study whose runs have all yet to begin, and the address of its dashboard."""
    study = tmp_path / "live"
    write_plan(study, {RunFolder(study / "never"): "pooling=never"})
    server = subprocess.Popen(
        [sys.executable, "-m", "poolsweep", "dashboard", str(study), "--port", "0"],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert server.stderr is not None
    told = server.stderr.readline()
    yield study, told.split()[0]
    server.send_signal(signal.SIGINT)
    assert server.wait(timeout=60) == 0, "Ctrl-C ends it in order"
    with server.stderr:
        assert server.stderr.read() == ""


def test_it_follows_a_sweep_and_loads_nothing_from_elsewhere(served, browser, tmp_path):
    study, address = served
    page = browser.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(address)
    assert "0 of 1 runs finished, 1 missing" in page.inner_text("#counts")
    assert page.is_visible("#none")

    made = write_study(tmp_path / "made", poolings=["cls", "max"], seeds=[0, 1], num_texts=60)
    for folder in [path for path in made.iterdir() if path.is_dir()]:
        shutil.copytree(folder, study / folder.name)
    failed = write_run(
        study, pooling="elmo", seed=0, status="failed", reason="<img src=x onerror=alert(1)>", num_texts=60
    )
    report = page.frame_locator("#report")
    report.locator("h1").wait_for(timeout=300_000)
    assert "live" in report.locator("h1").inner_text()
    page.wait_for_function("document.getElementById('counts').textContent.startsWith('4 of 6')", timeout=60_000)
    assert "<img src=x onerror=alert(1)>" in page.inner_text("#list")
    assert not page.is_visible("#none")

    more = write_study(tmp_path / "more", poolings=["masked_mean"], seeds=[0, 1], num_texts=60)
    for folder in [path for path in more.iterdir() if path.is_dir()]:
        shutil.copytree(folder, study / folder.name)
    report.get_by_role("rowheader", name=re.compile("masked_mean")).first.wait_for(timeout=300_000)
    assert json.loads((failed / "result.json").read_text())["status"] == "failed"
    assert all(url.startswith((address, "data:")) for url in asked), asked
    assert not said, said

    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()
