"""Data files at random, with the rows that an independent reading finds in them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_DIRTY = (
    "", " ", "a", "NA", "null", "007", "1e5", "-", "=1+1", "it's", 'say "no"', "a,b", "a;b", "a\tb", "line\nbreak",
    "naïve 数据 🦉", "  padded  ", "\\n", "#5", "x" * 20000, "None", "12:30", "a|b", "\u200b", "é" * 30, "'", "<b>",
)  # fmt: skip
_LABELS: tuple[tuple[Any, ...], ...] = (
    ("cat", "dog"), ("a", "b", "c"), (0, 1), (1, 2, 10), ("01", "1"), (True, False), (0.0, 1.0), (0.5, 1.5),
    ("NA", "null"), ("neg", "neg ", "pos"), ("Pos", "pos"), (-1, 0, 1), ("é", "e"), ("2024-01-01", "2024-01-02"),
    ("only",), (None, "a", "b"), (float("nan"), 1.0, 2.0), ("", "x", "y"), ("a,b", 'c"d'),
    (2**60, 2**60 + 1), ("nan", "inf"),
)  # fmt: skip


@dataclass
class Table:
    """A data file.

    Attributes:
        path: Where it was written.
        options: Overrides that it is read with.
        rows: Text and label of each row, ``None`` = missing; None if there is no telling what they are.
        plain: Whether refusing it would be wrong.
        oddities: What was done to it.
    """

    path: Path
    options: list[str]
    rows: list[tuple[Any, Any]] | None
    plain: bool
    oddities: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.path.name} {' '.join(self.options)} ({', '.join(self.oddities) or 'nothing odd'})"


def table(rng: Random, folder: Path) -> Table:
    """Write a data file."""
    ending = rng.choices(["csv", "tsv", "jsonl", "parquet", "txt"], weights=[50, 15, 20, 14, 1])[0]
    labels = rng.choice(_LABELS) if rng.random() < 0.4 else ("cat", "dog")
    count = rng.choices([40, 12, 1, 0, 200], weights=[80, 8, 4, 4, 4])[0]
    rows = [(_text(rng, i), labels[i % len(labels)]) for i in range(count)]
    writers: dict[str, Callable[[Random, Path, list], Table]] = {
        "csv": _csv, "tsv": _csv, "jsonl": _jsonl, "parquet": _parquet, "txt": _csv,
    }  # fmt: skip
    made = writers[ending](rng, folder / rng.choice([f"t.{ending}", f"réviews[1].{ending}", f"a b.{ending}"]), rows)
    names = {_key(label) for label in labels}
    clean = count >= 40 and len(names) > 1 and not names & {"", "nan", "none"}
    kinds = len({name.strip().lower() for name in names}) == len(names) and not any(
        isinstance(n, float) for n in labels
    )
    made.plain = made.plain and clean and kinds and ending != "txt" and all(text.strip(" \u200b") for text, _ in rows)
    return made


def same(read: list[list[Any]], expected: list[tuple[Any, Any]]) -> str | None:
    """What differs between the rows that were read, as text, and those expected; None = nothing."""
    if len(read) != len(expected):
        return f"{len(read)} rows were read, {len(expected)} are there"
    for number, (found, wanted) in enumerate(zip(read, expected, strict=True), 1):
        for name, one, other in zip(("text", "label"), found, wanted, strict=True):
            if one not in spellings(other):
                return f"row {number}: {name} {str(one)[:60]!r} is {str(other)[:60]!r} in the file"
    return None


def _text(rng: Random, number: int) -> str:
    return f"{rng.choice(_DIRTY) if rng.random() < 0.2 else ('meow', 'woof')[number % 2]} {number}"


def _key(label: Any) -> str:
    return "" if label is None else str(label).lower() if label != label else str(label)


def spellings(value: Any) -> set[str | None]:
    """The texts that stand for a value of a file; a number has several."""
    if isinstance(value, str) or value is None:
        return {value}
    return {str(value), json.dumps(value), str(value).lower(), f"{value:g}" if isinstance(value, float) else str(value)}


def _csv(rng: Random, path: Path, rows: list[tuple[str, Any]]) -> Table:
    """A csv or tsv file: columns beside the two, a way of quoting, line ends, an encoding, and damage."""
    tabs = path.suffix == ".tsv"
    made = Table(path, [], None, plain=True)
    header, body = ["text", "label"], [[text, "" if label is None else str(label)] for text, label in rows]
    between = "\t" if tabs else rng.choices([",", ";", "\t", "|"], weights=[80, 8, 6, 6])[0]
    quoting = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
    _columns(rng, made, header, body)
    if tabs:
        made.options += rng.choice([[], ["data.quoted=true"], ["data.quoted=false"]])
        if "data.quoted=true" not in made.options:
            body = [[" ".join(cell.split("\t")).replace("\n", " ").replace('"', "'") for cell in row] for row in body]
            quoting = csv.QUOTE_MINIMAL
    out = io.StringIO(newline="")
    ending = rng.choices(["\n", "\r\n", "\r"], weights=[70, 25, 5])[0]
    csv.writer(out, delimiter=between, quoting=quoting, lineterminator=ending).writerows([header, *body])
    text = out.getvalue()
    made.plain = (
        made.plain
        and between in ",\t;"
        and ending != "\r"
        and not (between != "," and any("," in name for name in header))
    )
    made.oddities += [f"separator {between!r}"] * (between != "," and not tabs) + [f"line end {ending!r}"] * (
        ending != "\n"
    )
    content = _damage(rng, made, text, between, ending)
    path.write_bytes(content)
    made.rows = _independent(content, made, between)
    return made


def _columns(rng: Random, made: Table, header: list[str], body: list[list[str]]) -> None:
    """Add, rename and move columns, in place."""
    odd = rng.choices(
        ["", "index", "trailing", "more", "named", "moved", "spaces", "twice", "case"], weights=[50, *[6] * 8]
    )[0]
    if odd == "index":
        header.insert(0, "")
        _ = [row.insert(0, str(i)) for i, row in enumerate(body)]
    elif odd == "trailing":
        header.extend(["", ""])
        _ = [row.extend(["", ""]) for row in body]
    elif odd == "more":
        header.insert(1, "note, long")
        _ = [row.insert(1, rng.choice(["", "x", "a,b", "1"])) for row in body]
    elif odd == "named":
        header[0] = rng.choice(["review", "stars (1-5)", "naïve", "text:raw", "a.b", "Unnamed: 0"])
        made.options.append(f"data.text='{header[0]}'")
    elif odd == "moved":
        header.reverse()
        _ = [row.reverse() for row in body]
    elif odd == "spaces":
        header[1] = " label"
        made.plain = False
    elif odd == "twice":
        header.append(rng.choice(["label", "text", "x"]))
        header.append(header[-1])
        _ = [row.extend(["b", "b"]) for row in body]
        made.plain = False
    elif odd == "case":
        header[0] = "Text"
        made.plain = False
    made.oddities += [f"columns {odd}"] * bool(odd)


def _damage(rng: Random, made: Table, text: str, between: str, ending: str) -> bytes:
    """The bytes of the file, which in a third of all files are not what a writer meant."""
    lines = text.split(ending)
    at = rng.randrange(1, len(lines)) if len(lines) > 1 else 0
    odd = rng.choice([
        "mark", "mark", "end", "blank end", "long row", "short row", "stray quote", "blank", "no header", "sep=", "NUL",
        "latin-1", "utf-16", "half", "mixed ends", "bytes", "comment", "quote in word",
    ])  # fmt: skip
    if rng.random() < 0.6:
        return text.encode()
    made.oddities.append(odd)
    if odd == "mark":
        return b"\xef\xbb\xbf" + text.encode()
    if odd in {"end", "blank end"}:
        return (text.rstrip("\r\n") if odd == "end" else text + 2 * ending).encode()
    made.plain = False
    changed = {
        "long row": lambda line: line + between + "more",
        "short row": lambda line: line.partition(between)[0],
        "stray quote": lambda line: f'"{line}',
        "blank": lambda line: ending + line,
        "comment": lambda line: f"# {line}",
        "quote in word": lambda line: f'5" {line}',
        "NUL": lambda line: f"\x00{line}",
        "half": lambda line: line[: len(line) // 2],
    }
    if odd in changed:
        lines[at] = changed[odd](lines[at])
        return ending.join(lines[: at + 1] if odd == "half" else lines).encode()
    if odd == "mixed ends":
        return (text[: len(text) // 2] + text[len(text) // 2 :].replace("\n", "\r\n")).encode()
    if odd == "bytes":
        return text.encode().replace(b"o", b"\xff", 1)
    if odd == "no header":
        return ending.join(lines[1:]).encode()
    if odd == "sep=":
        return (f"sep={between}{ending}" + text).encode()
    return text.encode("utf-16" if odd == "utf-16" else "latin-1", errors="replace")


def _independent(content: bytes, made: Table, between: str) -> list[tuple[Any, Any]] | None:
    """The rows by the csv module; None if the file cannot be told apart from garbage."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if text.startswith("sep="):
        text = text.partition("\n")[2]
    bare = made.path.suffix == ".tsv" and "data.quoted=true" not in made.options
    quoting = csv.QUOTE_NONE if bare else csv.QUOTE_MINIMAL
    found = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=between, quoting=quoting) if row]
    wanted = next((one[len("data.text='") : -1] for one in made.options if one.startswith("data.text=")), "text")
    if not found or {wanted, "label"} - set(found[0]) or len(set(found[0]) - {""}) < len([n for n in found[0] if n]):
        return None
    places = found[0].index(wanted), found[0].index("label")
    if any(len(row) > len(found[0]) for row in found[1:]):
        return None
    texts = [tuple(row[place] if place < len(row) else None for place in places) for row in found[1:]]
    return [(text, label) for text, label in texts]


def _jsonl(rng: Random, path: Path, rows: list[tuple[str, Any]]) -> Table:
    made = Table(path, [], None, plain=True)
    items = [
        {"text": text, "label": label} | ({"more": {"a": [1, None]}} if i % 3 else {})
        for i, (text, label) in enumerate(rows)
    ]
    lines = [json.dumps(item, ensure_ascii=rng.random() < 0.5) for item in items]
    at = rng.randrange(len(lines)) if lines else 0
    odds = {
        "null": "null", "list": '["a", "b"]', "number": "7", "half": '{"text": "a", "lab', "blank": "",
        "missing": '{"text": "a"}', "nested": '{"text": {"a": 1}, "label": "cat"}',
        "other type": '{"text": "a", "label": [1]}', "twice": '{"text": "a", "text": "b", "label": "cat"}',
    }  # fmt: skip
    odd = rng.choices(["", *odds, "mark", "array"], weights=[50, *[5] * (len(odds) + 2)])[0]
    if odd in odds:
        lines.insert(at, odds[odd])
    content = "\n".join(lines) + "\n" * (rng.random() < 0.8)
    if odd == "array":
        content = json.dumps(items, indent=rng.choice([None, 1]))
    path.write_bytes((b"\xef\xbb\xbf" if odd == "mark" else b"") + content.encode())
    made.plain = odd in {"", "blank"} and all(isinstance(label, str | int) for _, label in rows)
    made.oddities += [odd] * bool(odd)
    if odd in {"", "blank", "mark", "array"}:
        made.rows = [(item["text"], item["label"]) for item in items]
    elif odd == "twice":
        made.rows = [(one["text"], one["label"]) for one in map(json.loads, lines)]
    return made


def _parquet(rng: Random, path: Path, rows: list[tuple[str, Any]]) -> Table:
    made = Table(path, [], [*rows], plain=True)
    texts, labels = pa.array([text for text, _ in rows], pa.string()), pa.array([label for _, label in rows])
    odd = rng.choices(
        ["", "dictionary", "large", "binary", "null text", "list", "half", "bit", "groups", "date"],
        weights=[40, *[6] * 9],
    )[0]
    if odd == "dictionary":
        labels = labels.dictionary_encode()
    elif odd == "large":
        texts = texts.cast(pa.large_string())
    elif odd == "binary":
        texts = pa.array([text.encode() for text, _ in rows], pa.binary())
    elif odd == "null text":
        texts = pa.nulls(len(rows), pa.string() if rng.random() < 0.5 else pa.null())
    elif odd == "list":
        texts = pa.array([[text] for text, _ in rows], pa.list_(pa.string()))
    elif odd == "date":
        labels = pa.array([i % 2 for i in range(len(rows))], pa.int32()).cast(pa.date32())
    pq.write_table(pa.table({"text": texts, "label": labels}), path, row_group_size=7 if odd == "groups" else None)
    if odd in {"half", "bit"}:
        content = bytearray(path.read_bytes())
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content[: len(content) // 2] if odd == "half" else content)
    made.oddities += [odd] * bool(odd)
    made.plain = odd in {"", "large", "groups", "dictionary"}
    made.rows = made.rows if odd in {"", "large", "groups", "binary", "dictionary"} else None
    return made
