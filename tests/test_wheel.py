"""The wheel, made from the source archive, carries its configs and its Hydra plugins, and runs outside a checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from checkout import CONTRIBUTING, README, ROOT
from package import build

import poolsweep


@pytest.fixture(scope="module")
def source_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked source archive."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build(ROOT, folder, "sdist")) as archive:
        archive.extractall(folder, filter="data")
    return folder / f"poolsweep-{poolsweep.__version__}"


@pytest.fixture(scope="module")
def wheel(source_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that is made of it."""
    return build(source_archive, tmp_path_factory.mktemp("wheel"), "wheel")


def test_the_source_archive_makes_the_wheel_of_the_checkout(wheel: Path, tmp_path: Path):
    of_checkout = zipfile.ZipFile(build(ROOT, tmp_path, "wheel"))
    sizes = {one.filename: one.CRC for one in of_checkout.infolist()}
    assert sizes == {one.filename: one.CRC for one in zipfile.ZipFile(wheel).infolist()}


def test_the_source_archive_can_test_itself(source_archive: Path):
    there = {str(path.relative_to(source_archive)) for path in source_archive.rglob("*") if path.is_file()}
    tests = {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("*.py")}
    assert tests | {"pyproject.toml", "constraints.txt", "Makefile", ".ci/run", ".github/workflows/ci.yml"} <= there
    assert not [name for name in there if "__pycache__" in name or name.startswith((".venv", "outputs", "build"))]


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
