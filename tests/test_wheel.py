"""The wheel carries its configs and its Hydra plugin, and runs outside the checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from checkout import CONTRIBUTING, README, ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps",
        "--no-build-isolation", "--no-index", "-w", str(folder), str(ROOT),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    [path] = folder.glob("poolsweep-*.whl")
    return path


def test_holds_every_config_and_module(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    configs = {f"poolsweep/{path.relative_to(ROOT)}" for path in (ROOT / "conf").rglob("*.yaml")}
    modules = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src").rglob("*.py")}
    assert configs | modules <= names
    assert not any(name.startswith(("tests/", "conf/", "src/")) for name in names)


def test_an_index_page_has_no_link_to_a_file_beside_it(wheel: Path):
    archive = zipfile.ZipFile(wheel)
    [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    page = archive.read(name).decode()
    assert "`docs/slurm.md`" in page, "premise: README names files of the checkout"
    assert not re.findall(r"\]\((?!https?:|#)", page)


def test_runs_outside_the_checkout(wheel: Path, tmp_path: Path):
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code = (
        "import sys; import poolsweep, hydra_plugins.poolsweep_grid; from poolsweep.cli import main\n"
        f"assert poolsweep.__file__.startswith({str(installed)!r}), poolsweep.__file__\n"
        f"assert hydra_plugins.poolsweep_grid.__file__.startswith({str(installed)!r})\n"
        "sys.exit(main(['train', '--cfg', 'all', 'pooling=cls']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=elsewhere, capture_output=True, text=True, timeout=180, check=False,
        env={**os.environ, "PYTHONPATH": str(installed)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = yaml.safe_load(done.stdout)
    assert printed["pooling"]["tokens"]["_target_"] == "poolsweep.pooling.tokens.cls.Cls"
    assert printed["hydra"]["sweeper"]["_target_"] == "hydra_plugins.poolsweep_grid.grid_sweeper.GridSweeper"
    assert printed["hydra"]["runtime"]["config_sources"][1]["path"] == str(installed / "poolsweep" / "conf")
    assert not list(elsewhere.iterdir())


def test_the_source_archive_has_what_readme_links_to():
    """Links and images of README and CONTRIBUTING lead into the archive: there is no public address for them."""
    text = README.read_text(encoding="utf-8") + CONTRIBUTING.read_text(encoding="utf-8")
    linked = {target.partition("#")[0] for target in re.findall(r"\]\((?!https?:|#)([^)\s]+)", text)}
    assert linked, "premise"
    included = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["sdist"][
        "include"
    ]
    assert {target.split("/")[0] for target in linked} | {"Makefile", "CONTRIBUTING.md"} <= set(included)
    assert all((ROOT / target).exists() for target in linked)
