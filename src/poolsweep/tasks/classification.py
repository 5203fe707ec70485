"""One label per text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

from poolsweep.tasks.contract import Contract
from poolsweep.tasks.label_checks import why_no_classes
from poolsweep.tasks.labels import Labels
from poolsweep.tasks.outcomes import LabelCounts, Outcomes, Readout
from poolsweep.tasks.probabilities import PROBABILITIES, probabilities_column, read_probabilities
from poolsweep.tasks.task import Task
from poolsweep.tasks.temperature import FITTED, best_temperature

if TYPE_CHECKING:
    from torch import Tensor

pc: Any = compute  # its functions are made when it is imported, so no type checker sees them


@dataclass(frozen=True)
class Classification(Task):
    """Each text has one of C labels; logit i is label id i."""

    name = "classification"
    metrics = (
        "accuracy", "f1_macro", "mcc", "balanced_accuracy", "f1_weighted", "f1_micro", "top3_accuracy", "top5_accuracy",
        "roc_auc", "average_precision",
    )  # fmt: skip
    default_metrics = ("accuracy", "f1_macro", "mcc")
    default_loss = "cross_entropy"
    losses = ("cross_entropy", "focal")
    link = "softmax"
    from_outputs = frozenset({"top3_accuracy", "top5_accuracy", "roc_auc", "average_precision"})
    output_column = PROBABILITIES
    charts = ("confusion", "calibration")
    also_evaluated = ("log_loss",)

    def contract(self, column: pa.ChunkedArray, *, given: Sequence[str] | None) -> Labels:
        """Label names: as given, or those of the training split in their order."""
        labels = Labels.from_names(pc.unique(column).to_pylist()) if given is None else Labels.given(given)
        return labels if isinstance(self.calibrate, str) else replace(labels, temperature=float(self.calibrate))

    def read_contract(self, content: Any) -> Labels:  # noqa: ANN401
        """Names and their ids."""
        return Labels.read(content)

    def objection(self, contract: Contract, column: pa.ChunkedArray, *, row_ids: np.ndarray) -> str | None:
        """Several labels a row, scores, or a name for nearly every row."""
        return why_no_classes(contract, column, row_ids=row_ids)

    def too_few(self, contract: Contract) -> str | None:
        """A single label."""
        if len(contract) >= 2:
            return None
        return f"training needs at least two labels, found one: {contract.names[0] if contract.names else 'none'}"

    def strata(self, column: pa.ChunkedArray) -> np.ndarray:
        """The labels; a missing one is a class of its own."""
        return pc.fill_null(column, "").to_numpy().astype(object)

    def classes(self, targets: np.ndarray) -> np.ndarray:
        """The labels."""
        return targets

    def settled(self, contract: Contract, targets: np.ndarray, logits: Tensor) -> Contract:
        """The temperature of the least cross-entropy on validation, where one is to be fitted."""
        if self.calibrate != FITTED:
            return contract
        assert isinstance(contract, Labels)
        return replace(contract, temperature=best_temperature(logits.numpy(), targets))

    def divergence(self, contract: Contract, one: Tensor, other: Tensor) -> Tensor:
        """Of the distributions over all labels."""
        logs = one.log_softmax(dim=-1), other.log_softmax(dim=-1)
        return ((logs[0].exp() - logs[1].exp()) * (logs[0] - logs[1])).sum(dim=-1) / 2

    def predicted(self, contract: Contract, logits: Tensor) -> Tensor:
        """Probabilities (B, C)."""
        return (logits.float() / contract.temperature).softmax(dim=-1)

    def before_temperature(self, contract: Contract, found: Outcomes) -> Outcomes | None:
        """Probabilities to the power of the temperature; the label is the same."""
        if contract.temperature == 1 or found.outputs is None:
            return None
        logs = contract.temperature * np.log(np.clip(found.outputs, np.finfo(np.float32).tiny, None, dtype=np.float64))
        powers = np.exp(logs - logs.max(axis=1, keepdims=True))
        return replace(found, outputs=powers / powers.sum(axis=1, keepdims=True))

    def reliability(self, found: Outcomes) -> tuple[np.ndarray, np.ndarray]:
        """The probability of each predicted label, and whether it is the right one."""
        assert found.outputs is not None
        return found.outputs.max(axis=1), self.right(found)

    def columns(self, contract: Contract, targets: np.ndarray, outputs: np.ndarray) -> dict[str, Any]:
        """Columns label and predicted (names) and probabilities (one list per row)."""
        names = pa.array(contract.names, pa.string())
        return {
            "label": names.take(pa.array(targets)),
            "predicted": names.take(pa.array(outputs.argmax(axis=1))),
            PROBABILITIES: probabilities_column(outputs),
        }

    def read_columns(self, contract: Contract, table: pa.Table) -> Outcomes:
        """Label ids, and probabilities where they are there."""
        targets, predicted = (contract.encode(table.column(name)) for name in ("label", "predicted"))
        if len(targets) and min(targets.min(), predicted.min()) < 0:
            raise ValueError("a name is none of the labels")
        return Outcomes(targets, predicted, read_probabilities(contract, table))

    def scores(self, metric: str, found: Outcomes) -> np.ndarray:
        """See ``poolsweep.statistics``; of the log loss, that of each text."""
        from poolsweep.statistics import CLASS_RANKING_SCORES, CLASS_SCORES

        if metric in CLASS_SCORES:
            return CLASS_SCORES[metric](found.targets, found.predicted)
        assert found.outputs is not None
        if metric == "log_loss":
            right = found.outputs[np.arange(len(found.targets)), found.targets].astype(np.float64)
            return -np.log(np.clip(right, np.finfo(np.float64).eps, None))
        return CLASS_RANKING_SCORES[metric](found.targets, found.outputs)

    def right(self, found: Outcomes) -> np.ndarray:
        """Whether the label is the predicted one."""
        return found.targets == found.predicted

    def recomputed(self, found: Outcomes) -> Mapping[str, float]:
        """Accuracy, macro F1 over the labels that occur, and Matthews correlation, as a run's metrics have them.

        Example:
            >>> found = Outcomes(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), None)
            >>> Classification().recomputed(found)
            {'accuracy': 0.75, 'f1_macro': 0.7333333333333334, 'mcc': 0.5773502691896258}
        """
        labels, predicted = found.targets, found.predicted
        size, count = len(labels), int(max(labels.max(), predicted.max())) + 1
        has, gets, both = (
            np.bincount(ids, minlength=count).astype(np.float64)
            for ids in (labels, predicted, labels[labels == predicted])
        )
        occurs = has + gets > 0
        spread = (size**2 - (gets**2).sum()) * (size**2 - (has**2).sum())
        return {
            "accuracy": float(both.sum() / size),
            "f1_macro": float((2 * both[occurs] / (has + gets)[occurs]).mean()),
            "mcc": float((both.sum() * size - (has * gets).sum()) / spread**0.5) if spread > 0 else 0.0,
        }

    def answers(self, contract: Contract, outputs: np.ndarray, *, all_outputs: bool) -> dict[str, pa.Array]:
        """Columns predicted (a name), probability (its own) and, of all outputs, probability_NAME for each label."""
        best = outputs.argmax(axis=1)
        found = {
            "predicted": pa.array(contract.names, pa.string()).take(pa.array(best)),
            "probability": pa.array(outputs[np.arange(len(best)), best], pa.float32()),
        }
        if all_outputs:
            found |= {f"probability_{name}": pa.array(outputs[:, i]) for i, name in enumerate(contract.names)}
        return found

    def decided(self, contract: Contract, outputs: np.ndarray) -> np.ndarray:
        """The most probable label, (N,)."""
        return outputs.argmax(axis=1)

    def margin(self, contract: Contract, outputs: np.ndarray) -> np.ndarray:
        """Half of the distance between the two most probable labels."""
        if outputs.shape[1] < 2:
            return np.full(len(outputs), np.inf)
        highest = np.partition(outputs, -2, axis=1)[:, -2:]
        return (highest[:, 1] - highest[:, 0]) / 2

    def errors(self, contract: Contract, found: Outcomes) -> np.ndarray:
        """Wrong ones first, the surest of them first; right ones too by how sure they are."""
        assert found.outputs is not None
        return (found.predicted != found.targets) + found.outputs.max(axis=1).astype(np.float64)

    def label_counts(self, contract: Contract, found: Outcomes) -> LabelCounts:
        """Counts of the confusion matrix."""
        right = found.targets[found.targets == found.predicted]
        counts = (np.bincount(ids, minlength=len(contract)) for ids in (right, found.targets, found.predicted))
        return LabelCounts(*counts)

    def readout(self, contract: Contract) -> Readout:
        """A softmax."""
        assert isinstance(contract, Labels)
        return Readout(
            problem_type="single_label_classification",
            activation="softmax",
            contract=replace(contract, temperature=1.0),
            factor=1 / contract.temperature,
        )
