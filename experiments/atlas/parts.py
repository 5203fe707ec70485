"""Which studies the atlas has: its parts, the command of each, and the order in which they are run.

Cheap and telling ones come first. Each command is a study of its own with all its replicates, so that it can be
finished in one sitting; its results stay in results/ when its runs are gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sets import HERE, DataSet, data_sets

SEEDS = 3  # of what is fine-tuned
LAYERS = ("trec6", "cola", "sst2_sent", "mr", "subj", "banking77")
SPLIT = ("trec6", "cola", "banking77", "ag_news_10k")
CURVES = ("trec6", "mr")
LONGEST = ("subj", "ade", "ag_news_10k")
CUTS = (8, 16, 32, 64, 128)
TRAINED = ("trec6", "cola", "mr", "subj")
TUNED = ("trec6", "cola", "mr", "mrpc")
CURVE_POOLINGS = "cls,masked_mean,last4_concat"
# Training rows → epochs: 80 to 500 steps of 16 rows, so that no head is left where it started.
EPOCHS = {30: 40, 100: 20, 300: 8, 1000: 4, 3000: 2, 4000: 2}
# Large sets have three replicates, and two vectors side by side are costly to solve.
REPLICATES = {"goemotions": 3, "sst2_glue": 3, "ade": 3, "ag_news_10k": 3, "mrpc_siamese": 3, "stsb_siamese": 3}
SIAMESE = "cls,pooler,masked_mean,max,last,sgpt,promptbert,last4_mean,second_to_last_mean,cls_second_to_last"
PARTS = {
    "A": "presets without parameters on a frozen encoder",
    "F": "layers by tokens, frozen",
    "E": "split seeds, folds and metrics, frozen",
    "C": "learning curves, frozen",
    "D": "length of texts and long documents, frozen",
    "A2": "poolings with parameters on a frozen encoder",
    "B": "fine-tuned, by rows",
    "B2": "fine-tuned on pairs, two towers",
    "C2": "learning curves, fine-tuned: what B lacks",
}


@dataclass(frozen=True)
class Step:
    """One command.

    Attributes:
        part: Key of PARTS.
        study: Name of the study that its runs belong to.
        experiment: Name in conf/experiment.
        data: Data set; None for documents, which are made of one.
        overrides: What is typed beside the experiment and the set.
        alone: Whether it reads the training file alone.
    """

    part: str
    study: str
    experiment: str
    data: DataSet | None
    overrides: tuple[str, ...] = ()
    alone: bool = False

    def command(self, data: Path, *, documents: Path) -> list[str]:
        """What is typed after ``poolsweep``.

        Args:
            data: Folder of all sets.
            documents: Folder of the documents that are made.
        """
        files = [f"data.{split}={documents / f'mixed-{split}.csv'}" for split in ("train", "test")]
        made = ["data=files", "data.name=documents", *files]
        read = made if self.data is None else self.data.overrides(data, alone=self.alone)
        fixed = ["train", "-m", "--config-dir", str(HERE / "conf"), f"experiment={self.experiment}"]
        return [*fixed, f"study={self.study}", *read, *self.overrides]


def steps() -> Iterator[Step]:
    """All commands, in the order in which they are run."""
    yield from _frozen()
    yield from _layers()
    yield from _splits()
    for name in CURVES:
        yield Step("C", f"atlas-C-{name}", "learning_curve", data_sets()[name])
    yield from _lengths()
    for name in TRAINED:
        yield Step("A2", f"atlas-A2-{name}", "parameters", data_sets()[name])
    yield from _tuned()


def _frozen() -> Iterator[Step]:
    for name, found in data_sets().items():
        if found.task == "similarity":
            yield Step("A", f"atlas-A-{name}", "similarity", found)
            continue
        options = (f"pooling={SIAMESE}",) if "pairs=siamese" in found.options else ()
        options += (_seeds(REPLICATES[name]),) if name in REPLICATES else ()
        yield Step("A", f"atlas-A-{name}", "frozen", found, options)


def _layers() -> Iterator[Step]:
    for name in LAYERS:
        yield Step("F", f"atlas-F-{name}", "layers_by_tokens", data_sets()[name])


def _splits() -> Iterator[Step]:
    for name in SPLIT:
        replicates = {"splits": f"data.split_seed={','.join(map(str, range(10)))}", "folds": "data.folds=5"}
        for kind, option in replicates.items():
            yield Step("E", f"atlas-E-{name}-{kind}", "splits", data_sets()[name], (option,), alone=True)


def _lengths() -> Iterator[Step]:
    yield Step("D", "atlas-D-documents", "documents", None)
    for name in LONGEST:
        for length in CUTS:
            options = (f"data.max_length={length}",)
            yield Step("D", f"atlas-D-{name}-{length}", "truncation", data_sets()[name], options)


def _tuned() -> Iterator[Step]:
    for rows in (100, 300, 1000):
        for name in TUNED:
            yield _fine_tuned("B", name, rows)
    yield _fine_tuned("B", "mr", 4000)
    yield _fine_tuned("B2", "stsb_siamese", 1000, "cls,masked_mean,max")
    for name in CURVES:
        for rows in (30, 3000):
            yield _fine_tuned("C2", name, rows, CURVE_POOLINGS)


def _fine_tuned(part: str, name: str, rows: int, poolings: str = "") -> Step:
    options = (f"data.train_rows={rows}", f"trainer.max_epochs={EPOCHS[rows]}", _seeds(SEEDS))
    options += (f"pooling={poolings}",) if poolings else ()
    return Step(part, f"atlas-{part}-{name}-{rows}", "fine_tuned", data_sets()[name], options)


def _seeds(number: int) -> str:
    return f"seed={','.join(map(str, range(number)))}"
