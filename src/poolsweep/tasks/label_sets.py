"""The contract of several labels a text: their names, their thresholds, and how a text's labels are written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from pyarrow import compute

from poolsweep.errors import nearest
from poolsweep.tasks.contract import Contract
from poolsweep.tasks.labels import Labels
from poolsweep.tasks.temperature import mean_temperature, read_temperature

pc: Any = compute  # its functions are made when it is imported, so no type checker sees them

SEPARATORS = ("|", ";", ",")  # a name is least likely to hold the first


@dataclass(frozen=True)
class LabelSets(Contract):
    """Label names in the order of their ids, with the threshold of each.

    Attributes:
        names: ``names[i]`` is the label of logit i.
        thresholds: A label is predicted from this probability on.
        separator: Stands between the labels of a text where they are not a list.
        temperature: Number that logits are divided by.
    """

    names: tuple[str, ...]
    thresholds: tuple[float, ...]
    separator: str = "|"
    temperature: float = 1.0
    blank_hint: ClassVar[str] = "; a text without labels is written []"

    @classmethod
    def read(cls, content: Any) -> LabelSets:  # noqa: ANN401
        """Read what a ``labels.json`` holds, which may be a stranger's.

        Raises:
            ValueError: If it has no ids 0, 1, 2, …, or no threshold for each.
        """
        if not isinstance(content, dict) or content.keys() - {"temperature"} != {"labels", "separator", "thresholds"}:
            raise ValueError("labels must have labels, separator and thresholds")
        names, separator, thresholds = Labels.read(content["labels"]).names, content["separator"], content["thresholds"]
        if not isinstance(separator, str) or not separator:
            raise ValueError("a separator must be a text")
        if not isinstance(thresholds, list) or len(thresholds) != len(names):
            raise ValueError("each label must have a threshold")
        if not all(type(one) in (int, float) and 0 <= one <= 1 for one in thresholds):
            raise ValueError("thresholds must be numbers from 0 to 1")
        return cls(names, tuple(map(float, thresholds)), separator, read_temperature(content.get("temperature", 1)))

    def to_mapping(self) -> dict[str, Any]:
        """Names with their ids, separator, the threshold of each id, and the temperature if there is one."""
        labels = {name: i for i, name in enumerate(self.names)}
        found = {"labels": labels, "separator": self.separator, "thresholds": list(self.thresholds)}
        return found if self.temperature == 1 else found | {"temperature": self.temperature}

    def encode(self, column: pa.ChunkedArray) -> np.ndarray:
        """A mark for each label that a text has; names that are unknown are left out.

        Shape:
            column (N,) string; returns (N, C) uint8.
        Example:
            >>> LabelSets(("a", "b"), (0.5, 0.5)).encode(pa.chunked_array([["b|a", "[]", "b"]])).tolist()
            [[1, 1], [0, 0], [0, 1]]
        """
        codes = pc.dictionary_encode(pc.fill_null(column, "")).combine_chunks()
        place = {name: i for i, name in enumerate(self.names)}
        marks = np.zeros((len(codes.dictionary), len(self.names)), dtype=np.uint8)
        for row, cell in enumerate(codes.dictionary.to_pylist()):
            marks[row, [place[name] for name in labels_in(cell, self.separator) if name in place]] = 1
        return marks[codes.indices.to_numpy()]

    def unknown(self, column: pa.ChunkedArray, *, where_seen: str) -> dict[str, tuple[str, str]]:
        """Texts whose labels hold a name that the contract does not have, with the nearest that it has."""
        found = {}
        for cell in pc.unique(column).to_pylist():
            strange = next((n for n in labels_in(cell or "", self.separator) if n not in self.names), None)
            if strange is not None:
                found[cell] = (f"label {strange!r}", f"is not in {where_seen}; {nearest(strange, self.names)}")
        return found

    def together(self, others: Sequence[Contract]) -> LabelSets:
        """The same names with the means of thresholds and temperatures.

        Raises:
            ValueError: If the names differ.
        """
        alike = [other for other in others if isinstance(other, LabelSets) and other.names == self.names]
        if len(alike) < len(others):
            raise ValueError("have other labels")
        mean = np.mean([one.thresholds for one in (self, *alike)], axis=0)
        return replace(self, thresholds=tuple(map(float, mean)), temperature=mean_temperature([self, *others]))


def labels_in(cell: str, separator: str) -> tuple[str, ...]:
    """The labels of a text, each once, in the order in which they are written.

    Args:
        cell: A JSON list, or names with something between them.
        separator: What stands between names that are no list.
    Example:
        >>> labels_in("joy | fear|joy", "|"), labels_in('["a|b"]', "|"), labels_in("[]", "|")
        (('joy', 'fear'), ('a|b',), ())
    """
    listed = _listed(cell)
    names = listed if listed is not None else [part.strip() for part in cell.split(separator)]
    return tuple(dict.fromkeys(name for name in names if name))


@lru_cache(maxsize=2**12)
def _listed(cell: str) -> tuple[str, ...] | None:
    """The items of a JSON list of names or numbers; None where the cell is none."""
    if not re.match(r"\s*\[", cell):
        return None
    try:
        found = json.loads(cell, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    whole = isinstance(found, list) and all(isinstance(one, str) for one in found)
    return tuple(one.strip() for one in found) if whole else None


def as_list(names: Iterable[str]) -> str:
    """Labels of a text as ``labels_in`` reads them, whatever characters they hold.

    Example:
        >>> as_list(["a, b", "c"])
        '["a, b", "c"]'
    """
    return json.dumps(list(names), ensure_ascii=False)


def is_list(cell: str) -> bool:
    """Whether a text is a list of labels, rather than one label or several with a separator."""
    return _listed(cell) is not None


def found_separator(cells: Iterable[str], *, given: Sequence[str] = ()) -> tuple[str, bool]:
    """What stands between the labels of a text, and whether it does so anywhere.

    Args:
        cells: Labels of texts.
        given: Names that are known to be whole.
    Example:
        >>> found_separator(["joy|fear", "anger, mild"]), found_separator(["joy", "fear"])
        (('|', True), ('|', False))
    """
    whole = set(given)
    plain = [cell for cell in cells if cell not in whole and not is_list(cell)]
    usable = [one for one in SEPARATORS if not any(one in name for name in whole)] or ["\x1f"]
    return next(((one, True) for one in usable if any(one in cell for cell in plain)), (usable[0], False))
