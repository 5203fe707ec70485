"""A tiny BERT with random weights and a character tokenizer, for tests and dry runs."""

from __future__ import annotations

import string
from typing import Annotated, Unpack

import torch
from annotated_types import Interval
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from torch import nn
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from poolsweep.bounds import PositiveInt, Probability, Seed
from poolsweep.encoder.encoder import Encoder
from poolsweep.encoder.loading import LoadedEncoder, quiet_transformers, require_attention
from poolsweep.encoder.options import RunOptions
from poolsweep.encoder.precision import Quantized, WeightsDtype
from poolsweep.encoder.prompts import prefix_of
from poolsweep.errors import UserError

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

_Size = Annotated[int, Interval(ge=1, le=4096)]  # more would not be tiny
_Length = Annotated[int, Interval(ge=8, le=4096)]
_Depth = Annotated[int, Interval(ge=1, le=64)]


def tiny(
    *,
    hidden_size: _Size = 32,
    num_layers: _Depth = 4,
    num_heads: PositiveInt = 2,
    max_length: _Length = 128,
    dropout: Probability = 0.1,
    weights_seed: Seed = 0,
    attention: str | None = None,
    prefix: str | None = None,
    prefix_pair: str | None = None,
    prompt: str | None = None,
    pool_prefix: bool | None = None,
    dtype: WeightsDtype = "float32",
    quantize: Quantized | None = None,
    **options: Unpack[RunOptions],
) -> LoadedEncoder:
    """Make a random BERT that needs no file: it knows nothing, but every part of a run works with it.

    Args:
        hidden_size: Size of a token's state, H.
        num_layers: Number of layers, L.
        num_heads: Attention heads; must divide ``hidden_size``.
        max_length: Position embeddings, in tokens.
        dropout: Dropout of hidden states and attention.
        weights_seed: Seed of the weights.
        attention: transformers' attention implementation; None = its choice.
        prefix: What is put before every text.
        prefix_pair: What is put before the second of two texts that are inputs of their own; None = ``prefix``.
        prompt: Name of a prompt; it has none.
        pool_prefix: Whether the tokens of a prefix are pooled.
        dtype: Type that the weights are held in; auto = float32.
        quantize: None: there is no checkpoint whose weights could be quantised.
        options: How it is run.
    Raises:
        UserError: If it is to be quantised.
    """
    if quantize is not None:
        raise UserError(f"encoder.quantize={quantize} quantises a checkpoint's weights, and encoder=tiny has none")
    require_attention(attention)
    quiet_transformers()
    tokenizer = _character_tokenizer(max_length)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden_size,
        num_hidden_layers=num_layers,
        num_attention_heads=num_heads,
        intermediate_size=2 * hidden_size,
        max_position_embeddings=max_length,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    if attention is not None:
        config._attn_implementation = attention
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(weights_seed)
        model = BertModel(config)
    found = prefix_of(
        None, encoder="tiny", prefix=prefix, prefix_pair=prefix_pair, prompt=prompt, pool_prefix=pool_prefix
    )
    nn.Module.to(model, torch.float32 if dtype == "auto" else getattr(torch, dtype))
    return LoadedEncoder(Encoder(model, name="tiny", **options), tokenizer, prefix=found)


def _character_tokenizer(max_length: int) -> PreTrainedTokenizerFast:
    characters = string.ascii_lowercase + string.digits + string.punctuation
    vocabulary = [*_SPECIAL, *characters, *(f"##{c}" for c in characters)]
    tokenizer = Tokenizer(WordPiece({piece: i for i, piece in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", _SPECIAL.index("[CLS]")), ("[SEP]", _SPECIAL.index("[SEP]"))],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=max_length,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )
