"""A run that is to be done, as every step of doing it hands it on."""

from __future__ import annotations

from dataclasses import dataclass

from poolsweep.config import RunConfig
from poolsweep.runs.folder import RunFolder
from poolsweep.training.prepare import Prepared


@dataclass(frozen=True)
class PlannedRun:
    """What is known of a run before it begins.

    Attributes:
        config: Validated.
        prepared: What it reads.
        folder: Folder that the run writes to.
        identity: Run id.
        name: What a person calls it.
    """

    config: RunConfig
    prepared: Prepared
    folder: RunFolder
    identity: str
    name: str
