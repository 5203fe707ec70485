"""The workflows of the repository: they parse, what they call is there, and one version stands everywhere."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from checkout import ROOT

import poolsweep

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def read(path: Path) -> dict:
    """A workflow; YAML takes its key ``on`` for true."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in content.items()}


def steps(path: Path) -> list[dict]:
    return [step for job in read(path)["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_says_when_where_and_what(path):
    content = read(path)
    assert content["on"]
    assert content["permissions"] == {"contents": "read"}, "no job may write unless it says so"
    assert all(job["runs-on"] and job["steps"] for job in content["jobs"].values())
    for step in steps(path):
        assert ("run" in step) != ("uses" in step)
        assert "uses" not in step or re.fullmatch(r"[\w.-]+/[\w.-]+@[\w./-]+", step["uses"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_a_workflow_calls_is_there(path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    scripts = [step["run"] for step in steps(path) if "run" in step]
    for script in scripts:
        for target in re.findall(r"\bmake ([\w-]+)", script):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
        for named in re.findall(r"(?<![\w/])(?:\.ci/[\w./-]+|[\w-]+\.txt)", script):
            assert (ROOT / named).is_file(), named
    assert scripts


def test_ci_runs_on_every_python_that_the_package_takes():
    [job] = read(ROOT / ".github" / "workflows" / "ci.yml")["jobs"].values()
    versions = job["strategy"]["matrix"]["python"]
    assert versions == ["3.11", "3.12", "3.13", "3.14"]
    assert PROJECT["project"]["requires-python"] == f">={versions[0]}"
    assert any(".ci/run" in step.get("run", "") for step in job["steps"])


def test_a_release_builds_source_wheel_and_documentation():
    script = "\n".join(step.get("run", "") for step in steps(ROOT / ".github" / "workflows" / "release.yml"))
    assert "python -m build" in script
    assert "make docs" in script
    kept = [step["with"]["path"] for step in steps(ROOT / ".github" / "workflows" / "release.yml")
            if step.get("uses", "").startswith("actions/upload-artifact")]  # fmt: skip
    assert kept == ["dist", "build/site"]


def test_one_version_stands_everywhere():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert "version" not in PROJECT["project"], "the package says it alone"
    assert cited["version"] == poolsweep.__version__ == importlib.metadata.version("poolsweep")
    assert re.search(rf"^## \[?{re.escape(poolsweep.__version__)}\b", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
