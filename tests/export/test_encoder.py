"""The encoder that exports are made of is transformers' own model with the run's states."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
from transformers import AutoModel

from poolsweep.export.encoder import plain_encoder, plain_tokenizer
from poolsweep.training.load import load_run

TEXTS = ["meow", "woof xxx 12", "a much longer text, that is padded"]


def states_of(run, folder):
    """Hidden states that ``AutoModel`` gives of a saved encoder, and those that the run's pooling reads."""
    tokenizer = plain_tokenizer(run)
    model = AutoModel.from_pretrained(folder).eval()
    inputs = tokenizer(TEXTS, padding=True, return_tensors="pt")
    names = [n for n in ("input_ids", "attention_mask", "token_type_ids") if n in tokenizer.model_input_names]
    with torch.no_grad():
        found = model(**{n: inputs[n] for n in names}, output_hidden_states=True)
        batch = run.batch(TEXTS)
        layers = run.classifier.pooling.layers_needed
        ours = run.loaded.encoder(batch.input_ids, batch.mask, batch.token_type_ids, layers=layers).hidden
    return [found.hidden_states[layer][batch.mask] for layer in layers], [one[batch.mask] for one in ours], model


@pytest.mark.parametrize(("pooling", "depth"), [("masked_mean", 4), ("second_to_last_mean", 3), ("embeddings_mean", 1)])
def test_a_saved_encoder_has_the_layers_that_are_read(tuned, tmp_path, pooling: str, depth: int):
    run = load_run(tuned[pooling])
    plain_encoder(run).save_pretrained(tmp_path)
    found, ours, model = states_of(run, tmp_path)
    assert model.config.num_hidden_layers == depth
    for one, other in zip(found, ours, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("family", ["modernbert", "roberta", "mpnet"])
def test_other_families_give_the_same_states(trained, encoder_folder, tmp_path, family: str):
    runs = trained(
        "second_to_last_mean", "encoder=hub", f"encoder.model={encoder_folder(family)}", "data.max_length=30"
    )
    run = load_run(runs["second_to_last_mean"])
    assert run.loaded.encoder.num_kept < 3
    plain_encoder(run).save_pretrained(tmp_path)
    found, ours, _ = states_of(run, tmp_path)
    assert torch.allclose(found[0], ours[0], atol=1e-5)


def test_a_run_with_a_template_reads_single_texts(tuned):
    batch = load_run(tuned["promptbert"]).batch(TEXTS)
    assert batch.template is not None
    assert batch.template.sum(dim=1).tolist() == [1, 1, 1]


def test_a_tokenizer_without_a_padding_token_gets_one_that_the_mask_hides(made):
    run = made("pooling=masked_mean")
    tokenizer = copy.deepcopy(run.loaded.tokenizer)  # a tokenizer is loaded once a process, for all runs
    tokenizer.pad_token = None
    run = dataclasses.replace(run, loaded=dataclasses.replace(run.loaded, tokenizer=tokenizer))
    found = plain_tokenizer(run)(TEXTS, padding=True)
    lengths = [sum(mask) for mask in found["attention_mask"]]
    assert lengths == [len(ids) for ids in tokenizer(TEXTS)["input_ids"]]
    assert len({len(ids) for ids in found["input_ids"]}) == 1
