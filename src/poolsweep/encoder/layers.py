"""The stack of layers in a transformers model: reads single hidden states out of it, cuts it, compiles it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

_QUERIES = {"query", "q_lin", "q_proj", "Wqkv"}


class LayerCapture:
    """Captures the outputs of chosen layers through forward hooks on the model's stack of layers.

    Where a model's stack cannot be found, or its hooks do not give what ``output_hidden_states`` gives (ALBERT shares
    one layer's weights, for instance), ``output_hidden_states`` is used and the rest is dropped after the pass.

    Args:
        model: A transformers encoder.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model
        self._stack = _layer_stack(model)
        self._wanted: frozenset[int] = frozenset()
        self._found: dict[int, Tensor] = {}
        self._hooks_proven: bool | None = None
        if self._stack is not None:
            self._stack[0].register_forward_pre_hook(self._see_input, with_kwargs=True)
            for index, layer in enumerate(self._stack, start=1):
                layer.register_forward_hook(partial(self._see_output, index))

    @property
    def stack(self) -> nn.ModuleList | None:
        """The layers that are run, or None if the model's stack was not found."""
        return self._stack

    @property
    def last_layer(self) -> nn.Module | None:
        """The highest layer that is run, or None if the model's stack was not found."""
        return self._stack[-1] if self._stack is not None and len(self._stack) else None

    @property
    def layers(self) -> Sequence[nn.Module] | None:
        """The layers that are run, the lowest first; None if the model's stack was not found."""
        return None if self._stack is None else list(self._stack)

    @property
    def depth(self) -> int:
        """The number of layers that are run."""
        return self._model.config.num_hidden_layers if self._stack is None else len(self._stack)

    def compile(self) -> bool:
        """Compile the layers' parts beside attention; False if there are none to be found."""
        return self._stack is not None and _compile_layers(self._stack) > 0

    def run(
        self, inputs: dict[str, Tensor], *, layers: Sequence[int], output_attentions: bool = False
    ) -> tuple[tuple[Tensor, ...], BaseModelOutput]:
        """Run the model once.

        Args:
            inputs: The model's keyword arguments.
            layers: Hidden states to return, 0 = embeddings, L = last.
            output_attentions: Ask the model for its attentions too.
        Shape:
            returns one (B, T, H) for each of ``layers``, and the model's own output.
        """
        call: Callable[..., BaseModelOutput] = self._model
        if output_attentions:
            call = partial(call, output_attentions=True)
        depth = self._model.config.num_hidden_layers
        inner = frozenset(layers) - {depth}
        if inner and not self._can_hook():
            output = call(**inputs, output_hidden_states=True)
            assert output.hidden_states is not None
            return tuple(output.hidden_states[i] for i in layers), output
        output, found = self._hooked(call, inputs, inner)
        last = output.last_hidden_state
        assert last is not None
        return tuple(last if i == depth else found[i] for i in layers), output

    def keep(self, depth: int) -> bool:
        """Take the layers above hidden state ``depth`` out of the model, so that they are neither run nor kept.

        Returns:
            Whether it could be done: the model's stack was found, and the states below are the same without them.
        """
        if not self._can_hook():
            return False
        assert self._stack is not None
        below = frozenset(range(depth + 1))
        before, removed = self._probe(below)[1], list(self._stack[depth:])
        del self._stack[depth:]
        try:
            after = self._probe(below)[1]
            if all(torch.equal(before[i], after[i]) for i in below):
                return True
        except (IndexError, AttributeError, TypeError):
            pass
        self._stack.extend(removed)
        return False

    def run_after(self) -> list[nn.Module]:
        """Modules outside the layers that are run after the last one, and not before."""
        if not self._stack:
            return []
        within = {part for layer in self._stack for part in layer.modules()}
        outside = [m for m in self._model.modules() if m not in within and not any(True for _ in m.children())]
        seen: list[nn.Module] = []
        hooks = [part.register_forward_pre_hook(lambda part, _: seen.append(part)) for part in outside]
        hooks.append(self._stack[-1].register_forward_hook(lambda part, *_: seen.append(part)))
        try:
            self._probe(frozenset())
        finally:
            for hook in hooks:
                hook.remove()
        last = seen.index(self._stack[-1])
        return [part for part in dict.fromkeys(seen[last + 1 :]) if part not in seen[:last]]

    def _hooked(
        self, call: Callable[..., BaseModelOutput], inputs: dict[str, Tensor], wanted: frozenset[int]
    ) -> tuple[BaseModelOutput, dict[int, Tensor]]:
        self._wanted = wanted
        try:
            output = call(**inputs)
            if 0 in wanted and self._stack is not None and not len(self._stack):  # no layer is left to see its input
                assert output.last_hidden_state is not None
                self._found[0] = output.last_hidden_state
            return output, self._found
        finally:
            self._wanted, self._found = frozenset(), {}

    def _see_input(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if 0 in self._wanted:
            self._found[0] = args[0] if args else kwargs["hidden_states"]

    def _see_output(self, index: int, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:  # noqa: ANN401
        if index in self._wanted:
            self._found[index] = output[0] if isinstance(output, tuple) else output

    def _can_hook(self) -> bool:
        """Whether hooks give this model's ``hidden_states``; proven once, on a two-token input."""
        if self._hooks_proven is None:
            self._hooks_proven = self._stack is not None and self._hooks_agree()
        return self._hooks_proven

    def _hooks_agree(self) -> bool:
        inner = frozenset(range(self._model.config.num_hidden_layers))
        output, found = self._probe(inner, output_hidden_states=True)
        states = output.hidden_states
        return states is not None and found.keys() == inner and all(torch.equal(states[i], found[i]) for i in inner)

    def _probe(self, wanted: frozenset[int], **options: bool) -> tuple[BaseModelOutput, dict[int, Tensor]]:
        """Run the model in eval mode on two tokens."""
        model = self._model
        ids = torch.tensor([[1, 2]], device=next(model.parameters()).device)
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        with evaluating(model):
            return self._hooked(partial(model, **options), inputs, wanted)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Eval mode without gradients; each module's own mode comes back, also where parts of a model rest."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def _layer_stack(model: PreTrainedModel) -> nn.ModuleList | None:
    depth = model.config.num_hidden_layers
    stacks = (m for m in model.modules() if isinstance(m, nn.ModuleList) and len(m) == depth)
    return next(stacks, None)


def _compile_layers(stack: nn.ModuleList) -> int:
    """Compile what lies around the attention of each layer: feed-forward, residual, norm.

    Attention is left as it is: it has kernels of its own, and of a packed row it reads lengths that differ from batch
    to batch, for each of which a compiled one would be compiled again.

    Args:
        stack: The model's layers.
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
