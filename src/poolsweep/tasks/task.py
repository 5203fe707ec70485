"""What differs between tasks: no other file asks which task it is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from poolsweep.tasks.contract import Contract
from poolsweep.tasks.outcomes import LabelCounts, Outcomes, Readout
from poolsweep.tasks.targets import Targets
from poolsweep.tasks.temperature import Calibrate

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Task(Targets):
    """How targets are read, learnt, measured and predicted; the fields of a task's class are its options.

    Attributes:
        name: Name that ``task=`` chooses it by.
        metrics: Metrics that it can measure, its loss aside; ``METRICS`` says what each is.
        default_metrics: Those that are measured unless ``metrics=`` names others; the first selects and ranks.
        default_loss: Option of ``loss=`` that is taken unless another is named.
        losses: All options of ``loss=`` that its targets go with.
        from_outputs: Metrics that need more than what was decided.
        has_labels: Whether targets are labels, and outputs a probability for each; else both are numbers.
        charts: What a report can draw of its predictions: confusion, calibration, label_f1 or scatter.
        trains: Whether anything is learnt; else vectors are compared as they are (``trainer=untrained``).
        link: What ``trainer=probe`` solves, one of ``poolsweep.probe.links``; None = it has nothing to solve.
        output_column: The column of a predictions file that holds outputs; None where the others tell them.
        also_evaluated: Metrics that ``poolsweep evaluate`` shows beside those of the run.
        calibrate: Whether probabilities get a temperature that is fitted on validation, or one that is given. It is a
            key of the root, since it is asked for whatever the task is.
    """

    name: ClassVar[str]
    metrics: ClassVar[tuple[str, ...]]
    default_metrics: ClassVar[tuple[str, ...]]
    default_loss: ClassVar[str]
    losses: ClassVar[tuple[str, ...]]
    from_outputs: ClassVar[frozenset[str]] = frozenset()
    trains: ClassVar[bool] = True
    link: ClassVar[str | None] = None
    output_column: ClassVar[str | None] = None
    has_labels: ClassVar[bool] = True
    charts: ClassVar[tuple[str, ...]] = ()
    also_evaluated: ClassVar[tuple[str, ...]] = ()
    calibrate: Calibrate = field(default="none", kw_only=True)

    @classmethod
    def options(cls) -> frozenset[str]:
        """Names of its options."""
        return frozenset(each.name for each in fields(cls)) - {"calibrate"}

    def option_problems(self) -> list[str]:
        """What its options, each of its declared type, cannot be."""
        return []

    def why_no_probe(self) -> str | None:
        """Why ``trainer=probe`` cannot solve these options, in a sentence; None if it can."""
        return None if self.link is not None else f"trainer=probe has nothing to solve for task={self.name}"

    def settled(self, contract: Contract, targets: np.ndarray, logits: Tensor) -> Contract:
        """The contract with what it leaves open until a model has been validated: a temperature, thresholds.

        Args:
            contract: The target contract.
            targets: Targets of the validation split.
            logits: What the head gave for it.
        Shape:
            targets (N, …); logits (N, C).
        """
        return contract

    def before_temperature(self, contract: Contract, found: Outcomes) -> Outcomes | None:
        """What the model said before its temperature was applied; None where it has none.

        Args:
            contract: The target contract.
            found: With outputs.
        """
        return None

    def reliability(self, found: Outcomes) -> tuple[np.ndarray, np.ndarray] | None:
        """Probabilities, and whether what each was given to is so; None where outputs are no probabilities.

        Args:
            found: With outputs.
        """
        return None

    def measured(self, metrics: Sequence[str], found: Outcomes) -> Mapping[str, float]:
        """Metrics of all texts of a split.

        Args:
            metrics: Some of ``metrics``.
            found: With outputs.
        """
        return {name: float(self.scores(name, found).mean()) for name in metrics}

    def for_loss(self, contract: Contract, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """What the loss is called with: unless a task says otherwise, logits and targets as they are.

        Args:
            contract: The target contract.
            logits: What the head gave, (B, C).
            targets: Target of each text, (B, …).
        """
        return logits, targets

    def divergence(self, contract: Contract, one: Tensor, other: Tensor) -> Tensor:
        """How far the outputs of two passes are from each other, (B,): the mean of both Kullback-Leibler divergences.

        Args:
            contract: The target contract.
            one: Logits of one pass, (B, C).
            other: Logits of the other, (B, C).
        """
        raise NotImplementedError(f"nothing is trained with task={self.name}")

    @abstractmethod
    def predicted(self, contract: Contract, logits: Tensor) -> Tensor:
        """What is stored of logits (B, C): one row per text."""

    @abstractmethod
    def columns(self, contract: Contract, targets: np.ndarray, outputs: np.ndarray) -> dict[str, Any]:
        """Columns of a predictions file.

        Args:
            contract: The target contract.
            targets: Target of each text.
            outputs: What ``predicted`` gave.
        Shape:
            targets (N, …); outputs (N, C).
        """

    @abstractmethod
    def read_columns(self, contract: Contract, table: pa.Table) -> Outcomes:
        """What ``columns`` wrote; without outputs where the table has no such column.

        Args:
            contract: The target contract.
            table: Some columns of a predictions file, perhaps a stranger's.
        Raises:
            ValueError: If these are none.
        """

    @abstractmethod
    def scores(self, metric: str, found: Outcomes) -> np.ndarray:
        """A score (N,) for each text, whose mean is the metric, and whose variance is its to first order.

        Args:
            metric: One of ``metrics``, or log_loss where the task has it.
            found: With outputs, if the metric is one of ``from_outputs``.
        """

    def right(self, found: Outcomes) -> np.ndarray | None:
        """Whether each text is right, (N,) bool; None where nothing is right or wrong."""
        return None

    @abstractmethod
    def recomputed(self, found: Outcomes) -> Mapping[str, float]:
        """Metrics that follow from what was decided and are quick to compute: a check of a run's record."""

    @abstractmethod
    def answers(self, contract: Contract, outputs: np.ndarray, *, all_outputs: bool) -> dict[str, pa.Array]:
        """Columns of a file of predictions for texts whose targets nobody knows.

        Args:
            contract: The target contract.
            outputs: What ``predicted`` gave.
            all_outputs: Whether every output has a column of its own, too.
        Shape:
            outputs (N, C); every column (N,).
        """

    @abstractmethod
    def decided(self, contract: Contract, outputs: np.ndarray) -> np.ndarray:
        """What is decided from outputs, as ``Outcomes.predicted`` has it.

        Shape:
            outputs (N, C); returns (N,) or (N, C).
        """

    def margin(self, contract: Contract, outputs: np.ndarray) -> np.ndarray | None:
        """How much outputs would have to change for another decision, (N,); None where nothing is decided."""
        return None

    def outcomes(self, contract: Contract, targets: np.ndarray, outputs: np.ndarray) -> Outcomes:
        """Outputs beside the targets that they should have met."""
        return Outcomes(targets, self.decided(contract, outputs), outputs)

    @abstractmethod
    def errors(self, contract: Contract, found: Outcomes) -> np.ndarray:
        """How wrong each text is, (N,): by these the worst texts come first."""

    def label_counts(self, contract: Contract, found: Outcomes) -> LabelCounts | None:
        """What precision, recall and F1 of each name follow from; None where targets are no names."""
        return None

    @abstractmethod
    def readout(self, contract: Contract) -> Readout | None:
        """How an export gives what is predicted; None where the model has no linear head."""

    def without_validation(self, contracts: Sequence[Contract]) -> Mapping[str, Any]:
        """Options of a refit that has no validation rows, in place of what these decided.

        Args:
            contracts: Contracts of the runs that chose its setting, one or more.
        """
        return {}
