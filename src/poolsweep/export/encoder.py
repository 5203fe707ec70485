"""The encoder of a run as transformers' own model, with the weights that the run ended with."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from poolsweep.data.template import TemplateTokens, put_around, put_before, tokens_around
from poolsweep.encoder import Encoder, packed_attention
from poolsweep.encoder.adapter import merged_state
from poolsweep.encoder.pooler import DensePooler
from poolsweep.errors import UserError
from poolsweep.training.encoder import load_encoder
from poolsweep.training.load import LoadedRun

TEXTS = ["a", "one, two and three", "?"]  # of different lengths, to compare two models on


def plain_encoder(run: LoadedRun, *, attention: str | None = None) -> PreTrainedModel:
    """The run's encoder without packing, fast kernels and hooks, and with its pooler back in its place.

    A stack that was cut for training stays cut, or has one layer more where the model's end would change what the
    pooling reads: ModernBERT has a norm there, and a stack of no layers gives no states.

    Args:
        run: A finished run.
        attention: transformers' attention implementation; None = the one that the run has, or sdpa for packed rows.
    Raises:
        UserError: If transformers' own model gives other states.
    """
    ours = run.loaded.encoder
    layers = run.classifier.pooling.layers_needed
    model = _rebuilt(ours, attention=attention)
    if _gives_the_same(model, run, layers):
        return model
    if ours.num_kept < ours.num_layers:
        options = {"tokens": run.config.tokens, "init_seed": run.config.init_seed}
        larger = load_encoder(run.config.encoder, **options, upcast=True).encoder
        larger.model.load_state_dict(ours.model.state_dict(), strict=False)
        larger.pooler = ours.pooler
        larger.keep_layers(ours.num_kept + 1)
        model = _rebuilt(larger, attention=attention)
        if _gives_the_same(model, run, layers):
            return model
    raise UserError(f"{ours.name} ({model.config.model_type}) gives other states in transformers' own model")


def second_text(run: LoadedRun) -> str | None:
    """Name of the column whose text the encoder reads behind the first, in one input; None where it reads single texts.

    Args:
        run: A finished run; with two towers its encoder reads single texts.
    """
    return None if run.classifier.pairs.two_towers else run.config.data.get("text_pair")


def not_plain(run: LoadedRun) -> str | None:
    """What neither transformers' model nor a tokenizer does by itself; None where they read texts as the run does.

    Args:
        run: A finished run.
    """
    if run.loaded.encoder.bidirectional:
        return "encoder.bidirectional=true is a change that no config of transformers keeps; predict and encode know it"
    template = run.classifier.pooling.template
    if template is None:
        return None
    if second_text(run) is not None:
        return "a template around pairs of texts is no part of a tokenizer"
    first, *others = TemplateTokens.of(run.loaded.tokenizer, template).spaces
    if others:
        return f"pooling={run.config.pooling_name} reads each text twice, and no tokenizer repeats one"
    if first:
        return "its template has a space before the text, which its tokenizer makes part of the first word"
    return None


def plain_tokenizer(run: LoadedRun, *, prefixes: bool = True) -> PreTrainedTokenizerFast:
    """A copy of the run's tokenizer that cuts, pads, and puts prefix and template around texts as the run did, untold.

    Args:
        run: A finished run.
        prefixes: Whether the run's prefix is the tokenizer's business.
    Raises:
        UserError: If it is none of the tokenizers library, or cannot do so.
    """
    if not isinstance(run.loaded.tokenizer, PreTrainedTokenizerFast):
        raise UserError(f"the tokenizer of {run.loaded.encoder.name} cannot be written as a tokenizer.json")
    prefix = run.reading.prefix if prefixes else ""
    if not prefix and run.classifier.pooling.template is None:
        return _set_up(copy.deepcopy(run.loaded.tokenizer), run)
    tokenizer = _without_class(run.loaded.tokenizer)
    put_around(tokenizer, *_around(run, prefix))
    if not prefix or _reads_the_same(tokenizer, run, [*TEXTS, ""]):
        return _set_up(tokenizer, run)
    tokenizer = _without_class(run.loaded.tokenizer)
    put_before(tokenizer, prefix)  # all but an empty text
    if run.classifier.pooling.template is None and _reads_the_same(tokenizer, run, TEXTS):
        return _set_up(tokenizer, run)
    raise UserError(
        f"the prefix {prefix!r} cannot be made a part of the tokenizer; --to sentence-transformers writes it"
    )


def prefix_objection(run: LoadedRun) -> str | None:
    """Why no tokenizer can have the run's prefix; None if one can.

    Args:
        run: A finished run.
    """
    if not run.reading.prefix or second_text(run) is None:
        return None
    return "a prefix before the first of two texts is no part of a tokenizer; --to sentence-transformers writes it"


def added_tokens(run: LoadedRun) -> tuple[int, int]:
    """How many tokens the tokenizer puts before and after a text."""
    before, after = tokens_around(run.loaded.tokenizer)
    return len(before), len(after)


def _without_class(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    """A copy of no class of its own, since BERT's, say, makes its post-processor anew when it is loaded."""
    special = {name: token for name, token in tokenizer.special_tokens_map.items() if isinstance(token, str)}
    backend = copy.deepcopy(tokenizer).backend_tokenizer
    names = tokenizer.model_input_names
    return PreTrainedTokenizerFast(tokenizer_object=backend, model_input_names=names, **special)


def _around(run: LoadedRun, prefix: str) -> tuple[list[int], list[int]]:
    """Ids that stand before and behind every text."""
    tokenizer, template = run.loaded.tokenizer, run.classifier.pooling.template
    if template is None:
        before, after = tokens_around(tokenizer)
    else:
        around = TemplateTokens.of(tokenizer, template)
        before, after = around.before, around.after
    return [*before, *tokenizer(prefix.strip(), add_special_tokens=False)["input_ids"]], after


def _reads_the_same(tokenizer: PreTrainedTokenizerFast, run: LoadedRun, texts: Sequence[str]) -> bool:
    """Whether it gives the ids that the run reads of some short texts."""
    batch = run.batch(texts)
    assert batch.input_ids is not None
    ours = [ids[mask].tolist() for ids, mask in zip(batch.input_ids, batch.mask, strict=True)]
    return tokenizer(list(texts))["input_ids"] == ours


def _set_up(tokenizer: PreTrainedTokenizerFast, run: LoadedRun) -> PreTrainedTokenizerFast:
    if tokenizer.pad_token is None:  # what it is does not matter, since the mask hides it
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token or tokenizer.convert_ids_to_tokens(0)
    tokenizer.model_max_length = run.reading.max_length
    tokenizer.padding_side = tokenizer.truncation_side = "right"
    return tokenizer


def _rebuilt(ours: Encoder, *, attention: str | None) -> PreTrainedModel:
    config = copy.deepcopy(ours.model.config)
    config.dtype = torch.float32
    config.num_hidden_layers = ours.num_kept
    kinds = getattr(config, "layer_types", None)
    if kinds is not None:
        config.layer_types = list(kinds)[: ours.num_kept]
    own = config._attn_implementation
    config._attn_implementation = attention or ("sdpa" if own == packed_attention.NAME else own)
    with torch.random.fork_rng(devices=[]):
        model = type(ours.model)(config)
    if ours.pooler is None:
        model.add_module("pooler", None)
    state = merged_state(ours.model) | {f"pooler.{n}": t for n, t in _pooler_state(ours.pooler).items()}
    model.load_state_dict(state)
    return model.eval()


def _pooler_state(pooler: nn.Module | None) -> dict[str, Tensor]:
    module = pooler.dense if isinstance(pooler, DensePooler) else pooler
    return {} if module is None else dict(module.state_dict())


def _gives_the_same(model: PreTrainedModel, run: LoadedRun, layers: Sequence[int]) -> bool:
    """Whether the states that the pooling reads are the run's, on a few texts of different lengths."""
    paired = run.config.data.get("text_pair") is not None
    batch = run.batch(TEXTS, TEXTS[::-1] if paired else None)
    assert batch.input_ids is not None
    inputs = {"input_ids": batch.input_ids, "attention_mask": batch.mask.long()}
    if batch.token_type_ids is not None:
        inputs["token_type_ids"] = batch.token_type_ids
    with torch.no_grad():
        ours = run.loaded.encoder(batch.input_ids, batch.mask, batch.token_type_ids, layers=layers).hidden
        states = model(**inputs, output_hidden_states=True).hidden_states
    if states is None or len(states) <= max(layers):
        return False
    pairs = ((states[layer], ours[i]) for i, layer in enumerate(layers))
    return all(torch.allclose(one[batch.mask], other[batch.mask], atol=1e-4, rtol=1e-4) for one, other in pairs)
