"""What Lightning is told about the processes of a run, so that it starts none and installs no handlers of its own."""

from __future__ import annotations

import os

from pytorch_lightning.plugins.environments import ClusterEnvironment

from poolsweep.distributed.world import World


class ExternalProcesses(ClusterEnvironment):
    """Processes that have been started and have joined each other already.

    It stands in for Lightning's own under every launcher: that for Slurm would requeue jobs from a signal handler
    of its own, and the default one would start the whole command line again for each further process.

    Args:
        world: This process among them.
    """

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    @property
    def creates_processes_externally(self) -> bool:
        """Always: Lightning starts no process."""
        return True

    @property
    def main_address(self) -> str:
        """Not used, since the processes have joined."""
        return os.environ.get("MASTER_ADDR", "127.0.0.1")

    @property
    def main_port(self) -> int:
        """Not used, since the processes have joined."""
        return int(os.environ.get("MASTER_PORT", "0"))

    @staticmethod
    def detect() -> bool:
        """Never by itself."""
        return False

    def world_size(self) -> int:
        """Number of processes."""
        return self._world.size

    def set_world_size(self, size: int) -> None:
        """Lightning computes the same."""

    def global_rank(self) -> int:
        """Of this process."""
        return self._world.rank

    def set_global_rank(self, rank: int) -> None:
        """Lightning computes the same."""

    def local_rank(self) -> int:
        """Of this process among those of its machine."""
        return self._world.local_rank

    def node_rank(self) -> int:
        """Number of its machine."""
        return self._world.node
