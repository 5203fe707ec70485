"""What a reader must know of a comparison: the statistics' cautions, and what of a study could not be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from poolsweep.metric_names import sign
from poolsweep.report.caution_rules import (
    MEANS_OVER_LABELS,
    UNEVEN,
    Caution,
    RunFacts,
    label_cautions,
    rare_labels,
    study_cautions,
)
from poolsweep.report.comparison import Comparison
from poolsweep.report.majority import over_majority
from poolsweep.report.race import race_cautions
from poolsweep.report.results import RunRecord
from poolsweep.report.run_notes import code_of, copies_notes, load_note, stray_notes, what_seeds_are
from poolsweep.tasks.temperature import at_bound

_BASES = {
    "one seed": "One seed says nothing of what another would give: there is no interval and no verdict.",
    "seeds": "No predictions were found: differences rest on the seeds alone, and leave out the noise of the texts.",
    "nothing": "No two poolings share two seeds, and there are no predictions: no difference can be told from noise.",
}
_COUNTS = {"missing replicates", "unequal replicates", "few replicates"}
_FEW_SPLITS = 5
_MUCH_CUT = 0.2  # share of the test texts


def cautions(comparison: Comparison) -> list[tuple[bool, str]]:
    """Sentences about a comparison, each with whether it undermines the verdict; those come first."""
    group = comparison.group
    several = [run for c in group.contenders.values() for run in (*c.runs.values(), *c.failed)]
    facts = [_facts(comparison, run) for run in (*several, *group.without_result)]
    fixed = {name for name, scores in comparison.scores.items() if scores.deterministic}
    by_design = comparison.dropped.keys() | fixed  # has fewer seeds
    in_race = [fact for fact in facts if fact.contender not in by_design]
    told = [item for item in study_cautions(facts) if item.kind not in _COUNTS]
    told += [item for item in study_cautions(in_race) if item.kind in _COUNTS]
    if comparison.splits:
        told = [item for item in told if item.kind != "different test rows"]
    found = [(item.serious, item.sentence) for item in told]
    better = {name: sign(comparison.metric) * summary.mean for name, summary in comparison.summaries.items()}
    found += race_cautions(comparison.dropped, scores=better)
    found += [(item.serious, item.sentence) for item in _of_labels(comparison)]
    found += [(False, sentence) for sentence in _of_splits(comparison)]
    if comparison.basis == "splits" and not comparison.predictions:
        found.append((True, "No predictions were found: differences rest on the splits alone."))
    if comparison.basis in _BASES and len(comparison.names) > 1:
        found.append((True, _BASES[comparison.basis]))
    found += [(True, sentence) for sentence in (*_missing_predictions(comparison), *_not_compared(comparison))]
    chosen = [name for name, contender in group.contenders.items() if contender.settings > 1]
    if chosen:
        sentence = f"Other swept settings were chosen on validation, per contender: {', '.join(sorted(chosen))}."
        found.append((False, sentence))
    found += [(True, sentence) for sentence in stray_notes(comparison)]
    found += copies_notes(comparison)
    found += [(True, f"{sentence[0].upper()}{sentence[1:]}.") for sentence in _of_the_data(several)]
    found += [(False, sentence) for sentence in _of_long_texts(comparison)]
    for kind, count in Counter(run.facts["outdated"] for run in group.outdated).items():
        called = ", ".join(sorted({run.facts[kind] for run in group.outdated if run.facts["outdated"] == kind}))
        runs = "1 finished run is" if count == 1 else f"{count} finished runs are"
        sentence = f"{runs} left out: the files of {called} have been replaced since they were read."
        found.append((True, sentence))
    if note := load_note(comparison):
        found.append((False, note))
    found += [(False, sentence) for sentence in _of_temperatures(comparison)]
    seeds = what_seeds_are(comparison)
    if seeds:
        found.append((False, seeds))
    return sorted(dict.fromkeys(found), key=lambda item: not item[0])


def _of_temperatures(comparison: Comparison) -> list[str]:
    """Whose temperatures nothing holds."""
    found: dict[str, list[str]] = {}
    for name, contender in comparison.group.contenders.items():
        notes = (at_bound(run.facts["temperature"]) for run in contender.runs.values() if "temperature" in run.facts)
        for note in dict.fromkeys(filter(None, notes)):
            found.setdefault(note, []).append(name)
    return [f"{', '.join(names)}: {note}." for note, names in found.items()]


def _of_splits(comparison: Comparison) -> list[str]:
    """How far an interval over splits can be believed."""
    splits = comparison.splits
    if comparison.basis != "splits" or splits is None or comparison.pairwise is None:
        return []
    told, count = [], len(splits.common)
    if count < _FEW_SPLITS:
        told.append(
            f"Intervals over {count} splits stand on {count - 1} degree{'s' * (count > 2)} of freedom: they are wide, "
            "and differences are seldom found. Five folds or ten split seeds find more."
        )
    runs = [run for contender in comparison.group.contenders.values() for run in contender.runs.values()]
    sizes = [(run.facts.get("sizes") or {}).get("test", 0) for run in runs]
    if sizes and max(sizes) > UNEVEN * min(sizes) > 0:
        told.append(
            f"Test splits are uneven, {min(sizes):,} to {max(sizes):,} texts, as groups that stay whole make them: the "
            "noise of splits is taken to be alike in all."
        )
    if not splits.tested_on_the_same:
        told.append(
            "Training sets of several splits overlap; the luck of what all of them share is covered in part (Nadeau "
            "and Bengio 2003)."
        )
    elif any(design.num_seeds == 1 and "seeds" in design.covers for design in comparison.pairwise.differences.values()):
        told.append(
            "One seed a split: the luck of seeds and of training sets cannot be told apart, and seeds are taken to "
            "matter as much. Two seeds a split would tell."
        )
    return told


def _of_the_data(runs: Sequence[RunRecord]) -> list[str]:
    """What was said of the data before the runs, each sentence once."""
    told = (run.facts.get("cautions") for run in runs)
    return list(dict.fromkeys(str(one) for listed in told if isinstance(listed, list) for one in listed if one))


def _of_long_texts(comparison: Comparison) -> list[str]:
    """Who leaves out the ends of many texts, and in how many windows others read them."""
    cut, windows = dict[str, list[str]](), dict[str, list[str]]()
    for name in comparison.names:
        run = comparison.contender(name).any_run
        share = (run.facts.get("truncated_share") or {}).get("test", 0)
        if share >= _MUCH_CUT:
            data = run.config.get("data")
            length = data.get("max_length") if isinstance(data, Mapping) else None
            to = f"data.max_length={length}" if type(length) is int else "the encoder's limit"
            cut.setdefault(f"{share:.0%} of the test texts are cut to {to}", []).append(name)
        if (count := (run.facts.get("windows") or {}).get("test")) is not None:
            windows.setdefault(f"{count:.1f}", []).append(name)
    told = [
        f"{what}: {', '.join(names)}. A longer data.max_length reads more of them, pooling/chunks=mean all."
        for what, names in cut.items()
    ]
    return told + [f"Windows a test text on average: {count}, {', '.join(who)}." for count, who in windows.items()]


def _facts(comparison: Comparison, run: RunRecord) -> RunFacts:
    group, hardware = comparison.group, run.facts.get("hardware") or {}
    name, replicate = group.name_of(run), group.replicates[run.path.name]
    counts = name in group.contenders and group.contenders[name].runs.get(replicate) is run
    predicted = comparison.predictions.get(name, {}).get(replicate) if counts else None
    return RunFacts(
        name,
        replicate,
        finished=run.finished and counts,
        selected_on="test" if str(run.facts.get("monitor", "")).startswith("test/") else "validation",
        commit=code_of(run.facts),
        versions=run.facts.get("versions") or {},
        hardware=f"{hardware.get('device', '')} ({hardware.get('accelerator', '')})" if hardware else None,
        test_rows=predicted.rows_hash if predicted else None,
    )


def _of_labels(comparison: Comparison) -> tuple[Caution, ...]:
    """Where accuracy misleads, if each text has one label, and which labels are rare."""
    predicted = next((one for by_seed in comparison.predictions.values() for one in by_seed.values()), None)
    counts = None if predicted is None else predicted.task.label_counts(predicted.contract, predicted)
    if predicted is None or counts is None:
        return ()
    has = dict(zip(predicted.names, counts.has.tolist(), strict=True))
    if comparison.has_classes:
        return label_cautions(has, over_majority=over_majority(comparison), metric=comparison.metric)
    return rare_labels(has, metric=comparison.metric) if comparison.metric in MEANS_OVER_LABELS else ()


def _missing_predictions(comparison: Comparison) -> list[str]:
    if not comparison.predictions:
        return []
    lacking = {
        name: sorted(set(comparison.values[name]) - set(comparison.predictions.get(name, {})))
        for name in comparison.names
    }
    told = comparison.group.wording.listed
    listed = "; ".join(f"{name} {told(several)}" for name, several in lacking.items() if several)
    return [f"No test predictions could be read of: {listed}. Their differences do not count."] if listed else []


def _not_compared(comparison: Comparison) -> list[str]:
    """Who is left out of the verdict, or of a mean over splits."""
    if comparison.splits is None:
        seeds = {name: len(comparison.values[name]) for name in comparison.names if name not in comparison.compared}
        lonely = [name for name, count in seeds.items() if count == 1]
        told = "One seed, so left out of the verdict"
        return [f"{told}: {', '.join(lonely)}."] if lonely and comparison.compared else []
    splits, sentences = comparison.splits, []
    away = {name: splits.left_out(name) for name in comparison.names}
    told = comparison.group.wording.listed
    listed = "; ".join(f"{name} {told(several)}" for name, several in away.items() if several)
    if listed:
        num = len(splits.common)
        sentences.append(f"Means are over the {num} split{'s' * (num != 1)} that all have. Left out: {listed}.")
    others = [name for name in comparison.names if name not in splits.compared]
    if others:
        sentences.append(f"Tested on no split that the others have, so compared with none: {', '.join(others)}.")
    return sentences
