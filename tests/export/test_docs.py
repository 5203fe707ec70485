"""docs/export.md says what the formats say of themselves."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from poolsweep.export.formats import NAMES

ROOT = Path(__file__).parents[2]


def test_the_table_of_presets_is_what_the_formats_say():
    path = ROOT / "experiments" / "export" / "table.py"
    spec = importlib.util.spec_from_file_location("export_table", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = module.PAGE.read_text(encoding="utf-8")
    assert module.with_table(page) == page, "python experiments/export/table.py --write"
    assert page.count("custom code") > 33, "premise: the table is there"


def test_every_format_and_option_is_on_the_page(cli, capsys):
    page = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
    for name in (*NAMES, "--vectors", "--int8", "--proof", "--push", "--yes", "--public"):
        assert f"`{name}`" in page or f"`{name} " in page, name
