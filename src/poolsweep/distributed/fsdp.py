"""``trainer.strategy=fsdp``: each process holds a part of the weights, gradients and optimizer state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.core.optimizer import LightningOptimizer
from pytorch_lightning.trainer.states import TrainerFn
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.optim import Optimizer

from poolsweep.distributed.ddp import DDP

_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)


class FSDP(DDP):
    """torch's fully sharded data parallelism: each layer's weights are brought together while it runs.

    What is saved is whole, as if one process had trained it, so that resuming, predicting and explaining read the same
    files under every strategy.
    """

    def setup(self, trainer: pl.Trainer) -> None:
        """Shard the module for training; for evaluation it stays as training left it."""
        if trainer.state.fn == TrainerFn.FITTING or not isinstance(self.lightning_module, FSDPModule):
            super().setup(trainer)
            return
        assert self.accelerator is not None
        self.accelerator.setup(trainer)
        self.setup_precision_plugin()

    def _setup_model(self, model: nn.Module) -> Any:  # noqa: ANN401
        layers = [m for stack in model.modules() if isinstance(stack, nn.ModuleList) for m in stack.children()]
        for part in (*layers, *model.children()):
            if any(p.requires_grad for p in part.parameters()) and not isinstance(part, FSDPModule):
                fully_shard(part)
        return fully_shard(model)

    def lightning_module_state_dict(self) -> dict[str, Any]:
        """The whole weights, on the first process."""
        assert self.lightning_module is not None
        return whole_state(self.lightning_module)

    def optimizer_state(self, optimizer: Optimizer) -> dict[str, Tensor]:
        """The whole state of the optimizer by names of parameters, on the first process."""
        plain = optimizer._optimizer if isinstance(optimizer, LightningOptimizer) else optimizer
        assert self.lightning_module is not None
        return get_optimizer_state_dict(self.lightning_module, plain, options=_WHOLE)  # type: ignore[return-value]

    def load_optimizer_state_dict(self, checkpoint: Mapping[str, Any]) -> None:
        """Bring the optimizer's state back, each process its part."""
        assert self.lightning_module is not None
        for optimizer, state in zip(self.optimizers, checkpoint["optimizer_states"], strict=True):
            set_optimizer_state_dict(
                self.lightning_module, optimizer, state, options=StateDictOptions(full_state_dict=True)
            )


def whole_state(module: nn.Module) -> dict[str, Tensor]:
    """A module's weights: all of them on every process, or on the first alone if they are sharded."""
    if isinstance(module, FSDPModule):
        return get_model_state_dict(module, options=_WHOLE)  # type: ignore[return-value]
    return module.state_dict()


def load_whole_state(module: nn.Module, state: dict[str, Tensor]) -> tuple[list[str], list[str]]:
    """Load weights that ``whole_state`` gave, the same on every process; gives what was missing and unexpected."""
    if isinstance(module, FSDPModule):
        options = StateDictOptions(full_state_dict=True, strict=False)
        found = set_model_state_dict(module, state, options=options)  # type: ignore[arg-type]
    else:
        found = module.load_state_dict(state, strict=False)
    return list(found.missing_keys), list(found.unexpected_keys)
