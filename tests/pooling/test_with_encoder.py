"""Every preset on a real, if tiny, encoder: what it needs is what the encoder gives."""

from __future__ import annotations

import pytest
import torch

from poolsweep.encoder.tiny import tiny
from poolsweep.pooling.base import PoolingContext
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
    encoder, tokenizer = loaded.encoder, loaded.tokenizer
    halves = {kind: dict(options) for kind, options in CONFIGS[name].items()}
    layer_class, token_class = (find_class(halves[kind].pop("_target_")) for kind in ("layers", "tokens"))
    layers = layer_class(**halves["layers"], num_layers=encoder.num_layers, hidden_size=encoder.hidden_size)
    pooling = Pooling(layers=layers, tokens=token_class(**halves["tokens"], input_size=layers.output_size))
    template = pooling.template or "{text}"
    batch = tokenizer([template.replace("{text}", text) for text in TEXTS], padding=True, return_tensors="pt")
    ids, mask = batch["input_ids"], batch["attention_mask"].bool()
    assert not mask.all(), "premise: some padding exists"
    output = encoder(ids, mask, layers=pooling.layers_needed, context=pooling.context_needed)
    context = PoolingContext(
        pooler_output=output.pooler_output,
        attentions=output.attentions,
        special=torch.isin(ids, torch.tensor(tokenizer.all_special_ids)),
        template=ids == tokenizer.mask_token_id,
    )
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
        assert context.template.sum(dim=1).tolist() == [1, 1, 1]
        last = encoder.num_layers
        torch.testing.assert_close(pooled, encoder(ids, mask, layers=[last]).hidden[0][ids == tokenizer.mask_token_id])
