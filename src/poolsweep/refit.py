"""The run that is made for use: the chosen setting of a contender, fitted on all training rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from poolsweep.config import RunConfig
from poolsweep.errors import UserError
from poolsweep.files.writing import read_json
from poolsweep.predict.choose import Chosen
from poolsweep.report.results import RunRecord
from poolsweep.runs.identity import encoder_identity
from poolsweep.runs.stored_config import stored_config
from poolsweep.tasks import Contract, Task
from poolsweep.tasks.temperature import FITTED, mean_temperature
from poolsweep.training.sources import data_identity

if TYPE_CHECKING:
    from poolsweep.training.prepare import Prepared

_ALL_ROWS = ("fold", "train_rows", "rows_per_label")  # null: no fold is held out, and no row left out
_LEFT_OUT = ("trial", "optuna", "refit")  # of a search that the replicates were trials of


def refit_config(
    chosen: Chosen, *, with_validation: bool = False, trusted: Sequence[str] = (), trust_remote_code: bool = False
) -> RunConfig:
    """The config of a contender's refit: that of its first replicate, without what makes it a replicate.

    A probe is fitted to all training rows instead of a bootstrap sample of them. Without ``with_validation`` validation
    selects penalty or epoch, as in any run. With it validation rows are training rows. What they select is fixed
    before: the penalty that most replicates chose (of as many, the stronger), or the median share of the schedule after
    which the replicates were best; means of thresholds and of temperatures, which no row is left to fit.

    Where the replicates are folds, none is held out: no test row is left then, unless there is a test file. Of a
    learning curve all rows are fitted, whatever the size that it was chosen at.

    Args:
        chosen: Contender.
        with_validation: Whether to train on the validation rows too.
        trusted: Packages of your own whose classes the runs name.
        trust_remote_code: Run the model code that the runs' encoder carries.
    Raises:
        UserError: If a run cannot be read, or asks for more trust.
    """
    runs = chosen.contender.replicates
    stored = stored_config(runs[0].folder, trusted=trusted, trust_remote_code=trust_remote_code)
    place = chosen.study if chosen.study.name else chosen.study.absolute()
    content = {key: value for key, value in stored.items() if key not in _LEFT_OUT} | {
        "output_root": str(place.parent), "study": place.name, "logger": {}, "retry": "failed", "on_failure": "continue"
    }  # fmt: skip
    content["data"] = content["data"] | {key: None for key in _ALL_ROWS if key in content["data"]}
    known = RunConfig.of(content)
    is_probe = known.is_probe
    contracts = _contracts(runs, known.task)
    if not known.task.trains:
        raise UserError(f"{chosen.name} cannot be refitted: nothing is trained with task={known.task.name}")
    refit = {
        "of": chosen.name, "setting": str(runs[0].facts["setting"]), "runs": [run.path.name for run in runs],
        "with_validation": with_validation, "share_of_schedule": None,
    }  # fmt: skip
    if is_probe:
        content["trainer"] = content["trainer"] | {"bootstrap": False}
    if with_validation:
        content["task"] = content["task"] | known.task.without_validation(contracts)
        if content["calibrate"] == FITTED:
            content["calibrate"] = mean_temperature(contracts)
    if with_validation and is_probe:
        content["trainer"] = content["trainer"] | {"penalties": [_penalty(runs)]}
    elif with_validation:
        refit["share_of_schedule"] = _share_of_schedule(runs)
        callbacks = content.get("callbacks") or {}
        content["callbacks"] = {name: node for name, node in callbacks.items() if "monitor" not in node}
    return RunConfig.of(content | {"refit": refit})


def require_same_content(chosen: Chosen, config: RunConfig, prepared: Prepared) -> None:
    """Refuse to fit a setting that was chosen on other rows, or for another encoder.

    Args:
        chosen: Contender.
        config: Config of its refit.
        prepared: What the refit reads.
    Raises:
        UserError: If data or encoder are not those of the replicates.
    """
    facts = chosen.contender.any_run.facts
    found = data_identity(config.data, prepared.splits) | encoder_identity(config.encoder)
    for part in ("data", "encoder"):
        known = facts.get(f"{part}_id")
        if known is not None and found[f"{part}_id"] != known:
            place = ", ".join(found[f"{part}_place"] or facts.get(f"{part}_place") or ["no path"])
            raise UserError(
                f"the {part} of {chosen.name} changed since its runs were made ({place}): train them again, then refit"
            )


def _contracts(runs: Sequence[RunRecord], task: Task) -> list[Contract]:
    try:
        return [task.read_contract(read_json(run.folder.labels)) for run in runs]
    except (OSError, ValueError) as error:
        raise UserError(f"a labels.json of {runs[0].path.parent} cannot be read: {error}") from error


def _penalty(runs: Sequence[RunRecord]) -> float:
    """The one that most runs chose; of as many, the stronger."""
    counts = Counter(float(_told(run, "penalty")) for run in runs)
    return max(counts, key=lambda penalty: (counts[penalty], penalty))


def _share_of_schedule(runs: Sequence[RunRecord]) -> float:
    """The median share of the schedule after which runs were best."""
    shares = [_told(run, "best_step") / max(1, _told(run, "scheduled_steps")) for run in runs]
    return min(1.0, float(median(shares)))


def _told(run: RunRecord, name: str) -> float:
    value = run.facts.get(name)
    if not value:
        raise UserError(f"{run.path} does not record {name}, which --with-validation needs: train it with retry=all")
    return value
