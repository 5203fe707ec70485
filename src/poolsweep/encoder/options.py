"""What every encoder can be told, wherever its weights come from."""

from __future__ import annotations

from typing import Literal, TypedDict

from poolsweep.bounds import NonNegativeInt, PositiveFloat, PositiveInt
from poolsweep.encoder.adapter import Adapter
from poolsweep.encoder.cpu_kernels import CpuKernelsMode
from poolsweep.encoder.precision import Quantized, WeightsDtype
from poolsweep.encoder.trainable import TrainedPart

PackingMode = Literal["auto", "on", "off"]


class RunOptions(TypedDict, total=False):
    """How an encoder is run and trained; what is left out is as :class:`~poolsweep.encoder.Encoder` has it.

    Attributes:
        frozen: Whether nothing of it is trained.
        train: What is trained, if it is not frozen: all, norms_and_biases, or top:N.
        unfreeze_every: Epochs from one block that is unfrozen to the next below; None = all are trained from the start.
        reinitialise_top: Number of top layers whose weights are drawn anew.
        gradient_checkpointing: Whether the backward pass recomputes activations, for less memory.
        packing: Whether padded tokens are left out: auto, on, off.
        cpu_kernels: Whether linear layers and dropout are replaced by what a CPU computes faster: auto, off.
        compiled: Whether ``torch.compile`` compiles what lies around each layer's attention.
        adapter: LoRA or DoRA, trained beside weights that stay; None = the encoder itself is trained.
        bidirectional: Whether a causal model attends without its causal mask.
        max_tokens_at_once: Most tokens that the model is run on at once, a longer input aside; None = all of a batch.
    """

    frozen: bool
    train: TrainedPart
    unfreeze_every: PositiveFloat | None
    reinitialise_top: NonNegativeInt
    gradient_checkpointing: bool
    packing: PackingMode
    cpu_kernels: CpuKernelsMode
    compiled: bool
    adapter: Adapter | None
    bidirectional: bool
    max_tokens_at_once: PositiveInt | None


class PromptOptions(TypedDict, total=False):
    """What is put before every text.

    Attributes:
        prefix: Text of it; None = the default prompt of a sentence-transformers folder.
        prefix_pair: What is put before the second of two texts that are inputs of their own; None = ``prefix``.
        prompt: Name of a prompt of a sentence-transformers folder, in place of ``prefix``.
        pool_prefix: Whether the tokens of a prefix are pooled; None = as such a folder says, else they are.
    """

    prefix: str | None
    prefix_pair: str | None
    prompt: str | None
    pool_prefix: bool | None


class EncoderOptions(RunOptions, PromptOptions, total=False):
    """The options of ``conf/encoder/_options.yaml``: how an encoder is loaded, and how it is run.

    Attributes:
        attention: transformers' attention implementation (sdpa, eager, flash_attention_2); None = its choice.
        dtype: Type that the weights are held in: float32, bfloat16, float16, or auto = the checkpoint's.
        quantize: Bits that bitsandbytes holds the linear layers' weights in, on a GPU; None = those of ``dtype``.
    """

    attention: str | None
    dtype: WeightsDtype
    quantize: Quantized | None
