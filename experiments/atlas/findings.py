"""What the atlas found: one difference between two poolings a finding, from results/differences.csv alone.

    python experiments/atlas/findings.py        # writes results/findings.csv, and the evidence of `poolsweep recommend`

Over several sets the value is the mean of their differences, and the interval is Student's over sets: it speaks of
other sets like these. Of one set it is that of the pair: other seeds and other texts. Which differences are looked at,
on which sets, was fixed here before most of them were measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from collect import read, write
from sets import HERE

from poolsweep.recommend import FILE, read_rules, rules, table
from poolsweep.statistics import t_estimate

CLASSES = ("trec6", "cola", "mrpc", "sst2_sent", "mr", "subj", "banking77", "ade", "ag_news_10k")
EACH = (*CLASSES, "goemotions", "stsb_siamese")  # one for each source of texts
TUNED = ("trec6", "cola", "mr", "mrpc")
HEAD = (
    "finding", "claim", "expected", "part", "contender", "other", "rows", "sets", "value", "low", "high", "above",
    "below", "verdict", "of",
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """A difference that is looked at.

    Attributes:
        name: Its name, which `poolsweep recommend` points to.
        claim: What was published, or asked.
        expected: Sign of the claim: +, −, 0 for a tie, ? where nothing was claimed.
        part: Part of the atlas.
        contender: What is held against the other.
        other: The other.
        rows: Training rows asked for; all, or a number.
        sets: Sets that count.
    """

    name: str
    claim: str
    expected: str
    part: str
    contender: str
    other: str
    sets: Sequence[str] = EACH
    rows: str = "all"

    def line(self, table: Sequence[dict[str, str]]) -> tuple[object, ...]:
        """The line of findings.csv.

        Args:
            table: Lines of differences.csv.
        """
        found = [turned(one, self.contender) for one in table if self._is_about(one)]
        above, below = (sum(bool(one[place] * sign > 0) for one in found) for place, sign in ((1, 1), (2, -1)))
        value, low, high = combined(found)
        names = " ".join(sorted(one["data"] for one in table if self._is_about(one)))
        about = (self.name, self.claim, self.expected, self.part, self.contender, self.other, self.rows, len(found))
        ends = (
            ("", "", "")
            if value is None
            else tuple(f"{end:.2f}" if end is not None else "" for end in (value, low, high))
        )
        return (*about, *ends, above, below, verdict(self.expected, low, high), names)

    def _is_about(self, line: dict[str, str]) -> bool:
        pair = {line["contender"], line["other"]} == {self.contender, self.other}
        first = line["metric"] not in {"f1_macro"}
        return pair and first and line["part"] == self.part and line["rows"] == self.rows and line["data"] in self.sets


def turned(line: dict[str, str], contender: str) -> tuple[float, float, float]:
    """Value and ends of a difference, as contender minus the other; an end that is not known is nan."""
    value, low, high = (float(line[key] or "nan") for key in ("value", "low", "high"))
    return (value, low, high) if line["contender"] == contender else (-value, -high, -low)


def combined(found: Sequence[tuple[float, float, float]]) -> tuple[float | None, float | None, float | None]:
    """Mean of differences over sets, and its interval; of one set its own; None where there is none."""
    if not found:
        return None, None, None
    if len(found) == 1:
        value, low, high = found[0]
        return (value, None, None) if np.isnan(low) else (value, low, high)
    values = np.array([value for value, *_ in found])
    estimate = t_estimate(float(values.mean()), float(values.var(ddof=1)) / len(values), len(values) - 1)
    return estimate.value, estimate.low, estimate.high


def verdict(expected: str, low: float | None, high: float | None) -> str:
    """What the interval says of a claim."""
    if low is None or high is None:
        return "not measured"
    sign = "+" if low > 0 else "−" if high < 0 else "0"
    if sign == "0":
        return "not told apart"
    if expected == "?":
        return f"sign {sign}"
    return "same sign" if sign == expected else "other sign"


BERT = "BERT, table 7 (frozen, tagging): last 94.9, second to last 95.6, last four concatenated 96.1"
SUN = "Sun 2019, table 3 (fine-tuned, IMDb, error): last 5.42, last four concatenated 5.43"
SBERT = "SBERT, table 6 (trained): mean at least as good as {}"
FINDINGS = (
    Finding("second_to_last", BERT, "+", "A", "second_to_last_mean", "masked_mean"),
    Finding("last4", BERT, "+", "A", "last4_concat", "masked_mean"),
    Finding("cls_last4_tuned", SUN, "0", "B", "cls_last4_concat", "cls", ("mr",), "4000"),
    Finding("cls_last4_tuned_1000", SUN, "0", "B", "cls_last4_concat", "cls", TUNED, "1000"),
    Finding("similarity_cls", "SBERT, table 1 (untrained): mean above cls", "+", "A", "masked_mean", "cls",
            ("stsb_similarity",)),
    Finding("trained_max", SBERT.format("max"), "+", "B2", "masked_mean", "max", ("stsb_siamese",), "1000"),
    Finding("trained_cls", SBERT.format("cls"), "+", "B2", "masked_mean", "cls", ("stsb_siamese",), "1000"),
    Finding("maxpoolbert_cola", "MaxPoolBERT: above cls on small GLUE tasks, fine-tuned", "+", "B",
            "max_seq_cls_attention", "cls", ("cola",), "1000"),
    Finding("maxpoolbert_mrpc", "MaxPoolBERT: above cls on small GLUE tasks, fine-tuned", "+", "B",
            "max_seq_cls_attention", "cls", ("mrpc",), "1000"),
    Finding("sgpt", "SGPT, of decoders: weighted by position above the mean", "+", "A", "sgpt", "masked_mean"),
    Finding("promptbert", "PromptBERT, of BERT untrained: the template is above the mean", "+", "A", "promptbert",
            "masked_mean", ("stsb_similarity",)),
    Finding("mean_cls", "Frozen: what does the mean bring over the first token?", "?", "A", "masked_mean", "cls"),
    Finding("mean_max", "Frozen: mean or max?", "?", "A", "masked_mean", "max"),
    Finding("cls_layer", "Frozen: is the first token of the last layer the right one?", "?", "A", "cls_second_to_last",
            "cls"),
    Finding("pooler", "Frozen: what does the pooler bring over the first token?", "?", "A", "pooler", "cls"),
    *(Finding(f"tuned_{rows}", f"Fine-tuned on {rows} rows: mean or first token?", "?", "B", "masked_mean", "cls",
              ("mr",) if rows == "4000" else TUNED, rows) for rows in ("100", "300", "1000", "4000")),
    Finding("documents", "Frozen, long documents: windows or the head?", "?", "D", "masked_mean+mean_chunks",
            "masked_mean", ("documents",)),
    *(Finding(f"curve_{rows}", f"Frozen, {rows} rows: four layers or the last?", "?", "C", "last4_concat",
              "masked_mean", ("trec6", "mr"), rows) for rows in ("30", "100", "300", "1000", "3000")),
)  # fmt: skip


def findings() -> list[tuple[object, ...]]:
    """All lines of findings.csv."""
    table = read("differences.csv")
    return [finding.line(table) for finding in FINDINGS]


def evidence(lines: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The rules of `poolsweep recommend`, with what was found beside each that points to a finding.

    Args:
        lines: Lines of findings.csv.
    """
    by_name = {line["finding"]: line for line in lines}
    found = [(rule, by_name.get(rule["finding"], {})) for rule in read_rules()]
    return [rule | {key: line.get(key, "") for key in ("value", "low", "high", "sets", "of")} for rule, line in found]


def write_evidence() -> None:
    """Write findings.csv, the rules of the package, and the table of docs/recommend.md."""
    write("findings.csv", HEAD, findings())
    lines = evidence(read("findings.csv"))
    write(str(FILE), lines[0], (line.values() for line in lines))
    DOCS.write_text(fill(DOCS, "rules", table(rules())), encoding="utf-8")


def fill(page: Path, name: str, content: str) -> str:
    """The text of a page whose part between ``<!-- name -->`` and ``<!-- end -->`` is made anew.

    Args:
        page: Markdown.
        name: Name of the part.
        content: What belongs there.
    """
    before, start, rest = page.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
    return before + start + content + "<!-- end -->" + rest.partition("<!-- end -->")[2]


DOCS = HERE.parents[1] / "docs" / "recommend.md"

if __name__ == "__main__":
    write_evidence()
