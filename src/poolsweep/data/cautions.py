"""What of a data set may undermine a result without being wrong: said before the run, and in the report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from poolsweep.data.overlap import overlap_cautions
from poolsweep.data.splits import Splits
from poolsweep.tasks import Contract

_MOST_PAIRS = 5


def data_cautions(splits: Splits, contract: Contract) -> tuple[str, ...]:
    """Sentences about labels that differ in next to nothing, and about texts that stand in several splits.

    Args:
        splits: What a source has read.
        contract: The target contract.
    """
    return (*splits.cautions, *_alike(contract), *overlap_cautions(splits))


def _alike(contract: Contract) -> Iterator[str]:
    by_key: dict[str, list[str]] = defaultdict(list)
    for name in contract.names:
        by_key[" ".join(name.split()).casefold()].append(name)
    pairs = [(one, other) for one, *others in by_key.values() for other in others]
    if pairs:
        listed = ", ".join(f"{one!r} and {other!r}" for one, other in pairs[:_MOST_PAIRS])
        more = f" and {len(pairs) - _MOST_PAIRS} more" if len(pairs) > _MOST_PAIRS else ""
        yield f"labels differ by white space or case alone, and are classes of their own: {listed}{more}"
