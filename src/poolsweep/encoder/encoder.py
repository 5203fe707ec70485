"""The wrapper around a transformers encoder: only the hidden states that the pooling needs leave it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from poolsweep.encoder.adapter import Adapter, add_adapter
from poolsweep.encoder.bidirectional import make_bidirectional
from poolsweep.encoder.cpu_kernels import CpuKernels, CpuKernelsMode, use_cpu_kernels
from poolsweep.encoder.facts import ModelFacts
from poolsweep.encoder.first_token import FirstTokenLayer
from poolsweep.encoder.layers import LayerCapture
from poolsweep.encoder.options import PackingMode
from poolsweep.encoder.output import EncoderOutput
from poolsweep.encoder.packed_attention import gives_first_tokens, packed_inputs, use_packed_attention
from poolsweep.encoder.packing import Packing
from poolsweep.encoder.pooler import pooler_of
from poolsweep.encoder.positions import first_position, positions
from poolsweep.encoder.trainable import TrainedPart
from poolsweep.errors import UserError
from poolsweep.pooling.functional import first_token

PACKING_OFF = "encoder.packing=off"


class Encoder(ModelFacts):
    """Any transformers encoder, asked for a few of its hidden states.

    Args:
        model: What ``AutoModel`` loads for an encoder. Its pooler, if it has one, is taken out of the model and run
            only when a pooling reads it, over the first real token.
        name: Name in leaderboards.
        frozen: Whether no parameter is trained, and the model stays in eval mode.
        train: What ``choose_trained`` leaves trained otherwise: ``all``, ``norms_and_biases``, or ``top:N`` layers.
        unfreeze_every: Epochs from one block that is unfrozen to the next below; None = all from the start.
        reinitialise_top: Number of top layers that ``reinitialise`` draws anew.
        gradient_checkpointing: Whether the backward pass recomputes activations, for less memory.
        packing: Whether padded tokens are left out: ``on``, ``off``, or ``auto`` = where the model allows it.
        cpu_kernels: Whether linear layers and dropout are replaced by what a CPU computes faster.
        compiled: Whether ``torch.compile`` compiles what lies around each layer's attention.
        adapter: What is trained beside the model's weights, which stay and are not in ``state_dict``; None = they are
            trained.
        bidirectional: Whether a causal model attends without its causal mask.
        max_tokens_at_once: Most tokens that it should be run on at once, by those who run it; None = no limit.
        pooler_is_fresh: Whether the checkpoint carried no pooler weights, so that they are new.
    Raises:
        UserError: If packing is on, or attention is to be bidirectional, and the model does not allow it, or it has
            nothing to compile or to adapt.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        *,
        name: str,
        frozen: bool = False,
        train: TrainedPart = "all",
        unfreeze_every: float | None = None,
        reinitialise_top: int = 0,
        gradient_checkpointing: bool = False,
        packing: PackingMode = "off",
        cpu_kernels: CpuKernelsMode = "off",
        compiled: bool = False,
        adapter: Adapter | None = None,
        bidirectional: bool = False,
        max_tokens_at_once: int | None = None,
        pooler_is_fresh: bool = False,
    ) -> None:
        super().__init__()
        self.name = name
        self.frozen = frozen
        self.trained_part, self.unfreeze_every, self.reinitialise_top = train, unfreeze_every, reinitialise_top
        self.resting: list[nn.Module] = []  # below all that is trained: they stay in eval mode
        self._after: list[nn.Module] | None = None
        self.max_tokens_at_once = max_tokens_at_once
        self.pooler: nn.Module | None = pooler_of(model)
        if getattr(model, "pooler", None) is not None:
            model.add_module("pooler", None)
        self.pooler_is_fresh = pooler_is_fresh and self.pooler is not None
        if self.pooler is not None:
            self.pooler.float()
        self.model = model
        self.is_reduced = model.dtype in (torch.bfloat16, torch.float16)
        self.weights_hash: str | None = None  # of the model, once somebody has computed it
        self.adapter = adapter
        self.untrained: frozenset[str] = frozenset()  # beside an adapter: the checkpoint has them
        if hasattr(model.config, "use_cache"):
            model.config.use_cache = False  # keys and values of decoders, for generating
        self.bidirectional = bidirectional
        if bidirectional and (reason := make_bidirectional(model)) is not None:
            raise UserError(f"encoder.bidirectional=true: {reason}")
        self._first_position = first_position(model)
        self._capture = LayerCapture(model)
        if adapter is not None:  # before any module is replaced
            self._adapt(adapter)
        self._first_tokens: bool | None = None  # whether the last layer can be told to compute them alone
        self.unpacked_because = (
            PACKING_OFF if packing == "off" else use_packed_attention(model, first=self._first_position)
        )
        if packing == "on" and self.unpacked_because is not None:
            raise UserError(f"encoder.packing=on: {name} cannot be packed, since {self.unpacked_because}")
        self.cpu_kernels = use_cpu_kernels(model, name=name) if cpu_kernels == "auto" else CpuKernels()
        if compiled and not self._capture.compile():
            raise UserError(f"encoder.compiled=true: the layers of {name} are not where they are looked for")
        if gradient_checkpointing and not frozen:
            _recompute_activations(model)
        if frozen:
            self.requires_grad_(requires_grad=False)
            self.eval()

    def _adapt(self, adapter: Adapter) -> None:
        """Put an adapter in; what is saved is the adapter alone."""
        add_adapter(self.model, adapter, stack=self._capture.stack, name=self.name)
        trained = {key for key, parameter in self.model.named_parameters() if parameter.requires_grad}
        self.untrained = frozenset(f"model.{key}" for key in self.model.state_dict().keys() - trained)
        self.register_state_dict_post_hook(_without_base)
        self.register_load_state_dict_post_hook(_base_may_lack)

    @property
    def num_kept(self) -> int:
        """The number of layers that are run: L, or fewer after ``keep_layers``."""
        return self._capture.depth

    @property
    def packs(self) -> bool:
        """Whether no padded token is computed."""
        return self.unpacked_because is None

    @property
    def layers(self) -> Sequence[nn.Module] | None:
        """The layers that are run, the lowest first; None if they are not where they are looked for."""
        return self._capture.layers

    def run_after_layers(self) -> list[nn.Module]:
        """Modules that are run after the last layer, and not before."""
        if self._after is None:
            self._after = self._capture.run_after()
        return self._after

    def drop_pooler(self) -> None:
        """Remove the pooler, so that a pooling that does not read it has no unused parameters."""
        self.pooler = None
        self.pooler_is_fresh = False

    def keep_layers(self, highest: int) -> None:
        """Take out the layers above hidden state ``highest``: no pooling reads them, so they are not run or trained.

        A model whose stack of layers cannot be cut stays whole, and gives the same states.
        """
        if highest < self.num_layers:
            self._capture.keep(highest)
            self._after = None

    def keep_first_tokens(self) -> bool:
        """Make ``forward(first_tokens=True)`` spare the last layer all other tokens, where the model allows it.

        Returns:
            Whether it does: the model is packed, its last layer has keys and values apart, and the first tokens' states
            are the same.
        """
        if self._first_tokens is None:
            layer = self._capture.last_layer
            self._first_tokens = (
                self.packs
                and layer is not None
                and bool(FirstTokenLayer(layer).projections)
                and gives_first_tokens(self.model, first=self._first_position)
            )
        return self._first_tokens

    def train(self, mode: bool = True) -> Encoder:
        """Set training mode; what is frozen stays in eval mode."""
        super().train(mode and not self.frozen)
        for part in self.resting:
            part.eval()
        return self

    def forward(
        self,
        input_ids: Tensor,
        mask: Tensor,
        token_type_ids: Tensor | None = None,
        *,
        layers: Sequence[int],
        context: Collection[str] = (),
        first_tokens: bool = False,
        packing: Packing | None = None,
    ) -> EncoderOutput:
        """Encode a batch.

        Args:
            input_ids: Token ids.
            mask: Real tokens, as True.
            token_type_ids: Segment ids, for encoders that have them.
            layers: Indices of the hidden states to return, 0 = embeddings, ``num_layers`` = last.
            context: ``"pooler_output"`` and ``"attentions"`` if they are wanted.
            first_tokens: Whether no other token's state is read; counts after :meth:`keep_first_tokens`.
            packing: The batch's layout, if it was made before.
        Shape:
            input_ids, mask, token_type_ids (B, T); returns hidden states (B, T, H), or (B, 1, H) of first tokens.
        Raises:
            ValueError: If the pooler is asked of an encoder without one.
        """
        inputs = {"input_ids": input_ids}
        if token_type_ids is not None:
            inputs["token_type_ids"] = token_type_ids
        if self._first_position is not None:
            inputs["position_ids"] = positions(mask, first=self._first_position)
        attentions = "attentions" in context
        if not self.packs:
            packing = None
            inputs["attention_mask"] = mask.to(input_ids.dtype)
        else:
            packing = replace(packing or Packing.of(mask), only_first=first_tokens and self._first_tokens is True)
            inputs = packed_inputs(packing, inputs)
        hidden, output = self._capture.run(inputs, layers=layers, output_attentions=attentions)
        last = output.last_hidden_state
        assert last is not None
        if self.is_reduced:
            hidden, last = tuple(states.float() for states in hidden), last.float()
        if packing is not None:
            hidden = tuple(packing.restored(states) for states in hidden)
            mask = mask.any(dim=1, keepdim=True) if packing.only_first else mask
        pooled = None
        if "pooler_output" in context:
            if self.pooler is None:
                raise ValueError(f"encoder {self.name} has no pooler")
            first = first_token(last if packing is None else packing.restored(last), mask)
            pooled = self.pooler(first[:, None])
        found = tuple(each.float() if self.is_reduced else each for each in output.attentions or ()) or None
        return EncoderOutput(hidden, mask, pooled, found)


def _recompute_activations(model: PreTrainedModel) -> None:
    # transformers 5.17 knows the older of the two names alone; newer ones deprecate it.
    name = "activation_checkpointing_enable"
    enable = getattr(model, name if hasattr(model, name) else "gradient_checkpointing_enable")
    enable({"use_reentrant": False})


def _without_base(encoder: Encoder, state: dict[str, Tensor], prefix: str, metadata: Any) -> None:  # noqa: ANN401
    for name in encoder.untrained:
        state.pop(f"{prefix}{name}", None)


def _base_may_lack(encoder: Encoder, found: Any) -> None:  # noqa: ANN401
    found.missing_keys[:] = [k for k in found.missing_keys if k[k.find("model.") :] not in encoder.untrained]
