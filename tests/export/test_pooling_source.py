"""The source of a pooling that is written into exports gives the same vectors, without poolsweep."""

from __future__ import annotations

import ast
import copy
import sys
import types

import numpy as np
import pytest
import torch
from torch import nn

from poolsweep.data.template import TemplateTokens, put_around
from poolsweep.errors import UserError
from poolsweep.export.pooling_source import folded_head, pooling_source
from poolsweep.export.source import Sources
from poolsweep.head.linear import Linear
from poolsweep.pooling.presets import preset_names
from poolsweep.postprocess.standardize import Standardize
from poolsweep.postprocess.whiten import Whiten
from poolsweep.training.load import LoadedRun

OF_NO_FOLDER = [
    "pooling.tokens.modes=[cls,weightedmean,max]",
    "pooling.tokens.after=[Dense 12 GELU residual,Normalize,Dense 5 Tanh no_bias]",
]
TEXTS = ["a cat", "the dog and the cat sat by the river in the evening", "x", ""]


def exported(run: LoadedRun) -> nn.Module:
    text = pooling_source(run)
    names = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert {(getattr(n, "module", None) or n.names[0].name).partition(".")[0] for n in names} <= {
        "__future__", "abc", "collections", "dataclasses", "functools", "math", "torch", "typing"
    }  # fmt: skip
    module = types.ModuleType("exported")
    sys.modules["exported"] = module  # where dataclasses look for it
    exec(compile(text, "exported", "exec"), vars(module))
    pooling = module.TextPooling()
    pooling.load_state_dict({f"pooling.{n}": t for n, t in run.classifier.pooling.state_dict().items()})
    return pooling.eval()


def put_into_template(tokenizer, template: str) -> None:
    around = TemplateTokens.of(tokenizer, template)
    put_around(tokenizer, around.before, around.after)


def vectors_outside(run: LoadedRun, pooling: nn.Module, *, left: bool) -> torch.Tensor:
    """With the tokenizer's own output and all hidden states; ``left``: padding is moved to the left of them."""
    tokenizer = copy.deepcopy(run.loaded.tokenizer)
    if run.classifier.pooling.template is not None:
        put_into_template(tokenizer, run.classifier.pooling.template)
    given = tokenizer(TEXTS, truncation=True, max_length=run.reading.max_length, padding=True, return_tensors="pt")
    encoder, mask, types = run.loaded.encoder, given["attention_mask"], given["token_type_ids"]
    wanted = {*pooling.context_needed} & {"pooler_output", "attentions"}
    layers = range(encoder.num_layers + 1)
    output = encoder(given["input_ids"], mask.bool(), types, layers=layers, context=wanted, packing=None)
    padding = (1 - mask).sum(dim=1).tolist() if left else [0] * len(mask)

    def moved(tensor: torch.Tensor, *dims: int) -> torch.Tensor:
        return torch.stack([row.roll([n] * len(dims), dims) for row, n in zip(tensor, padding, strict=True)])

    attentions = None if output.attentions is None else tuple(moved(one, 1, 2) for one in output.attentions)
    hidden = tuple(moved(layer, 0) for layer in output.hidden)
    return pooling(hidden, moved(mask, 0), output.pooler_output, attentions, moved(types, 0))


def test_a_text_that_is_read_twice_is_refused(made):
    with pytest.raises(UserError, match="pooling=echo reads each text twice, and no tokenizer repeats one"):
        pooling_source(made("pooling=echo"))


@pytest.mark.parametrize("preset", sorted({*preset_names()} - {"echo"}))
def test_a_preset_is_the_same_outside(preset, made):
    run = made(f"pooling={preset}", *(OF_NO_FOLDER if preset == "own" else []))
    pooling = exported(run)
    with torch.no_grad():
        ours = run.classifier.pool(run.batch(TEXTS))
        for left in (False, True):
            theirs = vectors_outside(run, pooling, left=left)
            np.testing.assert_allclose(theirs, ours, atol=2e-5, rtol=1e-4, err_msg=f"left={left}")


def test_special_tokens_stay_left_out(made):
    run = made("pooling=masked_mean", "pooling.tokens.include_special=false")
    with torch.no_grad():
        ours, theirs = run.classifier.pool(run.batch(TEXTS)), vectors_outside(run, exported(run), left=True)
        whole = made("pooling=masked_mean").classifier.pool(run.batch(TEXTS))
    np.testing.assert_allclose(theirs, ours, atol=1e-5)
    assert not torch.allclose(whole, ours, atol=1e-3), "premise"


def test_a_template_is_never_cut(made):
    run = made("pooling=promptbert")
    tokenizer = copy.deepcopy(run.loaded.tokenizer)
    put_into_template(tokenizer, run.classifier.pooling.template)
    for text in ("a cat", "the river " * 30):
        ids = tokenizer(text, truncation=True, max_length=run.reading.max_length)["input_ids"]
        assert ids == run.batch([text]).input_ids[0].tolist()
        assert len(ids) <= run.reading.max_length


@pytest.mark.parametrize("post", [Standardize(size=6), Whiten(size=6, dimensions=4)], ids=["standardize", "whiten"])
def test_postprocessing_folds_into_the_head(post, made):
    run = made("pooling=masked_mean")
    torch.manual_seed(0)
    data = torch.randn(200, 6) @ torch.randn(6, 6) + 5
    post.fit([data])
    run.classifier.postprocess = post
    run.classifier.head = Linear(input_size=post.output_size, num_labels=3, dropout=0.0, initializer_range=1.0)
    nn.init.normal_(run.classifier.head.classifier.bias)
    expected = run.classifier.head.classifier.double()(
        (data.double() - post.mean.double()) * post.scale.double()
        if isinstance(post, Standardize)
        else (data.double() - post.mean.double()) @ post.kernel.double()
    )
    np.testing.assert_allclose(folded_head(run)(data).detach(), expected.detach(), atol=1e-4, rtol=1e-5)


def test_a_head_of_ones_own_is_refused_by_name(made):
    run = made("pooling=masked_mean")
    run.classifier.head = nn.Sequential(nn.Linear(2, 3))
    with pytest.raises(UserError, match="head Sequential is not"):
        folded_head(run)


def test_two_definitions_of_one_name_stay_apart(tmp_path, monkeypatch):
    for half, value in (("first", 1), ("second", 2)):
        (tmp_path / half).mkdir()
        (tmp_path / half / "part.py").write_text(
            f"def helper():\n    return {value}\n\n\nclass A{value}:\n    x = helper()\n"
        )
    monkeypatch.syspath_prepend(tmp_path)
    sources = Sources(frozenset({"first", "second"}))
    assert [sources.add("first.part", "A1"), sources.add("second.part", "A2")] == ["A1", "A2"]
    found: dict = {}
    exec(sources.text(), found)
    assert (found["A1"].x, found["A2"].x) == (1, 2)
