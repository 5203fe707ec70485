"""torch.compile for the parts of a layer beside its attention."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

_QUERIES = {"query", "q_lin", "q_proj", "Wqkv"}


def compile_layers(stack: nn.ModuleList) -> int:
    """Compile what lies around the attention of each layer: feed-forward, residual, norm.

    Attention is left as it is: it has kernels of its own, and of a packed row it reads lengths that differ from batch
    to batch, for each of which a compiled one would be compiled again.

    Args:
        stack: The layers.
    Returns:
        How many parts there are.
    """
    parts = [part for layer in stack for part in _beside_attention(layer)]
    for part in parts:
        part.compile(dynamic=True)
    return len(parts)


def _beside_attention(module: nn.Module) -> Iterator[nn.Module]:
    """The largest submodules that hold no attention; single operations are not worth it."""
    for child in module.children():
        if _has_attention(child):
            if not _is_attention(child):
                yield from _beside_attention(child)
        elif any(True for _ in child.children()):
            yield child


def _is_attention(module: nn.Module) -> bool:
    return bool(_QUERIES & {name for name, _ in module.named_children()})


def _has_attention(module: nn.Module) -> bool:
    return any(_is_attention(part) for part in module.modules())
