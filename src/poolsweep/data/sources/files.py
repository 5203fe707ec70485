"""The user's own files: csv, tsv, jsonl or parquet."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import xxhash

from poolsweep.data.formats.columns import Asked, LabelColumns, columns_of, require_different
from poolsweep.data.source import Source
from poolsweep.data.sources.rows import READERS, rows_of_file
from poolsweep.data.split_off import Splitting, split_rows
from poolsweep.data.splits import Split, Splits
from poolsweep.errors import UserError
from poolsweep.files.hashing import file_hash
from poolsweep.files.missing import instead_of
from poolsweep.tasks.labels import names_as_read


class Files(Source):
    """One file per split; a split without a file is split off the training file.

    Everything is read as text: ``"007"``, ``"NA"`` and ``"null"`` stay what they are. Paths are taken literally.

    Args:
        train: Path of the training file.
        validation: Path; None = ``validation_fraction`` of the training rows, stratified and seeded.
        test: Path; None = ``test_fraction`` of the training rows, stratified and seeded.
        name: How the data set is called in leaderboards; None = made of the path.
        text: Name of the column with the text.
        text_pair: Name of the column with a second text, if each example is a pair.
        label: Name of the column with the label or, of several labels a text, the list of them; or the names of
            several columns of 0 and 1, one for each label.
        labels: All label names in the order of their ids; None = those of the training split, sorted.
        quoted: Whether ``"`` quotes fields; None = in csv, but not in tsv.
        validation_fraction: Share of the training rows, if split off.
        test_fraction: Share of the training rows, if split off.
        split_seed: Seed of the splitting.
        folds: Folds of the training rows, each held out once: for test, or for validation where ``test`` is given.
        fold: The fold that is held out, 0 to ``folds`` − 1.
        group: Name of a column of the training file; rows with the same value go into the same split.
    """

    found_by = ("train", "validation", "test", "name")

    def __init__(
        self,
        *,
        train: str,
        validation: str | None = None,
        test: str | None = None,
        name: str | None = None,
        text: str = "text",
        text_pair: str | None = None,
        label: LabelColumns = "label",
        labels: list[str | int | float | bool] | None = None,
        quoted: bool | None = None,
        validation_fraction: float = 0.1,
        test_fraction: float = 0.1,
        split_seed: int = 0,
        folds: int | None = None,
        fold: int | None = None,
        group: str | None = None,
    ) -> None:
        self.paths = {"train": train, "validation": validation, "test": test}
        self.columns = columns_of(text, text_pair, label)
        self.columns_named = None if isinstance(label, str) else tuple(label)
        self.labels, self.quoted, self.name, self.group = labels, quoted, name, group
        self.splitting = Splitting(validation_fraction, test_fraction, split_seed, folds, fold)

    def fingerprint(self) -> str:
        """The content of the files, by split."""
        content = {split: None if path is None else _content(path) for split, path in self.paths.items()}
        return xxhash.xxh3_128_hexdigest(json.dumps(content).encode())

    def read(self) -> Splits:
        """Read the files.

        Raises:
            UserError: With every problem, if a file or a column is missing, or a file cannot be read.
        """
        require_different(self._columns("train"))
        content = self.fingerprint()
        found, problems, cautions, given = {}, [], [], None
        for split, path in self.paths.items():
            if path is not None:
                try:
                    rows, about = rows_of_file(self._asked(split, path))
                    found[split] = Split(split, str(path), rows, np.arange(len(rows)))
                    cautions += [f"{path}: {caution}" for caution in about.cautions]
                    given = about.label_names if split == "train" else given
                except UserError as error:
                    problems += error.problems
        if problems:
            raise UserError(*problems)
        if self.fingerprint() != content:
            raise UserError(f"the files of data.train={self.paths['train']} change while they are read; try again")
        splits, notes = split_rows(found, self.splitting, of=str(self.paths["train"]), strata=self.strata)
        given = self.columns_named or given
        if self.labels is not None:
            given = names_as_read(self.labels, set(splits["train"].column("label").unique().to_pylist()))
        return Splits(
            splits["train"], splits["validation"], splits.get("test"),
            label_names=given, notes=notes, cautions=tuple(dict.fromkeys(cautions)), given_id=content,
        )  # fmt: skip

    def read_again(self) -> Splits:
        """Read the files again, as ``read`` does."""
        return self.read()

    def _asked(self, split: str, path: str) -> Asked:
        return require_file(Asked(Path(path), f"data.{split}={path}", self._columns(split), self.quoted))

    def _columns(self, split: str) -> dict[str, str]:
        return self.columns | ({"group": self.group} if self.group is not None and split == "train" else {})


def _content(path: str) -> str:
    try:
        return file_hash(Path(path)) if Path(path).is_file() else f"no file: {path}"
    except (OSError, ValueError):
        return f"unreadable: {path}"  # said with its reason when it is read


def require_file(asked: Asked) -> Asked:
    """Check that there is a file, and that its ending says how it is read.

    Raises:
        UserError: If not.
    """
    try:
        return _checked(asked)
    except (OSError, ValueError) as error:  # a name that is too long, or that no file can have
        raise asked.refuse(f" cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _checked(asked: Asked) -> Asked:
    path = asked.path
    if path.is_dir():
        raise asked.refuse(" is a folder")
    if path.exists() and not path.is_file():
        raise asked.refuse(" is no regular file; a pipe can be read only once, so write it to a file first")
    if not path.is_file():
        hint = instead_of(path, fits=lambda beside: beside.suffix.lower() in READERS)
        raise asked.refuse(f" does not exist{hint}")
    if path.suffix.lower() not in READERS:
        raise asked.refuse(f" must end in {', '.join(READERS)}")
    if path.stat().st_size == 0:
        raise asked.refuse(" is empty")
    return asked
