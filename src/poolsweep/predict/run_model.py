"""One finished run as a model."""

from __future__ import annotations

from collections.abc import Sequence

from poolsweep.predict.engine import Engine, Place, Predicted, Vectors
from poolsweep.predict.identity import identity_of
from poolsweep.predict.model import Model, Output, Reads, known_metrics
from poolsweep.training.load import LoadedRun


class RunModel(Model):
    """A run with its selected weights.

    Args:
        run: A finished run; it is moved to the place.
        name: What it is, for messages.
        place: Device and precision; None = the CPU, in float32.
    """

    def __init__(self, run: LoadedRun, *, name: str, place: Place | None = None) -> None:
        self.name, self.run = name, run
        self.task, self.contract = run.config.task, run.contract
        self.metrics = known_metrics(self.task, run.config.content["metrics"])
        data = run.config.data
        self.reads = Reads(
            text=str(data.get("text") or "text"), text_pair=data.get("text_pair"), max_length=run.reading.max_length,
            label=data.get("label") or "label", two_towers=run.classifier.pairs.two_towers,
        )  # fmt: skip
        self.engine = Engine(run.loaded, run.reading, place or Place.of("cpu"), self.reads.two_towers)
        run.classifier.to(self.engine.place.device)

    @property
    def identity(self) -> str:
        """A hash of weights, options, labels and place."""
        config = self.run.config
        options = [config.content[name] for name in ("pooling", "pairs", "postprocess", "head", "task")]
        return identity_of(self.engine, self.run.classifier, *map(repr, options), self.contract.to_mapping())

    def predicted(self, name: str = "predicted") -> Predicted:
        """What ``predict`` asks of a pass of the encoder.

        Args:
            name: Tells it from the requests of other runs in the same pass.
        """
        classifier = self.run.classifier
        return Predicted(classifier.pooling, name, classifier, self.task, self.contract, classifier.pairs)

    def predict(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Output:
        """Probabilities, or what else the task predicts."""
        self.reads.check(texts, pairs)
        return self._run(self.predicted(), texts, pairs)

    def encode(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Output:
        """Pooled vectors; with two towers of single texts."""
        self.reads.of_vectors.check(texts, pairs)
        return self._run(Vectors(self.run.classifier.pooling, "vectors"), texts, pairs)

    def _run(self, wanted: Vectors, texts: Sequence[str], pairs: Sequence[str] | None) -> Output:
        [values], truncated = self.engine.run(texts, pairs, [wanted])
        return Output(values, truncated)
