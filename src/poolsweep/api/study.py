"""A study in Python: its tables, its report, and the models that come of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from poolsweep.errors import UserError
from poolsweep.report.leaderboard import BASELINE
from poolsweep.report.results import load_runs
from poolsweep.report.study import StudyTables
from poolsweep.runs.locate import find_study
from poolsweep.terminal.console import Console
from poolsweep.terminal.progress import silent

if TYPE_CHECKING:
    from poolsweep.api.trained import TrainedModel


class Study(StudyTables):
    """The runs of one study or several, as they were when it was read; ``load_study`` reads them again.

    ``study`` alone shows its leaderboard, as a table in a notebook.

    Attributes:
        records: One per run folder.
    """

    @property
    def paths(self) -> tuple[Path, ...]:
        """Folders of the studies."""
        return tuple(dict.fromkeys(record.path.parent for record in self.records))

    @property
    def path(self) -> Path:
        """Folder of the study.

        Raises:
            UserError: If there are several.
        """
        if len(self.paths) != 1:
            raise UserError(f"there are {len(self.paths)} studies here: load_study one of them")
        return self.paths[0]

    @property
    def contenders(self) -> list[str]:
        """Names of the contenders, the best by test score first."""
        return list(dict.fromkeys(self.leaderboard()["name"]))

    @property
    def best(self) -> str:
        """Name of the contender that is best on validation: what ``refit`` and ``ensemble`` mean without one."""
        from poolsweep.predict.choose import choose_contender

        return choose_contender(str(self.path)).contender.name

    def report(
        self, *, metric: str | None = None, baseline: str = BASELINE, out: str | Path | None = None, texts: bool = True
    ) -> Path:
        """Write the page with charts and cautions, the tables and the figures, as ``poolsweep report`` does.

        Args:
            metric: A metric of the runs, such as f1_macro; None = the first of theirs.
            baseline: Name of a contender, or of a pooling, that the others are held against.
            out: Folder to write to; None = ``report`` in the study.
            texts: Whether the page may show texts of the test split.
        Returns:
            The page, ``report.html``.
        Raises:
            UserError: If no run has finished, or there is no such metric or contender.
        """
        from poolsweep.report.command import report

        folder = None if out is None else Path(out)
        with silent(progress=False, answers=True):
            return report(
                [str(path) for path in self.paths], baseline=baseline, metric=metric, out=folder, with_texts=texts,
                console=Console(),
            )  # fmt: skip

    def ensemble(self, name: str | None = None) -> TrainedModel:
        """All replicates of a contender together: the mean of what they predict.

        Args:
            name: Name of a contender; None = ``best``.
        Raises:
            UserError: If the study has none of that name.
        """
        from poolsweep.api.load import load_replicates

        return load_replicates(self._named(name))

    def refit(self, name: str | None = None, *, with_validation: bool = False, progress: bool = True) -> TrainedModel:
        """The model to ship: the chosen setting of a contender, fitted on all training rows.

        A run of its own in the study, as ``poolsweep refit`` makes it; called again it is only loaded.

        Args:
            name: Name of a contender; None = ``best``.
            with_validation: Train on the validation rows, too; what they select is then as most replicates chose it.
            progress: Whether to show how far it is.
        Raises:
            UserError: If the study has no such contender, or its rows have changed since.
        """
        from poolsweep.api.load import refitted

        return refitted(self._named(name), with_validation=with_validation, progress=progress)

    def _named(self, name: str | None) -> str:
        return str(self.path) if name is None else f"{self.path}:{name}"


def load_study(*studies: str | Path) -> Study:
    """Read one study or several.

    Args:
        studies: Names under the output root (``outputs``, or ``POOLSWEEP_OUTPUTS``), or paths.
    Raises:
        UserError: If one of them is no study.
    """
    return Study(tuple(load_runs([find_study(study) for study in studies])))
