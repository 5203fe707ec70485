"""What a template must have."""

from __future__ import annotations


def check_template(template: str, *, texts: int, masks: int) -> None:
    """Refuse a template that a pooling cannot read.

    Args:
        template: Input template.
        texts: How often ``{text}`` must stand in it.
        masks: How often ``[MASK]`` must stand in it.
    Raises:
        ValueError: If one of them does not.
    """
    for part, count in (("{text}", texts), ("[MASK]", masks)):
        if template.count(part) != count:
            times = {0: "not at all", 1: "exactly once", 2: "exactly twice"}[count]
            raise ValueError(f"pooling.tokens.template must have {part} {times}, got {template!r}")
