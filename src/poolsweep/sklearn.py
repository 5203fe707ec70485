"""A text classifier for scikit-learn's pipelines, cross-validation and searches."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xxhash
from sklearn.base import BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from poolsweep.api.columns import read_columns
from poolsweep.errors import UserError

if TYPE_CHECKING:
    from sklearn.utils import Tags

    from poolsweep.api.trained import TrainedModel

_COLUMNS = ("text", "label")
_CACHE = "POOLSWEEP_CACHE"


class PooledTextClassifier(ClassNamePrefixFeaturesOutMixin, ClassifierMixin, TransformerMixin, BaseEstimator):
    """An encoder, a pooling and a linear head, fitted as ``poolsweep train`` fits them.

    ``fit`` makes a run whose validation rows, split off the given ones, select penalty or epoch. Then it fits the
    setting once more, on all rows (``poolsweep refit --with-validation``). The vectors of a frozen encoder are kept for
    other poolings and other calls on the same texts.

    Args:
        pooling: Preset: ``poolsweep poolings`` lists them.
        encoder: Option of ``encoder``, a model of the hub, or a folder.
        frozen: Solve a head on vectors of an encoder that stays as it is, rather than train all of it.
        refit: Fit all rows in the end; False keeps the model that has never seen the validation rows.
        validation_fraction: Share of the rows that select, 0 to 1.
        overrides: Any other keys, as they are typed: ``["optimizer.lr=1e-4"]``.
        random_state: Seed.
        output_root: Folder where runs stay, and are found when the same rows are fitted again; None = a temporary
            folder, which goes when the process ends.
        progress: Whether to show a progress bar.
    Attributes:
        classes_: (C,) labels, sorted, in the type of ``y``.
        model_: The ``poolsweep.TrainedModel``, for ``export`` and others.
        run_: Folder of its run.
    Example:
        >>> texts = [f"{word} film {i}" for i in range(20) for word in ("good", "bad")]
        >>> clf = PooledTextClassifier(encoder="tiny").fit(texts, [1, 0] * 20)
        >>> clf.predict(["good film", "bad film"])
        array([1, 0])
    """

    def __init__(
        self,
        pooling: str = "masked_mean",
        encoder: str = "minilm",
        *,
        frozen: bool = True,
        refit: bool = True,
        validation_fraction: float = 0.1,
        overrides: Sequence[str] = (),
        random_state: int = 0,
        output_root: str | Path | None = None,
        progress: bool = False,
    ) -> None:
        self.pooling = pooling
        self.encoder = encoder
        self.frozen = frozen
        self.refit = refit
        self.validation_fraction = validation_fraction
        self.overrides = overrides
        self.random_state = random_state
        self.output_root = output_root
        self.progress = progress

    def fit(self, X: Iterable[str], y: Iterable[Any]) -> PooledTextClassifier:
        """Fit to texts and their labels.

        Args:
            X: Texts: a list, an array, or a column of a data frame.
            y: Labels of one type: numbers, strings or truth values.
        Shape:
            X (N,) and y (N,).
        Raises:
            UserError: If a text or a label is missing, or there are too few of a label to split some off.
        """
        labels = np.asarray(y)
        if labels.ndim != 1:
            shape = labels.shape
            raise UserError(f"y must have one label a text, got the shape {shape}; poolsweep.run_sweep reads several")
        try:
            check_classification_targets(labels)
            self.classes_, codes = np.unique(labels, return_inverse=True)
        except (TypeError, ValueError) as error:
            raise UserError(f"y must hold a label for each text, all of one type: {error}") from error
        names = _names(self.classes_)
        rows = read_columns((_texts(X), [names[code] for code in codes]), _COLUMNS, label=None, where="X").values
        texts, written = (rows[name].to_pylist() for name in _COLUMNS)
        self.run_, self.model_ = self._fitted(texts, written, names)
        self._n_features_out = self.model_.encode(texts[:1]).shape[1]
        return self

    def _fitted(self, texts: Sequence[str], labels: Sequence[str], names: Sequence[str]) -> tuple[str, TrainedModel]:
        """The run of these rows and its model: a study of its own, so that no other run can be meant."""
        from poolsweep.api.contained import contained
        from poolsweep.api.load import load
        from poolsweep.api.run_sweep import run_sweep

        choices = {key: value for key, value in self.get_params().items() if key not in ("output_root", "progress")}
        identity = xxhash.xxh3_64_hexdigest(repr([sorted(choices.items()), texts, labels]).encode("utf-8", "replace"))
        # A run has test rows: the first text of each label. Nobody looks at their score.
        test = [texts[labels.index(name)] for name in names], names
        with contained(progress=self.progress), _room(self.output_root) as root:
            study = run_sweep(
                (texts, labels), test=test, labels=names, pooling=self.pooling, encoder=self.encoder,
                frozen=self.frozen, seeds=[self.random_state], study=f"sklearn-{identity}", output_root=root,
                task="classification",
                overrides=[f"data.validation_fraction={self.validation_fraction}", *self.overrides],
                progress=self.progress,
            )  # fmt: skip
            if self.refit:
                model = study.refit(with_validation=True, progress=self.progress)
            else:
                [run] = study.records
                model = load(run.path)
        return model.name, model

    def predict(self, X: Iterable[str]) -> np.ndarray:
        """The most probable label of each text.

        Args:
            X: Texts.
        Shape:
            X (N,); returns (N,) in the type of ``classes_``.
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_proba(self, X: Iterable[str]) -> np.ndarray:
        """The probability of each label.

        Args:
            X: Texts.
        Shape:
            X (N,); returns (N, C) float32, columns in the order of ``classes_``.
        """
        check_is_fitted(self, "model_")
        return self.model_.predict_proba(_texts(X))

    def transform(self, X: Iterable[str]) -> np.ndarray:
        """The pooled vector of each text.

        Args:
            X: Texts.
        Shape:
            X (N,); returns (N, D) float32.
        """
        check_is_fitted(self, "model_")
        return self.model_.encode(_texts(X))

    def __getstate__(self) -> dict[str, Any]:
        """Of a fitted one, the files of its run: a frozen encoder is read again where it is loaded."""
        found: Any = super().__getstate__()
        state: dict[str, Any] = dict(found)
        if (model := state.pop("model_", None)) is None:
            return state
        run = Path(model.name)
        files = [path for path in run.rglob("*") if path.is_file()]
        return state | {"files": {path.relative_to(run).as_posix(): path.read_bytes() for path in files}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        from poolsweep.api.load import load

        state = dict(state)
        files = state.pop("files", None)
        super().__setstate__(state)
        if files is not None:
            run = Path(tempfile.mkdtemp(dir=_temporary(os.getpid()).name)) / Path(self.run_).name
            for name, content in files.items():
                (run / name).parent.mkdir(parents=True, exist_ok=True)
                (run / name).write_bytes(content)
            self.run_, self.model_ = str(run), load(run)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.one_d_array, tags.input_tags.string = False, True, True
        tags.non_deterministic = False
        return tags


def _names(classes: np.ndarray) -> list[str]:
    """Label names of classes, one each."""
    [names] = read_columns({"y": classes.tolist()}, ["y"], label=None, where="y").values.values()
    found = names.to_pylist()
    if None in found or "" in found or len(set(found)) < len(found):
        raise UserError(
            f"y must hold a label for each text, and labels that differ in how they are written, got {found}"
        )
    return found


def _texts(given: Any) -> list[str]:  # noqa: ANN401
    """Texts of a list, an array or a column; of a table that has one column, that."""
    if isinstance(given, str):
        raise UserError("X must be a list of texts, got one text")
    if getattr(given, "ndim", 1) == 2:
        if given.shape[1] != 1:
            raise UserError(f"X must be one column of texts, got {given.shape[1]}")
        given = given.iloc[:, 0] if hasattr(given, "iloc") else given[:, 0]
    return list(given)


@cache
def _temporary(process: int) -> tempfile.TemporaryDirectory[str]:
    """A folder that goes when the process ends.

    Args:
        process: Id of the process; one that was forked makes a folder of its own.
    """
    return tempfile.TemporaryDirectory(prefix="poolsweep-", ignore_cleanup_errors=True)


@contextmanager
def _room(given: str | Path | None) -> Iterator[Path]:
    """Where runs go: where the user wants them, or a temporary folder that takes what is cached, too."""
    if given is not None:
        yield Path(given)
        return
    root, before = Path(_temporary(os.getpid()).name), os.environ.get(_CACHE)
    os.environ[_CACHE] = str(root / ".cache")
    try:
        yield root
    finally:
        os.environ.pop(_CACHE)
        if before is not None:
            os.environ[_CACHE] = before
