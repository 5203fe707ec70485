"""What a data source is: something that reads splits, and says what identifies their content."""

from __future__ import annotations

from abc import ABC, abstractmethod

from poolsweep.data.splits import Splits
from poolsweep.data.strata import Strata, by_label
from poolsweep.errors import UserError


class Source(ABC):
    """Where labelled texts come from.

    A source of your own is a class like this one, or a function that returns ``Splits``; the content of the latter is
    what it returns, so that it is called whenever a run is looked for.

    Attributes:
        found_by: Arguments that only say where the content is found, such as paths: runs are the same wherever it lay.
        strata: What a split gets its share of where rows are split off; set before ``read``, as the task has it.
    """

    found_by: tuple[str, ...] = ()
    strata: Strata = staticmethod(by_label)

    @abstractmethod
    def read(self) -> Splits:
        """Read the data set.

        Raises:
            UserError: If something is missing or cannot be read.
        """

    def read_again(self) -> Splits:
        """Read the data set for a report: from this machine alone, though a stranger may have written the config.

        Raises:
            UserError: If this source does not promise that, or something is missing or cannot be read.
        """
        raise UserError(f"{type(self).__name__} does not say how a report may read it again")

    def fingerprint(self) -> str | None:
        """What identifies the content without reading it all; None = what ``read`` gives, which is then hashed.

        It does not depend on how the content is split where a key of the config says that. What ``read`` gives has it
        as its ``given_id``.
        """
        return None
