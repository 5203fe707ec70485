"""The processes that train one run together: how many a config asks for, and which of them this one is."""

from __future__ import annotations

import os
from dataclasses import dataclass

from poolsweep.config import RunConfig
from poolsweep.errors import UserError

OURS = "POOLSWEEP_RANK"  # set in processes that we start


@dataclass(frozen=True)
class World:
    """This process among those that train one run together.

    Attributes:
        size: Their number.
        rank: Number of this one; 0 leads: it alone locks and writes.
        local_rank: Number of this one among those of its machine.
        node: Number of its machine.
    """

    size: int = 1
    rank: int = 0
    local_rank: int = 0
    node: int = 0


ALONE = World()


def given_world() -> World | None:
    """What a launcher that starts all processes itself says about this one: we, torchrun or Slurm's srun; else None."""
    env = os.environ
    if "TORCHELASTIC_RUN_ID" in env or OURS in env:
        return World(*(int(env[key]) for key in ("WORLD_SIZE", "RANK", "LOCAL_RANK", "GROUP_RANK")))
    if int(env.get("SLURM_STEP_NUM_TASKS", "1")) > 1 and "SLURM_PROCID" in env:  # set by srun alone
        keys = ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID")
        return World(*(int(env.get(key, "0")) for key in keys))
    return None


def world_for(config: RunConfig) -> World | None:
    """This process among those of a run; None if the run wants more processes than this one, which nobody has started.

    A run on one device is one process, whatever else a launcher started beside it.

    Args:
        config: The run's.
    Raises:
        UserError: If a launcher started another number of processes than the run wants, or the run wants several
            machines and no launcher has started it there.
    """
    wanted, given, nodes = config.processes, given_world(), config.nodes
    if wanted <= 1:
        return ALONE
    asks = f"trainer.devices={config.trainer['devices']} and trainer.num_nodes={nodes} ask for {wanted} processes"
    if given is not None and given.size != wanted:
        raise UserError(f"{asks}, and {given.size} were started for this run; let the launcher start {wanted}")
    if given is None and nodes != 1:
        raise UserError(
            f"{asks} on {nodes} machines, and nothing has started them; hydra/launcher=slurm or torchrun does"
        )
    return given
