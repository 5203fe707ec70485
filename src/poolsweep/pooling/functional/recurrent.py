"""Running a recurrent network over the tokens."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from poolsweep.pooling.functional.precision import accumulation_dtype


def run_recurrent(network: nn.RNNBase, states: Tensor) -> Tensor:
    """The outputs of a one-layer, batch-first LSTM or GRU for all tokens.

    The state is kept in float32 or better, even where the weights are not: over thousands of tokens half precision
    drifts off.

    Shape:
        states (B, T, H); returns (B, T, state size).
    Example:
        >>> network = nn.GRU(2, 3, batch_first=True, dtype=torch.bfloat16)
        >>> run_recurrent(network, torch.zeros(1, 4, 2, dtype=torch.bfloat16)).shape
        torch.Size([1, 4, 3])
    """
    if torch.is_autocast_enabled(states.device.type):  # which would put the state back into half precision
        with torch.autocast(states.device.type, enabled=False):
            return run_recurrent(network, states)
    weights = dict(network.named_parameters())
    kept = accumulation_dtype(states.dtype)
    if all(weight.dtype == kept for weight in weights.values()):
        return network(states.to(kept))[0].to(states.dtype)
    weights = {name: weight.to(kept) for name, weight in weights.items()}
    return torch.func.functional_call(network, weights, (states.to(kept),))[0].to(states.dtype)


def run_cell(cell: nn.LSTMCell, steps: Iterable[Tensor]) -> Tensor:
    """The output of an LSTM cell after the last of several steps, its state kept in float32 or better.

    Shape:
        steps: tensors of one shape (..., H); returns (..., state size).
    Example:
        >>> run_cell(nn.LSTMCell(2, 3), [torch.zeros(5, 4, 2), torch.ones(5, 4, 2)]).shape
        torch.Size([5, 4, 3])
    """
    states = iter(steps)
    step = next(states)
    shape, dtype, kept = step.shape[:-1], step.dtype, accumulation_dtype(step.dtype)
    weights = {name: weight.to(kept) for name, weight in cell.named_parameters()}
    state = torch.func.functional_call(cell, weights, (step.flatten(0, -2).to(kept),))
    for step in states:
        state = torch.func.functional_call(cell, weights, (step.flatten(0, -2).to(kept), state))
    return state[0].unflatten(0, shape).to(dtype)
