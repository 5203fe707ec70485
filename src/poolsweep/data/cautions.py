"""What of a data set may undermine a result without being wrong: said before the run, and in the report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from poolsweep.data.same_text import text_keys
from poolsweep.data.splits import Splits
from poolsweep.tasks import Contract

_MOST_PAIRS = 5


def data_cautions(splits: Splits, contract: Contract) -> tuple[str, ...]:
    """Sentences about labels that differ in next to nothing, and about texts that stand in several splits.

    Args:
        splits: What a source has read.
        contract: The target contract.
    """
    return (*splits.cautions, *_alike(contract), *_shared(splits))


def _alike(contract: Contract) -> Iterator[str]:
    by_key: dict[str, list[str]] = defaultdict(list)
    for name in contract.names:
        by_key[" ".join(name.split()).casefold()].append(name)
    pairs = [(one, other) for one, *others in by_key.values() for other in others]
    if pairs:
        listed = ", ".join(f"{one!r} and {other!r}" for one, other in pairs[:_MOST_PAIRS])
        more = f" and {len(pairs) - _MOST_PAIRS} more" if len(pairs) > _MOST_PAIRS else ""
        yield f"labels differ by white space or case alone, and are classes of their own: {listed}{more}"


def _shared(splits: Splits) -> Iterator[str]:
    """What was split off the training rows shares no text with them: equal texts stay together."""
    if splits.validation.is_split_off and splits.test.is_split_off:
        return
    train, validation, test = (text_keys(split, pairs=True) for split in splits)
    for keys, name, others, where in (
        (test, "test", [train, validation], "training or validation"),
        (validation, "validation", [train], "training"),
    ):
        count = int(np.isin(keys, np.concatenate(others)).sum())
        if count:
            yield (
                f"{count} of the {len(keys)} {name} texts stand in {where} too (texts are the same here if they differ "
                "in case, accents or white space alone)"
            )
