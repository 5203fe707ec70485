"""On a GPU: training and inference of BERT-base against transformers, in bfloat16, with the share of the matrix rate.

    python experiments/speed/bench.py gpu

Weights are random, since speed does not depend on them, so nothing is downloaded. Lengths are drawn like SST-2's (mean
25 tokens, at most 66) or all 128.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
from timing import useful_flops
from transformers import BertConfig, BertForSequenceClassification, BertModel

from poolsweep.data import Batch
from poolsweep.encoder import Encoder
from poolsweep.head.linear import Linear
from poolsweep.model.classifier import Classifier
from poolsweep.model.split_metrics import SplitMetrics
from poolsweep.pooling import Pooling
from poolsweep.pooling.layers.single import Single
from poolsweep.pooling.tokens.pooler import Pooler
from poolsweep.postprocess.none import None_
from poolsweep.tasks.classification import Classification
from poolsweep.tasks.labels import Labels

BATCH, LABELS, STEPS, REPEATS = 64, 2, 20, 5
Step = Callable[[Batch], object]


def gpu(*, device: str = "cuda", config: BertConfig | None = None, steps: int = STEPS, repeats: int = REPEATS) -> None:
    """Print throughput, share of the measured matrix rate and peak memory, where CUDA is there.

    Args:
        device: Another one only shows that the code runs.
        config: BERT-base unless given.
        steps: Of one repeat.
        repeats: Interleaved; the median is printed.
    """
    if device == "cuda" and not torch.cuda.is_available():
        print("gpu: torch sees no CUDA device here, so this part was left out")
        return
    config = config or BertConfig()
    rate = _matrix_rate(device, config)
    name = torch.cuda.get_device_name() if device == "cuda" else device
    print(f"{name}: bfloat16 matrices at {rate / 1e12:.1f} TFLOP/s")
    for kind in ("like SST-2's", "all of 128"):
        batches = [_batch(kind, config, seed=seed).to(device) for seed in range(steps)]
        lengths = [int(n) for batch in batches for n in batch.mask.sum(dim=1)]
        flops = useful_flops(
            lengths, hidden=config.hidden_size, inner=config.intermediate_size, layers=config.num_hidden_layers
        )
        for training in (True, False):
            tools = {"poolsweep": _ours(config, device, training), "transformers": _peer(config, device, training)}
            _compare(tools, batches, device=device, repeats=repeats, flops=flops * (3 if training else 1), rate=rate,
                     name=f"{'training' if training else 'inference'}, lengths {kind}")  # fmt: skip


def _compare(
    tools: dict[str, Step], batches: list[Batch], *, device: str, repeats: int, flops: float, rate: float, name: str
) -> None:
    times: dict[str, list[float]] = {tool: [] for tool in tools}
    peaks = {}
    for repeat in range(repeats + 1):
        for tool, step in tools.items():
            if device == "cuda":
                torch.cuda.reset_peak_memory_stats()
                torch.cuda.synchronize()
            started = time.perf_counter()
            for batch in batches:
                step(batch)
            if device == "cuda":
                torch.cuda.synchronize()
                peaks[tool] = torch.cuda.max_memory_allocated() / 2**20
            if repeat:  # the first one warms up
                times[tool].append(time.perf_counter() - started)
    ratios = [b / a for a, b in zip(*times.values(), strict=True)]
    print(f"{name}: {statistics.median(ratios):.2f}× ({min(ratios):.2f} to {max(ratios):.2f})")
    for tool, found in times.items():
        took = statistics.median(found)
        speed, share = len(batches) * BATCH / took, flops / took / rate
        print(f"    {tool:<13} {speed:9.0f} examples/s, {share:.2f} of the matrix rate, {peaks.get(tool, 0):.0f} MiB")


def _ours(config: BertConfig, device: str, training: bool) -> Step:
    torch.manual_seed(0)
    encoder = Encoder(BertModel(copy.deepcopy(config)), name="bert", packing="on")
    size, task, contract = config.hidden_size, Classification(), Labels(tuple(map(str, range(LABELS))))
    layers = Single(index=-1, num_layers=config.num_hidden_layers, hidden_size=size)
    model = Classifier(
        encoder=encoder, pooling=Pooling(layers=layers, tokens=Pooler(input_size=size)), postprocess=None_(size=size),
        head=Linear(input_size=size, num_labels=LABELS, initializer_range=0.02, dropout=0.1),
        loss=torch.nn.CrossEntropyLoss(), for_loss=partial(task.for_loss, contract),
        metrics=partial(SplitMetrics, task, contract, ["accuracy"]),
    )  # fmt: skip
    encoder.keep_first_tokens()
    model.to(device)
    return _step(model, lambda batch: model.mean_loss(model(batch), batch.targets), device, training)


def _peer(config: BertConfig, device: str, training: bool) -> Step:
    torch.manual_seed(0)
    model = BertForSequenceClassification(copy.deepcopy(config)).to(device)

    def loss(batch: Batch) -> torch.Tensor:
        return model(input_ids=batch.input_ids, attention_mask=batch.mask.long(), labels=batch.targets).loss

    return _step(model, loss, device, training)


def _step(model: torch.nn.Module, loss_of: Callable[[Batch], torch.Tensor], device: str, training: bool) -> Step:
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, fused=True)
    model.train(training)

    def step(batch: Batch) -> None:
        with torch.autocast(device, dtype=torch.bfloat16), torch.set_grad_enabled(training):
            loss = loss_of(batch)
        if training:
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()

    return step


def _batch(kind: str, config: BertConfig, *, seed: int) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.full((BATCH,), 128)
    if kind != "all of 128":
        lengths = torch.randn(BATCH, generator=generator).mul(0.45).add(3.1).exp().clamp(4, 66).long()
    mask = torch.arange(int(lengths.max())) < lengths[:, None]
    ids = torch.randint(5, config.vocab_size, mask.shape, generator=generator) * mask
    labels = torch.randint(0, LABELS, (BATCH,), generator=generator)
    return Batch(targets=labels, row_ids=torch.arange(BATCH), mask=mask, input_ids=ids)


def _matrix_rate(device: str, config: BertConfig) -> float:
    tokens, hidden, inner = 8192 if device == "cuda" else 256, config.hidden_size, config.intermediate_size
    a = torch.randn(tokens, hidden, dtype=torch.bfloat16, device=device)
    b = torch.randn(hidden, inner, dtype=torch.bfloat16, device=device)
    times = []
    for _ in range(30):
        started = time.perf_counter()
        for _ in range(10):
            torch.matmul(a, b)
        if device == "cuda":
            torch.cuda.synchronize()
        times.append((time.perf_counter() - started) / 10)
    return 2 * tokens * hidden * inner / statistics.median(times)
