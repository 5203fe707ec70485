"""The model card of an export: what the model is, how good, how it was made, how to load it."""

from __future__ import annotations

import html
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import ModelCard, try_to_load_from_cache

from poolsweep import __version__
from poolsweep.errors import UserError
from poolsweep.export.encoder import second_text
from poolsweep.export.format import Format, Wanted
from poolsweep.export.pooling_source import readout_of
from poolsweep.export.proof import Proof
from poolsweep.files.writing import write_whole
from poolsweep.predict.model import known_metrics
from poolsweep.report.contender_key import Arena
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.metric import shown as score
from poolsweep.report.metric import title as metric_title
from poolsweep.report.predicted import read_predictions
from poolsweep.report.results import RunRecord, load_runs
from poolsweep.report.tables import markdown
from poolsweep.runs.folder import RunFolder
from poolsweep.statistics import Scores, mean_score
from poolsweep.terminal.text import in_one_line, shown
from poolsweep.training.load import LoadedRun

CARD = "README.md"
_KINDS = {
    "single_label_classification": "A text classifier",
    "multi_label_classification": "A text classifier that gives each text any number of labels",
    "regression": "A model that gives each text a score",
}
_TRAINING = {"lora": "low-rank adapter, merged into the encoder", "fine-tuned": "fine-tuned encoder"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]#!|~$:@^])")
_MOST_LABELS = 100


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a card is written of.

    Attributes:
        run: The run that was exported.
        source: Folder of the run.
        fmt: Format of the folder.
        wanted: What was asked.
        proof: What the proof found.
        command: What was typed.
    """

    run: LoadedRun
    source: RunFolder
    fmt: Format
    wanted: Wanted
    proof: Proof
    command: Sequence[str]


def write_card(folder: Path, made: Made) -> None:
    """Write ``README.md``; what users and strangers named stands in it as plain text."""
    with write_whole(folder / CARD) as temporary:
        temporary.write_text(card(made), encoding="utf-8", errors="backslashreplace")


def card(made: Made) -> str:
    """The text of a model card, with metadata for the hub."""
    run = RunRecord(made.source.path, made.source.finished() or {})
    metadata = yaml.safe_dump(_metadata(made, run), sort_keys=False, allow_unicode=True)
    parts = [_about(made, run), _loading(made), _labels(made), _scores(run), _study(run), _making(made, run)]
    return f"---\n{metadata}---\n\n" + "\n".join(line for part in parts for line in part)


def plain(text: object) -> str:
    r"""A text that Markdown and HTML show as it is, in one line.

    Example:
        >>> print(plain("<b>*x*</b>\n[a](b)"))
        &lt;b&gt;\*x\*&lt;/b&gt;\\n\[a\](b)
    """
    return html.escape(_SPECIAL.sub(r"\\\1", in_one_line(str(text))), quote=False)


def _metadata(made: Made, run: RunRecord) -> dict[str, Any]:
    base = _encoder_card(made, run)
    model = made.run.config.encoder.get("model")
    known = {name: value for name, value in base.items() if isinstance(value, str)}
    base_model = model if isinstance(model, str) and not Path(model).exists() else known.get("base_model")
    found = {
        "license": known.get("license"),
        "base_model": base_model,
        "pipeline_tag": "feature-extraction" if made.wanted.vectors else "text-classification",
        "library_name": made.fmt.library,
        "tags": ["poolsweep", "pooling", *(["int8"] if made.wanted.int8 else [])],
    }
    return {name: value for name, value in found.items() if isinstance(value, str | list)}


def _encoder_card(made: Made, run: RunRecord) -> dict[str, Any]:
    """The metadata of the encoder's own card, if it lies here: in its folder, or in the hub's cache."""
    for place in run.facts.get("encoder_place") or ():
        path: Any = Path(place) / CARD
        if not path.is_file():
            revision = made.run.config.encoder.get("revision")
            try:
                path = try_to_load_from_cache(str(place).partition("@")[0], CARD, revision=revision)
            except ValueError:  # no name of the hub
                continue
        try:
            if isinstance(path, str | Path):
                return ModelCard.load(path, ignore_metadata_errors=True).data.to_dict()
        except (OSError, ValueError, yaml.YAMLError):
            continue
    return {}


def _about(made: Made, run: RunRecord) -> Iterator[str]:
    facts = run.facts
    kind = "Vectors of texts" if made.wanted.vectors else _KINDS[readout_of(made.run).problem_type]
    yield f"# {plain(facts.get('data', 'texts'))}: {plain(run.facts.get('pooling', ''))}\n"
    pooling = made.run.classifier.pooling
    pair = " and its pair" if second_text(made.run) else ""
    how = "proven to give what the trained model gives" if made.proof.exact else "with quantised weights"
    yield f"{kind}, exported by [poolsweep](https://pypi.org/project/poolsweep/) {__version__}, {how}.\n"
    layers, tokens = type(pooling.layers), type(pooling.tokens)
    rows = {
        "encoder": facts.get("encoder"),
        "pooling": f"{made.run.config.pooling_name}: {layers.__name__} of the layers, {tokens.__name__} of the tokens",
        "vector": f"{pooling.output_size} dimensions",
        "reads": f"one text{pair}, at most {made.run.reading.max_length} tokens; what is longer is cut",
        "template": pooling.template,
        "prefix": prefix_in_words(made.run),
        "training": _TRAINING.get(made.run.config.regime, "frozen encoder"),
        "data": f"{facts.get('data')} (fingerprint {facts.get('data_id')})",
        "rows": ", ".join(f"{name} {count:,}" for name, count in (facts.get("sizes") or {}).items()),
    }
    yield "| | |\n|---|---|"
    yield from (f"| {name} | {plain(value)} |" for name, value in rows.items() if value)
    if made.run.config.frozen is False and not made.wanted.vectors:
        yield "\nThe encoder was trained with the head: vectors of it are not those of the base model."
    yield ""


def prefix_in_words(run: LoadedRun) -> str | None:
    """What an exported model puts before texts; None if nothing.

    Args:
        run: A finished run.
    """
    if not run.reading.prefix:
        return None
    return f"{run.reading.prefix!r}, put before every text by the model" + (
        "" if run.reading.pool_prefix else "; read, and not pooled"
    )


def _loading(made: Made) -> Iterator[str]:
    yield "## Use\n"
    if made.wanted.vectors is False and made.fmt.name == "sentence-transformers":
        yield "The last module is the linear head: `encode` gives what it does, which the lines below read.\n"
    yield from _fenced(made.fmt.usage(made.run, made.wanted).rstrip(), "python")


def _labels(made: Made) -> Iterator[str]:
    """The names with their places and thresholds, or what scores there are."""
    if made.wanted.vectors:
        return
    names, readout = made.run.contract.names, readout_of(made.run)
    if not made.run.config.task.has_labels:
        bounds = f", from {readout.low:g} to {readout.low + readout.span:g}" if readout.activation == "sigmoid" else ""
        yield f"## Scores\n\nOne number for each text, in the units of the training data{bounds}.\n"
        return
    listed, more = names[:_MOST_LABELS], " threshold |" if readout.thresholds else ""
    yield f"## Labels\n\n| place | label |{more}\n|---:|---|{'---:|' if more else ''}"
    for i, name in enumerate(listed):
        yield f"| {i} | {plain(name)} |" + (f" {readout.thresholds[i]:.4g} |" if more else "")
    if len(names) > _MOST_LABELS:
        yield f"\nand {len(names) - _MOST_LABELS:,} more, in `config.json` or `labels.json`."
    if more:
        yield "\nA text gets each label whose probability reaches its threshold."
    yield ""


def _scores(run: RunRecord) -> Iterator[str]:
    """Of the run's own test split, with intervals over texts."""
    refit = run.facts.get("refit")
    yield "## Test\n"
    if refit:
        yield (
            f"This model was fitted anew on all training rows, with the setting that {len(refit.get('runs') or ()):,} "
            "runs chose on validation. What to expect of it is what the study says of them, below.\n"
        )
    found = read_predictions(run, outputs=True)
    if found is None or not len(found.targets):
        yield "No test predictions are recorded.\n"
        return
    yield "| metric | test | 95% interval over texts |\n|---|---:|---|"
    for metric in known_metrics(found.task, run.facts.get("measured")):
        values = found.scores(metric)
        scores = Scores(values[None], seeds=(0,), row_ids=found.row_ids, deterministic=True)
        estimate = mean_score(scores).estimate
        low, high = score(estimate.low, metric), score(estimate.high, metric)
        yield f"| {metric_title(metric)} | {score(estimate.value, metric)} | {low} to {high} |"
    yield f"\nOn {len(found.targets):,} test rows, as recorded when it was trained.\n"


def _study(run: RunRecord) -> Iterator[str]:
    """The leaderboard that the run stands in."""
    try:
        comparisons = compare_all(load_runs([run.path.parent]))
    except (UserError, OSError):
        return
    mine = Arena.of(run.facts)
    for comparison in comparisons:
        if comparison.group.arena == mine and len(comparison.names) > 1:
            yield f"## Study\n\n{shown(markdown(comparison))}"


def _making(made: Made, run: RunRecord) -> Iterator[str]:
    yield "## How it was made\n"
    trained = run.facts.get("name")
    if isinstance(trained, str):
        yield from _fenced(f"poolsweep train {in_one_line(trained)}", "")
    yield from _fenced(shlex.join(in_one_line(part) for part in made.command), "")
    yield from (f"- {plain(line)}" for line in made.proof.lines)
    yield "\nVersions: " + plain(", ".join(f"{n} {v}" for n, v in (run.facts.get("versions") or {}).items())) + "\n"


def _fenced(text: str, language: str) -> Iterable[str]:
    """A block of code that its own backticks do not end."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}{language}", text, f"{fence}\n"
