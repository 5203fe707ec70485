"""A trained model in Python."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from poolsweep.api.columns import read_columns
from poolsweep.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from poolsweep.data.splits import Split
    from poolsweep.predict.choose import Choice
    from poolsweep.predict.model import Model, Output


class TrainedModel:
    """A trained model: a run, a refit, the replicates of a contender together, or an export.

    Args:
        model: What reads the texts.
        choice: The runs that it is made of; None of an export.
        trust: ``trusted`` and ``trust_remote_code`` by which it was loaded.
    """

    def __init__(self, model: Model, choice: Choice | None, **trust: Any) -> None:  # noqa: ANN401
        self._model, self._choice, self._trust = model, choice, trust

    @property
    def name(self) -> str:
        """What it is: a path, or ``study:pooling``."""
        return self._model.name

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names; column i of ``predict_proba`` is ``labels[i]``. A model of scores has one name, ``score``."""
        return self._model.contract.names

    def predict(self, texts: Iterable[str], pairs: Iterable[str] | None = None) -> np.ndarray:
        """What the task predicts of each text.

        One label a text: the most probable one, by name; names are strings, whatever type the training data had.
        Several: the list of their names. A score: a number, in the units of the training data.

        Args:
            texts: Texts: a list, a column of a data frame.
            pairs: The second text of each, where the model reads pairs.
        Shape:
            returns (N,) of str, lists or numbers.
        Raises:
            UserError: If one is empty or no text, or the model reads pairs and gets none.
        """
        outputs = self._outputs(texts, pairs)
        return _of_python(self._model.task.answers(self._model.contract, outputs, all_outputs=False)["predicted"])

    def predict_proba(self, texts: Iterable[str], pairs: Iterable[str] | None = None) -> np.ndarray:
        """The probability of each label.

        Args:
            texts: Texts as ``predict`` takes them.
            pairs: The second text of each, where the model reads pairs.
        Shape:
            returns (N, C) float32, columns in the order of ``labels``.
        Raises:
            UserError: For what ``predict`` refuses, and for a model of scores, which has none.
        """
        if not self._model.task.has_labels:
            raise UserError(f"{self.name} predicts a score for each text, and no probabilities: predict gives it")
        return self._outputs(texts, pairs)

    def _outputs(self, texts: Iterable[str], pairs: Iterable[str] | None) -> np.ndarray:
        found = self._made(texts, pairs, vectors=False)
        return np.zeros((0, len(self.labels)), np.float32) if found is None else found.values

    def encode(self, texts: Iterable[str], pairs: Iterable[str] | None = None) -> np.ndarray:
        """The pooled vector of each text, before post-processing and head.

        Args:
            texts: Texts as ``predict`` takes them.
            pairs: The second text of each, where the model reads pairs.
        Shape:
            returns (N, D) float32.
        Raises:
            UserError: For what ``predict`` refuses, and for an ensemble, which has no single vector.
        """
        found = self._made(texts, pairs, vectors=True)
        if found is None:
            raise UserError("there is no text to encode")
        return found.values

    def evaluate(
        self,
        data: Any,  # noqa: ANN401
        *,
        text: str | None = None,
        label: str | None = None,
        text_pair: str | None = None,
        by_label: bool = False,
    ) -> pd.DataFrame:
        """How good the model is on texts whose labels are known, as ``poolsweep evaluate`` says.

        Args:
            data: Rows, as ``run_sweep`` takes them.
            text: Name of the column with the text; None = as in training, as with the others.
            label: Name of the column with the label.
            text_pair: Name of the column with the second text.
            by_label: Give a row per label instead of one per metric, where there are labels.
        Returns:
            Per metric ``value``, ``low`` and ``high``, a 95% interval over texts; or per label ``precision``,
            ``recall``, ``f1`` and ``support``.
        Raises:
            UserError: If a text or a label is missing, a label is one that the model does not have, or rows per label
                are asked of a model of scores.
        """
        import pandas as pd

        from poolsweep.predict.evaluate import evaluate, read_labelled

        if isinstance(data, (str, Path)):
            split = read_labelled(Path(data), self._model, text=text, text_pair=text_pair, label=label)
        else:
            split = labelled(data, self._model, text=text, text_pair=text_pair, label=label)
        if by_label and not self._model.task.has_labels:
            raise UserError(f"{self.name} predicts a score for each text: there are no labels to give a row each")
        found = evaluate(self._model, split)
        if by_label:
            return pd.DataFrame([vars(one) for one in found.by_label()]).set_index("label")
        rows = {name: vars(score) for name, score in found.metrics().items()}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("metric")

    def export(
        self, to: str, output: str | Path, *, vectors: bool = False, int8: bool = False, proof: str | Path | None = None
    ) -> Path:
        """Write the model for another library, proven equal in a process without poolsweep, as ``poolsweep export``.

        Args:
            to: Format: ``sentence-transformers``, ``transformers``, ``onnx`` or ``torch``.
            output: A folder that does not exist or is empty.
            vectors: Leave the head out: the exported model gives pooled vectors.
            int8: Quantise its weights.
            proof: A file whose rows it is proven on; None = the run's test rows.
        Returns:
            The folder.
        Raises:
            UserError: If the format cannot hold this model, or several runs are meant.
            UnprovenError: If the exported model gives something else; nothing is left of it.
        """
        from poolsweep.export.command import export_run
        from poolsweep.export.format import Wanted

        if self._choice is None:
            raise UserError(f"{self.name} is an export already; load the run that it was made of")
        wanted = Wanted(vectors=vectors, int8=int8)
        rows = None if proof is None else Path(proof)
        export_run(self._choice.single(), to=to, output=Path(output), wanted=wanted, proof=rows, **self._trust)
        return Path(output)

    def _made(self, texts: Iterable[str], pairs: Iterable[str] | None, *, vectors: bool) -> Output | None:
        first, second = _texts(texts, "texts"), None if pairs is None else _texts(pairs, "pairs")
        if not first:
            return None
        run = self._model.encode if vectors else self._model.predict
        return run(first, second)

    def __repr__(self) -> str:
        return f"TrainedModel({self.name!r}, labels={list(self.labels)})"


def _of_python(column: pa.Array) -> np.ndarray:
    """Names as an array of strings, lists of names as one of lists, numbers as they are."""
    if pa.types.is_floating(column.type):
        return column.to_numpy(zero_copy_only=False)
    if not pa.types.is_list(column.type):
        return np.array(column.to_pylist(), dtype=str)
    found = np.empty(len(column), dtype=object)
    for row, names in enumerate(column.to_pylist()):
        found[row] = names
    return found


def _texts(given: Iterable[str], what: str) -> list[str]:
    """Texts as a list, each one checked.

    Raises:
        UserError: If one is empty, or no text.
    """
    if isinstance(given, str):
        raise UserError(f"{what} must be a list of texts, got one text: [{given[:30]!r}]")
    texts = list(given)
    for row, text in enumerate(texts, 1):
        if not isinstance(text, str) or not text.strip():
            kind = "an empty text" if isinstance(text, str) else type(text).__name__
            raise UserError(f"{what} must hold a text in each row, got {kind} in row {row}")
    return [str(text) for text in texts]  # numpy's own strings are none for tokenizers


def labelled(
    data: Any,  # noqa: ANN401
    model: Model,
    *,
    text: str | None,
    text_pair: str | None,
    label: str | None,
) -> Split:
    """Rows with labels, checked against what the model knows.

    Args:
        data: Rows as ``read_columns`` takes them.
        model: Model whose columns are read unless others are named.
        text: Name of the column with the text.
        text_pair: Name of the column with the second text.
        label: Name of the column with the label.
    Raises:
        UserError: With every problem, among them every label that the model does not have.
    """
    from datasets import Dataset

    from poolsweep.data.checks import check_targets
    from poolsweep.data.splits import Split

    target = label or model.reads.label
    if not isinstance(target, str):
        raise UserError(
            f"{model.name} was trained on a column for each label; label=COLUMN names one with lists of them"
        )
    names = {"text": text or model.reads.text, "text_pair": text_pair or model.reads.text_pair}
    names = {key: name for key, name in names.items() if name} | {"label": target}
    columns = read_columns(data, list(names.values()), label=names["label"], where="data").values
    rows = Dataset(pa.table({key: columns[name] for key, name in names.items()}))
    split = Split("evaluated", "data", rows, np.arange(len(rows)))
    check_targets(split, model.contract, where_seen=f"the labels of {model.name}")
    return split
