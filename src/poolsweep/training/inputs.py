"""From splits to rows that make batches: token ids for an encoder that runs, or stored features of a frozen one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
import xxhash

from poolsweep.config import Node, RunConfig
from poolsweep.data import Split
from poolsweep.data.pair_rows import PairRows
from poolsweep.data.reading import Reading
from poolsweep.data.token_rows import TokenRows, rows_for
from poolsweep.data.tokenise import TokenisedTexts, tokenise, tokenizer_hash
from poolsweep.encoder import Encoder, LoadedEncoder
from poolsweep.features import FeatureRequest, FeatureRows, FeatureStore, request_for, weights_hash
from poolsweep.pooling import Pooling
from poolsweep.pooling.layers.single import Single
from poolsweep.pooling.presets import load_half
from poolsweep.pooling.source import source_hash
from poolsweep.pooling.tokens.cls import Cls
from poolsweep.pooling.tokens.max import Max
from poolsweep.pooling.tokens.mean import Mean
from poolsweep.pooling.tokens.pooler import Pooler
from poolsweep.pooling.windowed import joins_tokens
from poolsweep.runs.status import StatusFile
from poolsweep.tasks import Contract
from poolsweep.training.expected import expected_poolings


@dataclass(frozen=True)
class Inputs:
    """What decides the inputs of a run beside its texts.

    Attributes:
        loaded: Encoder and tokenizer.
        pooling: Says which layers, tokens and template it reads.
        node: Node of the pooling, which names its stored features.
        contract: The target contract.
        reading: How texts are read.
        two_towers: Whether each text of a pair is an input of its own.
    """

    loaded: LoadedEncoder
    pooling: Pooling
    node: Node
    contract: Contract
    reading: Reading
    two_towers: bool = False


def token_rows(split: Split, inputs: Inputs) -> TokenRows | PairRows[TokenRows]:
    """A split as token ids; runs of one process share them."""
    if not inputs.two_towers:
        return _token_rows(split, inputs)
    readings = inputs.reading, inputs.reading.of_second
    first, second = (
        _token_rows(tower, replace(inputs, reading=reading))
        for tower, reading in zip(split.towers, readings, strict=True)
    )
    return PairRows(first, second, pad_token_id=inputs.loaded.pad_token_id)


def _token_rows(split: Split, inputs: Inputs) -> TokenRows:
    key = _ByIdentity(split, inputs.loaded)
    return rows_for(
        inputs.loaded,
        _tokenised(key, inputs.reading),
        context=inputs.pooling.context_needed,
        targets=_targets(key, inputs.contract),
    )


def text_facts(rows: Mapping[str, TokenRows | PairRows[TokenRows]]) -> dict[str, dict[str, float]]:
    """What a result says of texts, by split: ``truncated_share``, and mean ``windows`` of a row where some are read.

    Args:
        rows: Split name → token ids.
    """
    lengths = {name: found.tokenised for name, found in rows.items()}
    facts = {"truncated_share": {name: found.truncated_share for name, found in lengths.items()}}
    windows = {name: found.mean_windows for name, found in lengths.items() if found.mean_windows is not None}
    return facts | ({"windows": windows} if windows else {})


def feature_rows(
    config: RunConfig, inputs: Inputs, rows: Mapping[str, TokenRows | PairRows[TokenRows]], *, status: StatusFile
) -> tuple[FeatureRequest, dict[str, FeatureRows | PairRows[FeatureRows]]]:
    """The features of a frozen encoder for every split, computed where they are not stored yet, and what reads them.

    Of pairs with two towers, the first and the second texts have a store each.

    Args:
        config: The run's; says where stores lie and on what device and in what precision a pass runs.
        inputs: What the pooling reads.
        rows: Split name → token ids.
        status: Status file, which is told how a pass goes.
    """
    encoder, tokenizer = inputs.loaded.encoder, inputs.loaded.tokenizer
    request = _request(inputs.pooling, inputs.node, encoder)
    device = torch.device(config.accelerator)
    total = sum(len(found) * (1 + isinstance(found, PairRows)) for found in rows.values())
    before, known = 0, dict[str, FeatureStore]()

    def stored(name: str, tokens: TokenRows) -> FeatureRows:
        nonlocal before
        digest = tokens.tokenised.digest
        if digest in known:  # the same texts
            return replace(known[digest], rows=tokens).read(request)
        parts = [_weights_hash(encoder), tokenizer_hash(tokenizer), str(inputs.reading), config.precision, device.type]
        parts += [config.matmul_precision, config.encoder["compiled"], encoder.settings, encoder.max_tokens_at_once]
        parts += [encoder.model.config._attn_implementation, str(encoder.cpu_kernels)]
        parts += [torch.__version__, transformers.__version__]
        key = _key([*parts, digest])
        folder = Path(config.output_root) / ".features" / f"{encoder.name}-{name}-{key}"
        store = known[digest] = FeatureStore(folder, tokens, encoder, device, config.precision, config.features.max_gib)

        def tell(done: int, of: int, *, offset: int = before) -> None:
            status.update(phase="encoding", step=offset + done, steps=total)

        store.ensure([request], alongside=partial(_further_requests, config, inputs), on_progress=tell)
        before += len(tokens)
        return store.read(request)

    result: dict[str, FeatureRows | PairRows[FeatureRows]] = {}
    for name, found in rows.items():
        if isinstance(found, PairRows):
            towers = stored(name, found.first), stored(f"{name}-pair", found.second)
            result[name] = PairRows(*towers, pad_token_id=found.pad_token_id)
        else:
            result[name] = stored(name, found)
    return request, result


class _ByIdentity:
    """A cache key: the same split object tokenised by the same tokenizer."""

    def __init__(self, split: Split, loaded: LoadedEncoder) -> None:
        self.split, self.loaded = split, loaded
        self._key = (id(split), tokenizer_hash(loaded.tokenizer))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and self._key == other._key


@lru_cache(maxsize=12)
def _tokenised(key: _ByIdentity, reading: Reading) -> TokenisedTexts:
    return tokenise(key.split, tokenizer=key.loaded.tokenizer, reading=reading)


@lru_cache(maxsize=12)
def _targets(key: _ByIdentity, contract: Contract) -> np.ndarray:
    return contract.encode(key.split.column("label"))


def _request(pooling: Pooling, node: Node, encoder: Encoder) -> FeatureRequest:
    whole, joins = Pooling(layers=pooling.layers, tokens=pooling.tokens), joins_tokens(pooling)
    made_of = [node["layers"], pooling.tokens.self_contained(node["tokens"])]
    return request_for(
        pooling,
        tokens_key=_key([node["tokens"], source_hash(pooling.tokens), joins]),
        pooling_key=_key([*made_of, source_hash(whole), weights_hash(whole), joins]),
        pooler_key="" if encoder.pooler is None else weights_hash(encoder.pooler)[:8],
    )


def _further_requests(config: RunConfig, inputs: Inputs) -> list[FeatureRequest]:
    """What a pass that has to be made anyway writes too: what later runs of this process read, and most sweeps."""
    encoder = inputs.loaded.encoder
    later = [_request(*found, encoder) for found in expected_poolings(config, inputs.loaded, inputs.reading)]
    return list({tuple(one.arrays): one for one in (*later, *_usual_requests(inputs))}.values())


def _usual_requests(inputs: Inputs) -> list[FeatureRequest]:
    """What most poolings of a sweep read."""
    if inputs.reading.template is not None:  # texts in a template are read by this pooling alone
        return []
    encoder = inputs.loaded.encoder
    size, depth = encoder.hidden_size, encoder.num_layers
    poolings = {"cls": Cls(input_size=size), "mean": Mean(input_size=size), "max": Max(input_size=size)}
    if encoder.pooler is not None:
        poolings["pooler"] = Pooler(input_size=size)
    halves = {"layers": load_half("layers", "last")}
    last = Single(index=-1, num_layers=depth, hidden_size=size)
    return [
        _request(Pooling(layers=last, tokens=tokens), Node(halves | {"tokens": load_half("tokens", name)}), encoder)
        for name, tokens in poolings.items()
    ]


def _weights_hash(encoder: Encoder) -> str:
    if encoder.weights_hash is None:
        encoder.weights_hash = weights_hash(encoder.model)
    return encoder.weights_hash


def _key(content: Any) -> str:  # noqa: ANN401
    return xxhash.xxh3_64_hexdigest(json.dumps(content, sort_keys=True, default=str).encode())
