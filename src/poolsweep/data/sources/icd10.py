"""The embedded default: short diagnosis descriptions, labelled with their ICD-10-CM chapter."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from poolsweep.data.cache import cached
from poolsweep.data.source import Source
from poolsweep.data.split_off import Splitting, split_rows
from poolsweep.data.splits import Split, Splits
from poolsweep.errors import UserError

_DROPPED_CHAPTER = "22"  # "Codes for special purposes": five rows


class Icd10(Source):
    """The 12,009 diagnoses of up to four characters that the package ``simple-icd-10-cm`` carries.

    21 chapters are the labels. The table comes sorted by chapter. It is split 80/10/10 by three-character category,
    so that near-duplicates ("Cholera", "Cholera, unspecified") stay together.

    Args:
        split_seed: The split is a function of it alone.
        folds: Folds of the rows, each held out for test once; None = the tenth that ``split_seed`` chooses.
        fold: The fold that is held out, 0 to ``folds`` − 1.
    Reference:
        ICD-10-CM, US National Center for Health Statistics (public domain), as packaged by simple-icd-10-cm.
    """

    def __init__(self, *, split_seed: int, folds: int | None = None, fold: int | None = None) -> None:
        self.splitting = Splitting(1 / 9, 0.1, split_seed, folds, fold)

    def fingerprint(self) -> str:
        """The package and its version."""
        try:
            return f"simple-icd-10-cm {importlib.metadata.version('simple-icd-10-cm')}"
        except importlib.metadata.PackageNotFoundError:
            return "simple-icd-10-cm"

    def read(self) -> Splits:
        """Read the package, or what the cache has of it.

        Raises:
            UserError: If the package is missing.
        """
        from datasets import Dataset

        if importlib.util.find_spec("simple_icd_10_cm") is None:
            raise UserError("data=icd10 needs the package simple-icd-10-cm: pip install 'poolsweep[demo]'")
        version = self.fingerprint()
        table = _table(version)
        categories = pa.array([code[:3] for code in table.column("code").to_pylist()])
        rows = Dataset(table.select(["text", "label"]).append_column("group", categories))
        found = {"train": Split("train", "icd10", rows, np.arange(len(rows)))}
        splits, notes = split_rows(found, self.splitting, of="icd10", strata=self.strata)
        return Splits(splits["train"], splits["validation"], splits.get("test"), notes=notes, given_id=version)

    def read_again(self) -> Splits:
        """Read the package again, as ``read`` does."""
        return self.read()


def _table(version: str) -> pa.Table:
    """The codes in the book's order, from the cache if they were read before (importing the package takes seconds)."""

    def make(folder: Path) -> dict[str, None]:
        pq.write_table(_read_package(), folder / "table.parquet")
        return {}

    found = cached("icd10", version, make, what="diagnoses that were read before")
    return pq.read_table(found.folder / "table.parquet")


def _read_package() -> pa.Table:
    with warnings.catch_warnings():  # it reads its tables by a function that Python 3.11 deprecates
        warnings.filterwarnings("ignore", message=r"read_text is deprecated", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message=r"open_text is deprecated", category=DeprecationWarning)
        import simple_icd_10_cm as book

    chapter = ""
    rows: dict[str, tuple[str, str]] = {}
    for code in book.get_all_codes(with_dots=False):
        if book.is_chapter(code):
            chapter = code
        elif chapter != _DROPPED_CHAPTER and len(code) <= 4 and (book.is_category(code) or book.is_subcategory(code)):
            rows.setdefault(code, (book.get_description(code), chapter))
    texts, labels = zip(*rows.values(), strict=True)
    return pa.table({"code": list(rows), "text": list(texts), "label": list(labels)})
