"""What the losses of this project have beside a forward pass: weights of labels, by name or from the training split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from poolsweep.bounds import Described, PositiveFloat
from poolsweep.errors import UserError, nearest
from poolsweep.tasks import Contract

Weights = Annotated[
    Literal["balanced"] | dict[str, PositiveFloat] | None,
    Described("balanced, weights above 0 for labels by name such as {fear: 2.0}, or null"),
]
BALANCED = "balanced"


class Loss(nn.Module):
    """A mean over the texts of a batch, in which texts may count by their labels.

    A loss of the user's own may be any module; one that weighs texts derives from this.

    Attributes:
        instead: Key of another library's loss → what a message says of it.
    """

    instead: ClassVar[Mapping[str, str]] = {}

    def check(self, contract: Contract) -> None:
        """Refuse weights of labels that there are not.

        Raises:
            UserError: With the nearest name.
        """

    def fit(self, contract: Contract, targets: np.ndarray) -> None:
        """Take what follows from the training split; called before training.

        Args:
            contract: The target contract.
            targets: Targets of the training split, (N, …).
        """

    def weights_of(self, targets: Tensor) -> Tensor | None:
        """What each text counts in the mean, (B,); None = all alike.

        Args:
            targets: Targets of a batch, (B, …).
        """
        return None


def check_names(key: str, given: Any, names: tuple[str, ...]) -> None:  # noqa: ANN401
    """Refuse a weight of a label that there is not.

    Args:
        key: Place of the weights in a config.
        given: Weights by name, or what else a config may say.
        names: Label names.
    Raises:
        UserError: With the nearest name.
    """
    for name in given if isinstance(given, Mapping) else ():
        if str(name) not in names:
            raise UserError(f"{key} names no label {str(name)!r}; {nearest(str(name), names)}")


def by_id(given: Mapping[str, float], names: tuple[str, ...]) -> Tensor:
    """Weights in the order of label ids; a label that none is given for counts 1.

    Example:
        >>> by_id({"b": 2}, ("a", "b"))
        tensor([1., 2.])
    """
    asked = {str(name): float(weight) for name, weight in given.items()}
    return torch.tensor([asked.get(name, 1.0) for name in names])
