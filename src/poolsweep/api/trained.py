"""``poolsweep.load``: a trained model in Python."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from poolsweep.errors import UserError

if TYPE_CHECKING:
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
        """Label names; column i of ``predict_proba`` is ``labels[i]``."""
        return self._model.labels.names

    def predict(self, texts: Iterable[str], pairs: Iterable[str] | None = None) -> np.ndarray:
        """The most probable label of each text, by name: names are strings, whatever type the training data had.

        Args:
            texts: Texts: a list, a column of a data frame.
            pairs: The second text of each, where the model reads pairs.
        Shape:
            returns (N,) str.
        Raises:
            UserError: If one is empty or no text, or the model reads pairs and gets none.
        """
        return np.array(self.labels)[self.predict_proba(texts, pairs).argmax(axis=1)]

    def predict_proba(self, texts: Iterable[str], pairs: Iterable[str] | None = None) -> np.ndarray:
        """The probability of each label.

        Args:
            texts: As ``predict`` takes them.
            pairs: The second text of each, where the model reads pairs.
        Shape:
            returns (N, C) float32, columns in the order of ``labels``.
        Raises:
            UserError: As ``predict``.
        """
        found = self._made(texts, pairs, vectors=False)
        return np.zeros((0, len(self.labels)), np.float32) if found is None else found.values

    def encode(self, texts: Iterable[str], pairs: Iterable[str] | None = None) -> np.ndarray:
        """The pooled vector of each text, before post-processing and head.

        Args:
            texts: As ``predict`` takes them.
            pairs: The second text of each, where the model reads pairs.
        Shape:
            returns (N, D) float32.
        Raises:
            UserError: As ``predict``; and of an ensemble, which has no single vector.
        """
        found = self._made(texts, pairs, vectors=True)
        if found is None:
            raise UserError("there is no text to encode")
        return found.values

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

        run = Path(self.name) if self._choice is None else self._choice.single()
        wanted = Wanted(vectors=vectors, int8=int8)
        rows = None if proof is None else Path(proof)
        export_run(run, to=to, output=Path(output), wanted=wanted, proof=rows, **self._trust)
        return Path(output)

    def _made(self, texts: Iterable[str], pairs: Iterable[str] | None, *, vectors: bool) -> Output | None:
        first, second = _texts(texts, "texts"), None if pairs is None else _texts(pairs, "pairs")
        if not first:
            return None
        run = self._model.encode if vectors else self._model.predict
        return run(first, second)

    def __repr__(self) -> str:
        return f"TrainedModel({self.name!r}, labels={list(self.labels)})"


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


def load(
    given: str | Path,
    *,
    device: str = "auto",
    precision: str = "32",
    trusted: Sequence[str] = (),
    trust_remote_code: bool = False,
) -> TrainedModel:
    """Load a model, as ``poolsweep predict`` does.

    Args:
        given: A run folder, the folder of an export, ``STUDY`` or ``STUDY:POOLING``. A study means the contender
            that is best on validation: its newest refit, or else all of its replicates together.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``, or ``auto`` = a GPU where there is one.
        precision: ``32``, ``bf16`` or ``16``.
        trusted: Packages of your own whose classes the run names.
        trust_remote_code: Run the model code that the run's encoder carries.
    Raises:
        UserError: If it is none, or is refused.
    """
    from poolsweep.predict.choose import choose
    from poolsweep.predict.load import load_chosen

    trust: dict[str, Any] = {"trusted": trusted, "trust_remote_code": trust_remote_code}
    choice = choose(given)
    return TrainedModel(load_chosen(choice, device=device, precision=precision, **trust), choice, **trust)


def load_replicates(named: str) -> TrainedModel:
    """All replicates of a contender together, also where it has a refit.

    Args:
        named: ``STUDY`` or ``STUDY:POOLING``.
    Raises:
        UserError: If there is no such contender.
    """
    from poolsweep.predict.choose import Choice, choose_contender
    from poolsweep.predict.load import load_chosen

    chosen = choose_contender(named)
    runs = tuple(chosen.contender.runs[replicate].path for replicate in sorted(chosen.contender.runs))
    choice = Choice("replicates", runs, chosen.name)
    return TrainedModel(load_chosen(choice), choice)


def refitted(named: str, *, with_validation: bool, progress: bool) -> TrainedModel:
    """Fit the chosen setting of a contender on all training rows, as ``poolsweep refit`` does, and load it.

    Args:
        named: ``STUDY`` or ``STUDY:POOLING``.
        with_validation: Train on the validation rows, too.
        progress: Whether to show how far it is.
    Raises:
        UserError: If there is no such contender, or its rows have changed since.
    """
    from poolsweep.api.contained import contained
    from poolsweep.cli.single_run import run_once
    from poolsweep.predict.choose import choose_contender
    from poolsweep.refit import refit_config, require_same_content

    with contained(progress=progress):
        chosen = choose_contender(named)
        config = refit_config(chosen, with_validation=with_validation)
        result = run_once(
            config,
            name=f"refit of {chosen.name}",
            require=lambda prepared: require_same_content(chosen, config, prepared),
        )
    return load(config.study_folder / result["run_id"])
