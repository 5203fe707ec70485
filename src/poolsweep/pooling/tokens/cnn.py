"""A convolution that reads the tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

import torch
from annotated_types import Interval
from torch import Tensor, nn
from torch.nn import functional as F

from poolsweep.bounds import PositiveInt
from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import align_left, dimensions_won, masked_max

_Width = Annotated[int, Interval(ge=1, le=512)]  # in tokens


class Cnn(TokenPooling):
    """Convolutions of several widths read the tokens; the maximum of each filter over all places is the result.

    ``max_t ReLU(W · x[t : t+w] + b)`` for each width w: did this phrase occur anywhere? Padding is not read; zeros for
    an all-padding row.

    Args:
        widths: Widths of the windows, in tokens.
        num_filters: Filters of each width.
        input_size: Size of a token's vector.
        include_special: False leaves special tokens out, unless a row has nothing else.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, len(widths) * num_filters).
    Raises:
        ValueError: If there is no width, or one below 1.
    Reference:
        Kim (2014), "Convolutional Neural Networks for Sentence Classification", arXiv:1408.5882, eq. 2-4. Differs:
        every token starts a window, with zeros behind the text's end, so that a text shorter than the window has one
        too.
    Example:
        >>> pooling = Cnn(widths=[1, 2], num_filters=3, input_size=2)
        >>> pooling(torch.ones(1, 4, 2), torch.ones(1, 4, dtype=torch.bool), PoolingContext()).shape
        torch.Size([1, 6])
    """

    formula: ClassVar[str] = "max_t ReLU(W·x[t:t+w] + b), w in {widths}, {num_filters} filters each"
    source: ClassVar[str] = "Kim 2014, arXiv:1408.5882"

    def __init__(
        self, *, widths: Sequence[_Width], num_filters: PositiveInt, input_size: int, include_special: bool = True
    ) -> None:
        if not widths or min(widths) < 1:
            raise ValueError(f"pooling.tokens.widths must be one or more numbers from 1 on, got {list(widths)}")
        output_size = len(widths) * num_filters
        super().__init__(input_size=input_size, output_size=output_size, include_special=include_special)
        self.widths, self.num_filters = tuple(widths), num_filters
        self.convolutions = nn.ModuleList(nn.Conv1d(input_size, num_filters, width) for width in self.widths)

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Read the tokens in windows."""
        states, aligned = align_left(hidden, self.kept(mask, context))
        return masked_max(self._activations(states), aligned)

    def explain(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> dict[str, Tensor]:
        """The share of the filters that the window starting at each token won."""
        kept = self.kept(mask, context)
        states, aligned = align_left(hidden, kept)
        activations = self._activations(states)
        shares = dimensions_won(activations, aligned, masked_max(activations, aligned))
        places = (kept.cumsum(dim=1) - 1).clamp(min=0)
        return {"shares": shares.gather(1, places).masked_fill(~kept, 0)}

    def _activations(self, states: Tensor) -> Tensor:
        """(B, T, output_size): what each filter makes of the window that starts at each token."""
        channels = states.transpose(1, 2)
        windows = [F.pad(channels, (0, width - 1)) for width in self.widths]
        filters = [torch.relu(convolve(w)) for convolve, w in zip(self.convolutions, windows, strict=True)]
        return torch.cat(filters, dim=1).transpose(1, 2)
