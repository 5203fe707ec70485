"""What a decoder of 7 billion weights takes with LoRA and last-token pooling: by calculation, and checked.

python experiments/large/memory.py            # the table
python experiments/large/memory.py --check    # bytes that autograd keeps of a small model, against the formula
python experiments/large/memory.py --gpu      # peak memory and seconds of the large one, random, on this GPU
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import torch
from torch import nn
from transformers import LlamaConfig, LlamaModel

from poolsweep.encoder import Encoder
from poolsweep.encoder.adapter import Adapter

GIB = 2**30


@dataclass(frozen=True)
class Shape:
    """Sizes of a Llama: width H, feed-forward F, layers L, vocabulary V; rank r of the adapter."""

    h: int = 4096
    f: int = 11008
    layers: int = 32
    v: int = 32000
    r: int = 16

    @property
    def linear(self) -> int:
        return self.layers * (4 * self.h**2 + 3 * self.h * self.f)

    @property
    def weights(self) -> int:
        return self.linear + self.v * self.h + (2 * self.layers + 1) * self.h

    @property
    def adapter(self) -> int:
        return self.layers * self.r * (11 * self.h + 3 * self.f)

    @property
    def kept_per_token(self) -> int:
        """Bytes that the backward pass needs of a token in one layer, beside its weights.

        Two norms: the state in float32. Adapters: what each of the seven reads, in float32. Attention: query, key,
        value and output. Feed-forward: the gate, its activation and the other factor. Frozen weights ask for nothing.
        """
        norms, adapters, attention = 2 * 4 * self.h, 4 * (6 * self.h + self.f + 7 * self.r), 8 * self.h
        return norms + adapters + attention + 6 * self.f

    def training_bytes(self, tokens: int, *, checkpointed: bool, bits: float = 16) -> float:
        """Weights, adapter with gradient and two moments in float32, and activations of a batch."""
        weights = 2 * (self.weights - self.linear) + bits / 8 * self.linear
        inputs = 2 * self.h * self.layers if checkpointed else 0
        return (
            weights + 16 * self.adapter + tokens * (inputs + self.kept_per_token * (1 if checkpointed else self.layers))
        )

    def seconds(self, texts: int, tokens: int, *, passes: int, flops: float) -> float:
        """Passes: 1 forward, 2 with the backward pass (no gradients of weights), 3 with checkpointing."""
        attention = 2 * self.layers * self.h * tokens  # causal: half of all pairs
        return texts * tokens * passes * (2 * self.linear + attention) / flops


def table() -> None:
    """Memory of a step, and seconds per 1,000 texts."""
    shape = Shape()
    print(
        f"{shape.weights / 1e9:.2f} billion weights, {shape.adapter / 1e6:.0f} million in the adapter (rank {shape.r})"
    )
    print(f"{shape.kept_per_token / 1024:.0f} KiB a token and layer")
    print("tokens of a batch | bf16 GiB | checkpointed GiB | 4 bits, checkpointed GiB")
    for tokens in (1024, 2048, 4096, 8192, 16384, 32768):
        sizes = [
            shape.training_bytes(tokens, checkpointed=on, bits=bits) / GIB for on, bits in ((0, 16), (1, 16), (1, 4.13))
        ]
        print(tokens, *(f"{size:.1f}" for size in sizes), sep=" | ")
    print("tokens | encode s | train s | checkpointed s, per 1,000 texts, MFU 0.4: A100 (312 TFLOP/s), H100 (989)")
    for tokens in (32, 128, 512):
        for peak in (312e12, 989e12):
            print(
                tokens,
                *(f"{shape.seconds(1000, tokens, passes=n, flops=0.4 * peak):.1f}" for n in (1, 2, 3)),
                sep=" | ",
            )


def model_of(shape: Shape, *, checkpointed: bool = False, device: str = "cpu") -> Encoder:
    """A random Llama with an adapter, in bfloat16."""
    config = LlamaConfig(
        vocab_size=shape.v, hidden_size=shape.h, intermediate_size=shape.f, num_hidden_layers=shape.layers,
        num_attention_heads=shape.h // 128, use_cache=False,
    )  # fmt: skip
    torch.set_default_dtype(torch.bfloat16)
    with torch.device(device):
        model = LlamaModel(config)
    torch.set_default_dtype(torch.float32)
    adapter = Adapter(rank=shape.r, alpha=2 * shape.r)
    return Encoder(model, name="llama", adapter=adapter, gradient_checkpointing=checkpointed).to(device).train()


def last_token_loss(encoder: Encoder, ids: torch.Tensor, head: nn.Linear) -> torch.Tensor:
    """The loss of a head on the last token's state."""
    [states] = encoder(ids, torch.ones_like(ids, dtype=torch.bool), layers=[encoder.num_layers]).hidden
    return nn.functional.cross_entropy(head(states[:, -1]), torch.zeros(len(ids), dtype=torch.long, device=ids.device))


def check() -> None:
    """Bytes that autograd keeps of two layers more, against the formula."""
    found = {}
    for layers in (2, 4):
        shape = Shape(h=512, f=1376, layers=layers, v=100)
        encoder, kept = model_of(shape), {}
        own = {p.untyped_storage().data_ptr() for p in encoder.parameters()}

        def keep(tensor: torch.Tensor, kept: dict = kept) -> torch.Tensor:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes(), tensor
            return tensor

        ids = torch.randint(0, 100, (4, 128))
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            loss = last_token_loss(encoder, ids, nn.Linear(shape.h, 2))
        found[layers] = sum(size for place, (size, _) in kept.items() if place not in own) / ids.numel()
        loss.backward()
    print(f"kept: {(found[4] - found[2]) / 2:,.0f} bytes a token and layer; by the formula {shape.kept_per_token:,}")


def on_gpu() -> None:
    """Peak memory and seconds of a step of the large model, against the calculation."""
    if not torch.cuda.is_available() or torch.cuda.get_device_properties(0).total_memory < 75 * GIB:
        sys.exit("needs a GPU of 80 GB")
    shape = Shape()
    for checkpointed, tokens in ((False, 4096), (True, 4096), (True, 16384)):
        encoder = model_of(shape, checkpointed=checkpointed, device="cuda")
        head = nn.Linear(shape.h, 6, device="cuda")
        trained = [p for p in (*encoder.parameters(), *head.parameters()) if p.requires_grad]
        optimizer = torch.optim.AdamW(trained, fused=True)
        ids = torch.randint(0, shape.v, (tokens // 128, 128), device="cuda")
        torch.cuda.reset_peak_memory_stats()
        begun = time.perf_counter()
        for _ in range(4):
            torch.cuda.synchronize()
            begun = time.perf_counter()
            last_token_loss(encoder, ids, head).backward()
            optimizer.step()
            optimizer.zero_grad()
            torch.cuda.synchronize()
        taken = (time.perf_counter() - begun) * 1000 / len(ids)
        peak, expected = (
            torch.cuda.max_memory_allocated() / GIB,
            shape.training_bytes(tokens, checkpointed=checkpointed) / GIB,
        )
        print(
            f"{tokens} tokens, checkpointed {checkpointed}: {peak:.1f} GiB (calculated {expected:.1f}), "
            f"{taken:.1f} s per 1,000 texts"
        )
        del encoder, optimizer, trained
        torch.cuda.empty_cache()


if __name__ == "__main__":
    {"--check": check, "--gpu": on_gpu}.get(sys.argv[-1], table)()
