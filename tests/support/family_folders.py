"""Folders of small random encoders, each with a tokenizer of its family's kind."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from architectures import CONFIGS, DECODERS, MORE, T5
from family_tokenizers import byte_level, unigram
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from poolsweep.encoder.tiny import tiny
from poolsweep.encoder.weights import kind_of

_LENGTH = 96  # of what the models read, in tokens


def save_family(folder: Path, kind: str) -> Path:
    """A folder with a random encoder of a family.

    Args:
        folder: Place of it.
        kind: ``bert``, ``modernbert``, ``t5``, ``xlnet``, or a decoder, whose tokenizer has no padding token.
    """
    tokenizer = _tokenizer_of(kind)
    config = copy.deepcopy({**CONFIGS, **MORE, **DECODERS, "t5": T5}[kind])
    config.vocab_size = len(tokenizer) + 4
    if (getattr(config, "max_position_embeddings", None) or 0) > 0:  # T5 has none, and XLNet -1
        config.max_position_embeddings = _LENGTH
    torch.manual_seed(0)
    kind_of(config).from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _tokenizer_of(kind: str) -> PreTrainedTokenizerBase:
    if kind == "xlnet":
        return unigram()
    if kind == "t5":
        inner = unigram().backend_tokenizer
        inner.post_processor = TemplateProcessing(single="$A <sep>", special_tokens=[("<sep>", 2)])
        return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>", pad_token="<pad>", eos_token="<sep>")
    if kind in DECODERS:
        inner = byte_level().backend_tokenizer
        inner.post_processor = TemplateProcessing(single="$A", special_tokens=[])
        return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>", bos_token="<s>", eos_token="</s>")
    return tiny().tokenizer
