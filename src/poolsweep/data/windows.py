"""Cuts texts that are longer than an encoder's input: to one end, to both, or into windows that hold all tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from poolsweep.data.reading import Cut
from poolsweep.errors import UserError

Span = tuple[slice, ...]  # what an input holds of a text: consecutive tokens, or a head and a tail


def require_fits(cut: Cut, *, room: int, max_length: int) -> None:
    """Refuse a cut that leaves tokens out without a word.

    Args:
        cut: What is read of a longer text.
        room: Tokens of a text that fit into an input.
        max_length: Longest input in tokens.
    Raises:
        UserError: If a window moves on by more than it holds, or the head fills the input.
    """
    if cut.keep == "windows" and room < 1:
        raise UserError(f"data.max_length={max_length} leaves no room for a text beside the tokenizer's special tokens")
    holds = f"the {room} tokens of a text that data.max_length={max_length} leaves room for"
    if cut.keep == "windows" and cut.stride is not None and cut.stride > room:
        raise UserError(f"data.stride must be at most {holds}, got {cut.stride}: tokens between windows would be lost")
    if cut.keep == "head_tail" and cut.head_tokens >= room:
        raise UserError(f"pooling.chunks.head_tokens must be below {holds}, got {cut.head_tokens}")


def spans(length: int, *, room: int, cut: Cut) -> list[Span]:
    """What each input holds of a text.

    Args:
        length: Tokens of the text.
        room: Tokens of a text that fit into an input.
        cut: What is read of a longer text.
    Example:
        >>> spans(5, room=4, cut=Cut("windows", stride=2))
        [(slice(0, 4, None),), (slice(2, 5, None),)]
        >>> spans(5, room=4, cut=Cut("head_tail", head_tokens=1))
        [(slice(0, 1, None), slice(2, 5, None))]
    """
    if length <= room:
        return [(slice(0, length),)]
    if cut.keep == "head":
        return [(slice(0, room),)]
    if cut.keep == "tail":
        return [(slice(length - room, length),)]
    if cut.keep == "head_tail":
        return [(slice(0, cut.head_tokens), slice(length - room + cut.head_tokens, length))]
    stride = cut.stride or room
    steps = -(-(length - room) // stride)
    return [(slice(at, min(at + room, length)),) for at in range(0, steps * stride + 1, stride)]


@dataclass
class WindowColumns:
    """Columns of texts whose windows lie end to end.

    Attributes:
        columns: Name → one list per text; ``windows`` has the length of each window, ``repeated`` is True at tokens
            that stand in the document elsewhere: those of an overlap in the later window, and what the tokenizer or a
            template puts around each window, but for the beginning of the first and the end of the last.
    """

    columns: dict[str, list] = field(default_factory=dict)

    def add(self, inputs: Iterable[Mapping[str, list]]) -> None:
        """Add a text.

        Args:
            inputs: Columns of each of its inputs, ``repeated`` among them.
        """
        several = list(inputs)
        for name in several[0]:
            self.columns.setdefault(name, []).append([value for one in several for value in one[name]])
        self.columns.setdefault("windows", []).append([len(one["repeated"]) for one in several])

    def of(self, cut: Cut) -> dict[str, list]:
        """The columns, those of windows where there are any."""
        unused = () if cut.keep == "windows" else ("windows", "repeated")
        return {name: values for name, values in self.columns.items() if name not in unused}


def inputs_of(
    values: Mapping[str, list], parts: Sequence[Span], *, around: tuple[int, int]
) -> Iterator[dict[str, list]]:
    """Columns of each input of a text that the tokenizer has put its tokens around.

    Args:
        values: Column → one value per token of the text in a single, perhaps too long, input.
        parts: What each input holds of the text.
        around: How many tokens are put before and behind the text.
    """
    before, behind = around
    end = len(next(iter(values.values()))) - behind
    reached = 0
    for number, part in enumerate(parts):
        pieces = (slice(0, before), *(slice(before + p.start, before + p.stop) for p in part), slice(end, end + behind))
        found = {name: [value for piece in pieces for value in row[piece]] for name, row in values.items()}
        overlap, held = max(0, reached - part[0].start), sum(piece.stop - piece.start for piece in part)
        last = number + 1 == len(parts)
        found["repeated"] = [number > 0] * before + [True] * overlap + [False] * (held - overlap) + [not last] * behind
        reached = part[-1].stop
        yield found
