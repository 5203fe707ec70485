"""Any number of labels per text, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import pyarrow as pa
from pyarrow import compute

from poolsweep.bounds import Described, Share
from poolsweep.errors import UserError, nearest
from poolsweep.tasks.contract import Contract
from poolsweep.tasks.label_checks import several_at_once, why_no_label_sets
from poolsweep.tasks.label_sets import LabelSets, found_separator, is_list, labels_in
from poolsweep.tasks.labels import Labels
from poolsweep.tasks.outcomes import LabelCounts, Outcomes, Readout
from poolsweep.tasks.probabilities import PROBABILITIES, probabilities_column, read_probabilities
from poolsweep.tasks.task import Task
from poolsweep.tasks.temperature import FITTED as TEMPERATURE
from poolsweep.tasks.temperature import best_temperature
from poolsweep.tasks.thresholds import UNTOLD, best_threshold

if TYPE_CHECKING:
    from torch import Tensor

pc: Any = compute  # its functions are made when it is imported, so no type checker sees them

Thresholds = Annotated[
    Share | Literal["fitted"] | dict[str, Share],
    Described("a number from 0 to 1, one for each label such as {joy: 0.3}, or fitted"),
]
FITTED = "fitted"


@dataclass(frozen=True)
class Multilabel(Task):
    """Each text has any of C labels; logit i says whether it has label id i.

    The micro F1 selects and ranks: it counts each decision about a label once, so that its interval can be trusted
    where some labels have a handful of texts. The macro F1 then hangs on these.

    Attributes:
        separator: Stands between the labels of a text; None = found in the training column.
        thresholds: A label is predicted from this probability on: one for all, one for each (the others have 0.5), or
            fitted on validation, so that the F1 of each label is highest there.
    """

    name = "multilabel"
    metrics = ("f1_micro", "f1_macro", "mean_average_precision", "subset_accuracy", "roc_auc")
    default_metrics = ("f1_micro", "f1_macro", "mean_average_precision", "subset_accuracy")
    default_loss = "binary_cross_entropy"
    losses = ("binary_cross_entropy",)
    link = "logistic"
    from_outputs = frozenset({"mean_average_precision", "roc_auc"})
    output_column = PROBABILITIES
    charts = ("label_f1", "calibration")
    also_evaluated = ("log_loss",)

    separator: Annotated[str, Described("a text")] | None = None
    thresholds: Thresholds = 0.5

    @classmethod
    def recognised(cls, column: pa.ChunkedArray, *, row_ids: np.ndarray, given: Sequence[str] | None) -> str | None:
        """Lists, or a label that is made of others."""
        cells = pc.unique(column).to_pylist()
        return several_at_once(column, [c for c in cells if given is None or is_list(c)], row_ids=row_ids)

    def contract(self, column: pa.ChunkedArray, *, given: Sequence[str] | None) -> LabelSets:
        """Label names as given, or those of the training split in their order, with the thresholds that are known."""
        cells = pc.unique(column).to_pylist()
        separator = self.separator or found_separator(cells, given=given or ())[0]
        if given is None:
            names = Labels.from_names(name for cell in cells for name in labels_in(cell, separator)).names
        else:
            names = Labels.given(given).names
        temperature = 1.0 if isinstance(self.calibrate, str) else float(self.calibrate)
        return LabelSets(names, self._thresholds(names), separator, temperature)

    def _thresholds(self, names: Sequence[str]) -> tuple[float, ...]:
        if isinstance(self.thresholds, int | float):
            return (float(self.thresholds),) * len(names)
        if self.thresholds == FITTED:
            return (UNTOLD,) * len(names)
        asked = {str(name): float(value) for name, value in dict(self.thresholds).items()}
        if strange := [name for name in asked if name not in names]:
            raise UserError(f"task.thresholds names no label {strange[0]!r}; {nearest(strange[0], names)}")
        return tuple(asked.get(name, UNTOLD) for name in names)

    def read_contract(self, content: Any) -> LabelSets:  # noqa: ANN401
        """Names, separator and thresholds."""
        return LabelSets.read(content)

    def notes(self, contract: Contract, column: pa.ChunkedArray) -> tuple[str, ...]:
        """The separator that was found."""
        if self.separator is not None or not found_separator(pc.unique(column).to_pylist(), given=contract.names)[1]:
            return ()
        return (f"{contract.separator!r} separates the labels of a text; task.separator=… says another",)

    def settled(self, contract: Contract, targets: np.ndarray, logits: Tensor) -> Contract:
        """The temperature of the least cross-entropy, then the thresholds of the best F1, where these are fitted."""
        assert isinstance(contract, LabelSets)
        if self.calibrate == TEMPERATURE:
            contract = replace(contract, temperature=best_temperature(logits.numpy(), targets))
        if self.thresholds != FITTED:
            return contract
        pairs = zip(targets.T, self.predicted(contract, logits).numpy().T, strict=True)
        return replace(contract, thresholds=tuple(best_threshold(*pair) for pair in pairs))

    def without_validation(self, contracts: Sequence[Contract]) -> Mapping[str, Any]:
        """The mean of fitted thresholds."""
        if self.thresholds != FITTED:
            return {}
        mean = contracts[0].together(contracts[1:])
        assert isinstance(mean, LabelSets)
        return {"thresholds": dict(zip(mean.names, mean.thresholds, strict=True))}

    def objection(self, contract: Contract, column: pa.ChunkedArray, *, row_ids: np.ndarray) -> str | None:
        """Lists of 0 and 1, or a name for nearly every row."""
        return why_no_label_sets(contract, column)

    def too_few(self, contract: Contract) -> str | None:
        """No label at all."""
        return None if contract.names else "no text of it has a label"

    def strata(self, column: pa.ChunkedArray) -> np.ndarray:
        """A mark for each label of a text, (N, C); none where it is missing."""
        filled = pc.fill_null(column, "")
        return self.contract(filled, given=None).encode(filled)

    def divergence(self, contract: Contract, one: Tensor, other: Tensor) -> Tensor:
        """Of each label by itself, as a mean over the labels, as their loss is."""
        return ((one.sigmoid() - other.sigmoid()) * (one - other)).mean(dim=-1) / 2

    def predicted(self, contract: Contract, logits: Tensor) -> Tensor:
        """Probability of each label by itself, (B, C)."""
        return (logits.float() / contract.temperature).sigmoid()

    def before_temperature(self, contract: Contract, found: Outcomes) -> Outcomes | None:
        """Probabilities whose logits are multiplied by the temperature."""
        from scipy.special import expit, logit

        if contract.temperature == 1 or found.outputs is None:
            return None
        edge = np.finfo(np.float32).eps / 2
        return replace(
            found, outputs=expit(contract.temperature * logit(np.clip(found.outputs, edge, 1 - edge, dtype=np.float64)))
        )

    def reliability(self, found: Outcomes) -> tuple[np.ndarray, np.ndarray]:
        """The probability of each label of each text, and whether the text has it."""
        assert found.outputs is not None
        return found.outputs.ravel(), found.targets.ravel().astype(bool)

    def decided(self, contract: Contract, outputs: np.ndarray) -> np.ndarray:
        """The labels whose probability reaches their threshold, (N, C) bool."""
        return outputs >= _thresholds_of(contract, outputs)

    def columns(self, contract: Contract, targets: np.ndarray, outputs: np.ndarray) -> dict[str, Any]:
        """Columns label and predicted (a list of names per row) and probabilities (one list per row)."""
        return {
            "label": _named(contract, targets),
            "predicted": _named(contract, self.decided(contract, outputs)),
            PROBABILITIES: probabilities_column(outputs),
        }

    def read_columns(self, contract: Contract, table: pa.Table) -> Outcomes:
        """Marks, and probabilities where they are there."""
        targets, predicted = (_marks(contract, table.column(name)) for name in ("label", "predicted"))
        return Outcomes(targets, predicted, read_probabilities(contract, table))

    def scores(self, metric: str, found: Outcomes) -> np.ndarray:
        """See ``poolsweep.statistics``; of the log loss, the mean of a text's labels."""
        from poolsweep.statistics import MULTILABEL_RANKING_SCORES, MULTILABEL_SCORES

        if metric in MULTILABEL_SCORES:
            return MULTILABEL_SCORES[metric](found.targets, found.predicted)
        assert found.outputs is not None
        if metric == "log_loss":
            right = np.where(found.targets, found.outputs, 1 - found.outputs).astype(np.float64)
            return -np.log(np.clip(right, np.finfo(np.float32).tiny, None)).mean(axis=1)
        return MULTILABEL_RANKING_SCORES[metric](found.targets, found.outputs)

    def right(self, found: Outcomes) -> np.ndarray:
        """Whether all labels of a text are right."""
        return (found.targets == found.predicted).all(axis=1)

    def recomputed(self, found: Outcomes) -> Mapping[str, float]:
        """Both F1 and the subset accuracy."""
        return self.measured(("f1_micro", "f1_macro", "subset_accuracy"), found)

    def answers(self, contract: Contract, outputs: np.ndarray, *, all_outputs: bool) -> dict[str, pa.Array]:
        """Column predicted (a list of names) and, of all outputs, probability_NAME for each label."""
        found = {"predicted": _named(contract, self.decided(contract, outputs))}
        if all_outputs:
            found |= {f"probability_{name}": pa.array(outputs[:, i]) for i, name in enumerate(contract.names)}
        return found

    def margin(self, contract: Contract, outputs: np.ndarray) -> np.ndarray:
        """The least distance of a probability from its threshold."""
        return np.abs(outputs - _thresholds_of(contract, outputs)).min(axis=1)

    def errors(self, contract: Contract, found: Outcomes) -> np.ndarray:
        """The mean binary cross-entropy of a text's labels."""
        return self.scores("log_loss", found)

    def label_counts(self, contract: Contract, found: Outcomes) -> LabelCounts:
        """Counts of each label by itself."""
        has, said = found.targets.astype(bool), found.predicted.astype(bool)
        return LabelCounts(*(marks.sum(axis=0) for marks in (has & said, has, said)))

    def readout(self, contract: Contract) -> Readout:
        """A sigmoid for each label."""
        assert isinstance(contract, LabelSets)
        return Readout(
            problem_type="multi_label_classification",
            activation="sigmoid",
            contract=replace(contract, temperature=1.0),
            factor=1 / contract.temperature,
            thresholds=contract.thresholds,
        )


def _thresholds_of(contract: Contract, outputs: np.ndarray) -> np.ndarray:
    assert isinstance(contract, LabelSets)
    return np.asarray(contract.thresholds, dtype=outputs.dtype)


def _named(contract: Contract, marks: np.ndarray) -> pa.ListArray:
    """The names of the labels that are marked, a list per row."""
    offsets = np.concatenate([[0], np.cumsum(marks.sum(axis=1, dtype=np.int64))]).astype(np.int32)
    names = pa.array(contract.names, pa.string()).take(pa.array(np.nonzero(marks)[1]))
    return pa.ListArray.from_arrays(pa.array(offsets), names)


def _marks(contract: Contract, column: pa.ChunkedArray) -> np.ndarray:
    """What ``_named`` wrote, (N, C) uint8."""
    lists = column.combine_chunks()
    ids = pc.index_in(lists.flatten(), value_set=pa.array(contract.names, pa.string()))
    if lists.null_count or ids.null_count:
        raise ValueError("a name is none of the labels")
    marks = np.zeros((len(lists), len(contract)), dtype=np.uint8)
    marks[pc.list_parent_indices(lists).to_numpy(), ids.to_numpy()] = 1
    return marks
