"""Encoders of full size with random weights, and batches of random tokens, for poolsweep and for transformers."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import nn
from transformers import AutoModel, AutoModelForSequenceClassification, BertConfig, ModernBertConfig, PreTrainedConfig

from poolsweep.data import Batch
from poolsweep.data.token_rows import TokenRows
from poolsweep.data.tokenise import TokenisedTexts
from poolsweep.encoder import Encoder
from poolsweep.features.encoder_pass import EncoderPass
from poolsweep.features.requests import PooledVectors
from poolsweep.head.linear import Linear
from poolsweep.model.classifier import Classifier
from poolsweep.model.split_metrics import SplitMetrics
from poolsweep.pooling import Pooling
from poolsweep.pooling.layers.single import Single
from poolsweep.pooling.tokens.cls import Cls
from poolsweep.pooling.tokens.mean import Mean
from poolsweep.postprocess.none import None_
from poolsweep.tasks.classification import Classification
from poolsweep.tasks.labels import Labels

LABELS = 2
KINDS = ("like SST-2's", "all of 128", "all of 512")
_DROPOUT = ("attention_probs_dropout_prob", "attention_dropout")
Step = Callable[[Batch], object]


@dataclass(frozen=True)
class Setting:
    """What is measured.

    Attributes:
        device: cuda; another only shows that the code runs.
        configs: Name → model.
        batches: Kind of lengths → texts of a batch.
        steps: Of one repeat.
        repeats: Interleaved; medians are printed.
    """

    device: str
    configs: Mapping[str, PreTrainedConfig]
    batches: Mapping[str, int]
    steps: int
    repeats: int


def configs() -> dict[str, PreTrainedConfig]:
    """BERT-base and ModernBERT-base."""
    return {"BERT-base": BertConfig(), "ModernBERT-base": ModernBertConfig()}


def ours(
    config: PreTrainedConfig, device: str, *, training: bool, attention_dropout: float | None = None,
    compiled: bool = False,
) -> Step:  # fmt: skip
    """A step of a classifier over a packed encoder's first tokens.

    Args:
        config: Of the encoder.
        device: Where it runs.
        training: Whether a step trains.
        attention_dropout: Of attention weights; None = the config's.
        compiled: Whether parts are compiled.
    """
    encoder = _encoder(config, attention_dropout=attention_dropout, compiled=compiled)
    size, task, contract = config.hidden_size, Classification(), Labels(tuple(map(str, range(LABELS))))
    layers = Single(index=-1, num_layers=config.num_hidden_layers, hidden_size=size)
    model = Classifier(
        encoder=encoder, pooling=Pooling(layers=layers, tokens=Cls(input_size=size)), postprocess=None_(size=size),
        head=Linear(input_size=size, num_labels=LABELS, initializer_range=0.02, dropout=0.1),
        loss=nn.CrossEntropyLoss(),
        for_loss=partial(task.for_loss, contract), metrics=partial(SplitMetrics, task, contract, ["accuracy"]),
    )  # fmt: skip
    encoder.keep_first_tokens()
    return _step(model.to(device), lambda batch: model.mean_loss(model(batch), batch.targets), device, training)


def peer(config: PreTrainedConfig, device: str, *, training: bool, graphs: bool = False) -> Step:
    """A step of transformers' own classifier over the padded batch.

    Args:
        config: Of the encoder.
        device: Where it runs.
        training: Whether a step trains.
        graphs: Whether torch compiles it into CUDA graphs.
    """
    torch.manual_seed(0)
    made = copy.deepcopy(config)
    made.num_labels = LABELS
    model = AutoModelForSequenceClassification.from_config(made).to(device)
    called = torch.compile(model, mode="reduce-overhead") if graphs else model

    def loss(batch: Batch) -> torch.Tensor:
        return called(input_ids=batch.input_ids, attention_mask=batch.mask.long(), labels=batch.targets).loss

    return _step(model, loss, device, training)


def _encoder(config: PreTrainedConfig, *, attention_dropout: float | None = None, **options: bool) -> Encoder:
    torch.manual_seed(0)
    made = copy.deepcopy(config)
    for name in _DROPOUT:
        if attention_dropout is not None and hasattr(made, name):
            setattr(made, name, attention_dropout)
    encoder = Encoder(AutoModel.from_config(made), name="measured", packing="on", **options)
    encoder.drop_pooler()
    return encoder


def _step(model: nn.Module, loss_of: Callable[[Batch], torch.Tensor], device: str, training: bool) -> Step:
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, fused=True)
    model.train(training)

    def step(batch: Batch) -> None:
        with torch.autocast(device, dtype=torch.bfloat16), torch.set_grad_enabled(training):
            loss = loss_of(batch)
        if training:
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()

    return step


def batches_of(
    kind: str, config: PreTrainedConfig, *, size: int, setting: Setting, width: int | None = None
) -> list[Batch]:
    """Batches on the device.

    Args:
        kind: One of ``KINDS``.
        config: Of the model; its positions limit lengths.
        size: Texts of a batch.
        setting: Device and number of batches.
        width: Tokens that every batch is padded to; None = to its longest text.
    """
    return [
        _batch(_lengths(kind, config, size, seed), config, width, seed).to(setting.device)
        for seed in range(setting.steps)
    ]


def _lengths(kind: str, config: PreTrainedConfig, count: int, seed: int) -> torch.Tensor:
    """Drawn like SST-2's, of 25 tokens in the mean, or all the same."""
    most = config.max_position_embeddings
    if kind != KINDS[0]:
        return torch.full((count,), min(int(kind.split()[-1]), most))
    drawn = torch.randn(count, generator=torch.Generator().manual_seed(seed)).mul(0.45).add(3.1).exp()
    return drawn.clamp(4, min(64, most)).long()


def _batch(lengths: torch.Tensor, config: PreTrainedConfig, width: int | None, seed: int) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.arange(min(width or int(lengths.max()), config.max_position_embeddings)) < lengths[:, None]
    ids = torch.randint(5, config.vocab_size, mask.shape, generator=generator)
    labels = torch.randint(0, LABELS, (len(lengths),), generator=generator)
    ids = ids.masked_fill(~mask, config.pad_token_id or 0)
    return Batch(targets=labels, row_ids=torch.arange(len(lengths)), mask=mask, input_ids=ids)


def flops_of(config: PreTrainedConfig, batches: Sequence[Batch]) -> float:
    """Operations of one forward pass over the real tokens of some batches."""
    return forward_flops(config, [int(n) for batch in batches for n in batch.mask.sum(dim=1)])


def forward_flops(config: PreTrainedConfig, lengths: Sequence[int]) -> float:
    """Operations of one forward pass of an encoder: of its linear layers, and of the pairs that attention sees.

    Args:
        config: Of the encoder.
        lengths: Tokens of each text.
    """
    with torch.device("meta"):
        model = AutoModel.from_config(copy.deepcopy(config))
    stack = next(m for m in model.modules() if isinstance(m, nn.ModuleList) and len(m) == config.num_hidden_layers)
    weights = sum(m.weight.numel() for m in stack.modules() if isinstance(m, nn.Linear))
    kinds = getattr(config, "layer_types", None) or ["full_attention"] * config.num_hidden_layers
    near = [(config.local_attention if kind == "sliding_attention" else None) for kind in kinds]
    pairs = sum(n * min(n, n if reach is None else reach + 1) for n in lengths for reach in near)
    return float(2 * weights * sum(lengths) + 4 * config.hidden_size * pairs)


def frozen_pass(kind: str, config: PreTrainedConfig, setting: Setting) -> tuple[int, float, float]:
    """Texts, seconds and operations of a pass that pools the mean of every text, as the feature store makes it."""
    count = setting.steps * setting.batches[kind] * 4
    lengths = _lengths(kind, config, count, 0).numpy()
    generator = np.random.default_rng(0)
    total = int(lengths.sum())
    texts = TokenisedTexts(
        row_ids=np.arange(count), ids=generator.integers(5, config.vocab_size, total, dtype=np.int32), types=None,
        special=np.zeros(total, bool), starts=np.concatenate([[0], lengths.cumsum()]), truncated=np.zeros(count, bool),
    )  # fmt: skip
    rows = TokenRows(texts, targets=np.zeros(count, np.int64), pad_token_id=config.pad_token_id or 0)
    encoder = _encoder(config).requires_grad_(requires_grad=False).eval().to(setting.device)
    size = config.hidden_size
    layers = Single(index=-1, num_layers=config.num_hidden_layers, hidden_size=size)
    wanted = PooledVectors(Pooling(layers=layers, tokens=Mean(input_size=size)), "measured")
    found = EncoderPass(rows, encoder, torch.device(setting.device), "bf16-mixed")
    times = []
    for _ in range(2):  # the first one warms up
        started = time.perf_counter()
        for _, arrays in found.features([wanted]):
            for array in arrays.values():
                array.cpu()
        times.append(time.perf_counter() - started)
    return count, times[-1], forward_flops(config, lengths.tolist())
