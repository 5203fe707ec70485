"""Every preset on a real, if tiny, encoder: what it needs is what the encoder gives."""

from __future__ import annotations

import pytest
import torch

from poolsweep.data.reading import Reading
from poolsweep.data.text_reader import reader
from poolsweep.data.token_rows import rows_for
from poolsweep.data.tokenise import tokenise_at_once
from poolsweep.encoder import LoadedEncoder
from poolsweep.encoder.tiny import tiny
from poolsweep.pooling.make import find_class
from poolsweep.pooling.pooling import Pooling
from poolsweep.pooling.presets import half_names, load_half, load_preset, preset_names

TEXTS = ["a", "two words", "and a third text"]
CONFIGS = {name: load_preset(name) for name in preset_names()} | {
    f"last+{name}": {"layers": load_half("layers", "last"), "tokens": load_half("tokens", name)}
    for name in half_names("tokens")
}


@pytest.mark.parametrize("name", CONFIGS)
def test_pooling_reads_what_the_encoder_gives(name: str) -> None:
    loaded = tiny(attention="eager", dropout=0.0)
    encoder = loaded.encoder
    halves = {kind: dict(options) for kind, options in CONFIGS[name].items()}
    layer_class, token_class = (find_class(halves[kind].pop("_target_")) for kind in ("layers", "tokens"))
    layers = layer_class(**halves["layers"], num_layers=encoder.num_layers, hidden_size=encoder.hidden_size)
    pooling = Pooling(layers=layers, tokens=token_class(**halves["tokens"], input_size=layers.output_size))
    read = reader(loaded.tokenizer, Reading(128, pooling.template), pair=False)
    rows = rows_for(loaded, tokenise_at_once(read, TEXTS, None), context={"special", "template"})
    batch = rows.__getitems__(range(len(TEXTS)))
    ids, mask = batch.input_ids, batch.mask
    assert ids is not None
    assert not mask.all(), "premise: some padding exists"
    output = encoder(ids, mask, layers=pooling.layers_needed, context=pooling.context_needed)
    context = batch.context(output.pooler_output, output.attentions)
    pooled = pooling(output.hidden, mask, context)
    assert pooled.shape == (len(TEXTS), pooling.output_size)
    pooled.square().sum().backward()
    gradient = encoder.model.embeddings.word_embeddings.weight.grad
    assert gradient is not None
    assert gradient.isfinite().all()
    assert gradient.abs().sum() > 0
    explained = pooling.eval().explain(output.hidden, mask, context)
    assert all(values.isfinite().all() for values in explained.values())
    if pooling.template is not None:
        assert context.template is not None
        states = encoder(ids, mask, layers=[encoder.num_layers]).hidden[0]
        for row, state in enumerate(pooled):
            torch.testing.assert_close(
                state, states[row, expected_places(loaded, pooling.template, TEXTS[row])].mean(0)
            )


def expected_places(loaded: LoadedEncoder, template: str, text: str) -> list[int]:
    """Of the one [MASK], of the second copy, or of the last token of the template, in the filled template."""
    tokenizer = loaded.tokenizer
    whole = tokenizer.convert_ids_to_tokens(tokenizer(template.replace("{text}", text))["input_ids"])
    if "[MASK]" in template:
        return [whole.index("[MASK]")]
    end = len(whole) - 1  # before [SEP]
    if template.count("{text}") == 1:
        return [end - 1]
    return list(range(end - len(tokenizer(text, add_special_tokens=False)["input_ids"]), end))
