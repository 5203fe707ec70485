"""``poolsweep.run_sweep``: the sweep of ``poolsweep train -m``, from Python."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Quote, QuotedString

from poolsweep.api.contained import sweep
from poolsweep.api.frames import stored
from poolsweep.api.study import Study, load_study
from poolsweep.conf_dir import config_dirs
from poolsweep.errors import UserError
from poolsweep.runs.locate import output_root as default_root


def run_sweep(
    train: Any = None,  # noqa: ANN401
    *,
    text: str = "text",
    label: str = "label",
    text_pair: str | None = None,
    group: str | None = None,
    labels: Sequence[Any] | None = None,
    validation: Any = None,  # noqa: ANN401
    test: Any = None,  # noqa: ANN401
    task: str | None = None,
    pooling: str | Sequence[str] | None = None,
    seeds: int | Sequence[int] = 3,
    encoder: str | None = None,
    frozen: bool = False,
    study: str | None = None,
    name: str | None = None,
    output_root: str | Path | None = None,
    overrides: Sequence[str] = (),
    progress: bool = True,
) -> Study:
    """Train every pooling over every seed, and test each run once, as ``poolsweep train -m`` does.

    Runs that have finished are skipped, and interrupted ones go on: called again with the same rows and choices, it
    returns at once. Rows are known by their content, whether they come as a data frame or as a file.

    Args:
        train: Training rows: a pandas or polars data frame, an Arrow table, a ``datasets.Dataset``, a dict of columns,
            a list of dicts, a pair ``(texts, labels)``, or the path of a csv, tsv, jsonl or parquet file; None = what
            ``overrides`` say (``data=icd10``).
        text: Name of the column with the text.
        label: Name of the column with the label, of whatever plain type; label names are strings from here on.
        text_pair: Name of the column with a second text, if each example is a pair.
        group: Name of a column of the training rows; rows with the same value stay in one split, or one fold.
        labels: Label names in the order of their ids; None = sorted, numbers numerically.
        validation: Validation rows, like ``train``; None = split off, stratified and seeded.
        test: Test rows, like ``train``; None = split off, stratified and seeded.
        task: What is predicted: ``classification``, ``regression``, …; None = what ``overrides`` say, or the task that
            the labels are plainly for.
        pooling: Presets (``poolsweep poolings``); None = what ``overrides`` say, or ``masked_mean``.
        seeds: Number of seeds, 0 first; or the seeds.
        encoder: Option of ``encoder``, a model of the hub, or a folder; None = ``minilm``.
        frozen: Read each text once with an encoder that stays as it is, and solve a linear head on its vectors
            (``encoder.frozen=true trainer=probe``); ``overrides=["trainer=default"]`` trains the head instead, which
            poolings with parameters of their own need.
        study: Name of the study; None = ``default``.
        name: Name of the data set in the leaderboard; None = that of the file, or of the study.
        output_root: Folder of all studies; None = ``POOLSWEEP_OUTPUTS``, or ``outputs``.
        overrides: Any other keys, as they are typed: ``["optimizer.lr=1e-3,1e-4", "sweep=race"]``.
        progress: Whether to show a progress bar, and notes on the data.
    Returns:
        The study with all of its runs, also earlier ones.
    Raises:
        UserError: For a mistake in arguments, rows or overrides; nothing has run then.
        SweepFailedError: If a run failed; ``load_study`` has the others.
    Example:
        >>> run_sweep([{"text": "meow"}], overrides=["encoder=tiny"])
        Traceback (most recent call last):
        poolsweep.errors.UserError: train has no column 'label'; valid: text
    """
    root = Path(output_root) if output_root is not None else default_root()
    called = None if isinstance(train, (str, Path)) else study or "data"
    columns = {"text": text, "label": label} | ({} if text_pair is None else {"text_pair": text_pair})
    columns |= {} if group is None else {"group": group}
    splits = {"train": train, "validation": validation, "test": test}
    typed = [] if train is None else [*_data(splits, columns, labels=labels, root=root, name=name or called)]
    if train is None and (validation is not None or test is not None):
        raise UserError("validation and test go with train, which must be given too")
    typed += _choices(pooling, seeds, encoder, frozen=frozen, overrides=overrides)
    typed += [written("task", task)] if task is not None else []
    typed += [written("study", study)] if study is not None else []
    typed += [written("output_root", str(output_root))] if output_root is not None else []
    return load_study(sweep([*typed, *overrides], progress=progress))


def _data(
    splits: Mapping[str, object],
    columns: Mapping[str, str],
    *,
    labels: Sequence[Any] | None,
    root: Path,
    name: str | None,
) -> Iterator[str]:
    """The overrides that name the rows."""
    yield "data=files"
    for key, column in columns.items():
        yield written(f"data.{key}", column)
    names = [columns[key] for key in ("text", "text_pair", "label") if key in columns]
    for split, given in splits.items():
        if given is None:
            continue
        asked = [*names, columns["group"]] if split == "train" and "group" in columns else names
        path, brought = stored(
            given, asked, label=columns["label"], where=split, root=root, stem=f"{name or 'data'}-{split}"
        )
        yield written(f"data.{split}", str(path))
        if split == "train" and labels is None:
            labels = brought
    if name is not None:
        yield written("data.name", name)
    if labels is not None:
        yield written("data.labels", list(labels))


def _choices(
    pooling: str | Sequence[str] | None, seeds: int | Sequence[int], encoder: str | None, *, frozen: bool,
    overrides: Sequence[str],
) -> Iterator[str]:  # fmt: skip
    """The overrides that say what is trained."""
    if isinstance(overrides, str):
        raise UserError(f"overrides must be a list of what is typed, got {overrides!r}: overrides=[{overrides!r}]")
    if encoder is not None:
        folders = [folder / "encoder" for folder in config_dirs()]
        is_option = any((folder / f"{encoder}.yaml").is_file() for folder in folders)
        is_model = not is_option and ("/" in encoder or Path(encoder).is_dir())
        yield from ("encoder=hub", written("encoder.model", encoder)) if is_model else (f"encoder={encoder}",)
    if frozen:
        yield "encoder.frozen=true"
        if not any(override.lstrip("+").startswith("trainer=") for override in overrides):
            yield "trainer=probe"
    if pooling is not None:
        yield f"pooling={pooling if isinstance(pooling, str) else ','.join(pooling)}"
    count = range(int(seeds)) if isinstance(seeds, Integral) else ()
    found: list[Any] = list(seeds) if isinstance(seeds, Iterable) else list(count)
    if not found or not all(isinstance(seed, Integral) for seed in found):
        raise UserError(f"seeds must be a whole number above 0 or a list of whole numbers, got {seeds!r}")
    yield f"seed={','.join(map(str, found))}"


def written(key: str, value: Any) -> str:  # noqa: ANN401
    """An override in Hydra's grammar, whatever characters its value has.

    Example:
        >>> print(written("data.label", 'Stars "1,5"'), written("data.labels", ["a", 1, True]))
        data.label="Stars \\"1,5\\"" data.labels=["a",1,true]
    """
    return f"{key}={_value(key, value)}"


def _value(key: str, value: Any) -> str:  # noqa: ANN401
    if isinstance(value, list):
        return f"[{','.join(_value(key, one) for one in value)}]"
    if hasattr(value, "item"):  # a number of numpy
        value = value.item()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    text = str(value)
    if "${" in text or "\n" in text:
        raise UserError(f"{key} holds {text!r}: ${{ and ends of lines cannot stand in a config")
    return QuotedString(text, Quote.double).with_quotes()
