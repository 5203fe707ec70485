"""The two halves together: what commutes, what is refused, what padding may not touch."""

from __future__ import annotations

import copy

import pytest
import torch

from poolsweep.pooling.base import LayerMix, PoolingContext, TokenPooling
from poolsweep.pooling.conformance.target import pair_subject
from poolsweep.pooling.layers.concat import Concat
from poolsweep.pooling.layers.layer_attention import LayerAttention
from poolsweep.pooling.layers.lstm import Lstm
from poolsweep.pooling.layers.max import Max as LayerMax
from poolsweep.pooling.layers.mean import Mean as LayerMean
from poolsweep.pooling.layers.single import Single
from poolsweep.pooling.pooling import Pooling
from poolsweep.pooling.presets import half_names
from poolsweep.pooling.requirements import unmet_needs
from poolsweep.pooling.tokens.attention_weighted import AttentionWeighted
from poolsweep.pooling.tokens.cls import Cls
from poolsweep.pooling.tokens.mask_prompt import MaskPrompt
from poolsweep.pooling.tokens.max import Max
from poolsweep.pooling.tokens.mean import Mean
from poolsweep.pooling.tokens.mean_max import MeanMax
from poolsweep.pooling.tokens.pooler import Pooler
from poolsweep.pooling.tokens.self_attentive import SelfAttentive

SIZES = {"num_layers": 3, "hidden_size": 2}
TEMPLATE = 'This sentence : "{text}" means [MASK] .'


def pooling_of(layers: LayerMix, tokens: type[TokenPooling], **options: object) -> Pooling:
    return Pooling(layers=layers, tokens=tokens(input_size=layers.output_size, **options))


@pytest.mark.parametrize(
    ("layers", "tokens", "expected"),
    [
        (Concat(last=2, **SIZES), Mean, True),
        (LayerMean(last=2, **SIZES), Mean, True),
        (LayerMax(last=2, **SIZES), Mean, False),
        (LayerMax(last=2, **SIZES), Cls, True),
        (Lstm(**SIZES), Cls, True),
        (Concat(last=2, **SIZES), Max, True),
        (LayerMean(last=2, **SIZES), Max, False),
        (Concat(last=2, **SIZES), MeanMax, False),
        (Concat(last=2, norm_per_layer=True, **SIZES), Mean, False),
        (Concat(last=2, norm_per_layer=True, **SIZES), Cls, True),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_what_is_pooled_before_it_is_mixed(layers: LayerMix, tokens: type[TokenPooling], expected: bool) -> None:
    assert pooling_of(layers, tokens).pools_first is expected


def test_most_pairs_with_a_linear_pooling_pool_first() -> None:
    """A flag that turned false by mistake would cost memory and nothing else: nobody would see it."""
    first = [n for n in half_names("layers") if pair_subject(n, "cls").build().pools_first]
    assert first == list(half_names("layers"))
    linear = {n for n in half_names("layers") if pair_subject(n, "mean").build().pools_first}
    assert not linear & {"layer_attention", "lstm", "max", "last4_max"}
    assert linear >= {
        "all_mean", "concat", "first_last_mean", "last", "last4_concat", "last4_mean", "last4_sum", "mean",
        "scalar_mix", "second_to_last", "single", "sum", "weighted_sum",
    }, "a mix that is added later may be either"  # fmt: skip


def test_pooler_is_refused_beside_any_other_layer() -> None:
    pooling_of(Single(index=3, **SIZES), Pooler)
    for layers in (Single(index=-2, **SIZES), Concat(last=2, **SIZES)):
        with pytest.raises(ValueError, match=r"pooling\.tokens=pooler .* goes only with pooling\.layers=last"):
            pooling_of(layers, Pooler)


def test_padding_that_is_nan_leaves_the_gradients_of_a_mix_alone() -> None:
    pooling = pooling_of(LayerAttention(last=2, **SIZES), Max)
    assert not pooling.pools_first, "premise: the mix sees all tokens"
    hidden = torch.tensor([[[1.0, 2.0], [3.0, 1.0], [float("nan"), float("nan")]]])
    states = tuple((hidden * factor).requires_grad_() for factor in (1, 2))
    pooling(states, torch.tensor([[True, True, False]])).sum().backward()
    for name, parameter in pooling.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    assert all(state.grad is not None and state.grad[0, 2].tolist() == [0, 0] for state in states)


def test_a_mix_with_a_bias_gives_zeros_for_an_all_padding_row() -> None:
    pooling = pooling_of(Lstm(**SIZES), Cls)
    assert pooling.pools_first, "premise: the mix sees the zeros of the empty row"
    assert pooling.combine(tuple(torch.zeros(3, 1, 2))).abs().sum() > 0, "premise: it makes something of them"
    pooled = pooling(tuple(torch.ones(3, 2, 4, 2)), torch.tensor([[True] * 4, [False] * 4]))
    assert pooled[1].tolist() == [0, 0]
    assert pooled[0].abs().sum() > 0


def test_penalty_exists_in_training_alone_and_is_handed_out_once() -> None:
    pooling = pooling_of(Single(index=-1, **SIZES), SelfAttentive, attention_size=3, hops=2, penalty=0.5)
    hidden, mask = (torch.ones(2, 4, 2),), torch.tensor([[True] * 4, [False] * 4])
    pooling(hidden, mask)
    penalty = pooling.auxiliary_loss()
    # One real row, both hops uniform over 4 tokens: 2 (1/4 - 1)² + 2 (1/4)² = 1.25, times 0.5.
    assert penalty is not None
    assert penalty.item() == pytest.approx(0.625)
    assert pooling.auxiliary_loss() is None
    pooling(hidden, mask)
    pooling.eval()(hidden, mask)
    assert pooling.train().auxiliary_loss() is not None, "the last training pass's"
    pooling.eval()(hidden, mask)
    assert pooling.auxiliary_loss() is None
    copy.deepcopy(pooling)


def test_explain_linear_pooling_gives_its_weights() -> None:
    mask = torch.tensor([[True, True, False], [False, True, True]])
    found = pooling_of(LayerMean(last=2, **SIZES), Mean).explain(tuple(torch.randn(2, 2, 3, 2)), mask)
    assert found["weights"].tolist() == [[0.5, 0.5, 0], [0, 0.5, 0.5]]
    assert found["layers"].tolist() == [0.5, 0.5]


def test_explain_max_gives_the_shares_won() -> None:
    hidden = torch.tensor([[[5.0, 1.0], [4.0, 2.0], [9.0, 9.0]]])
    found = pooling_of(Single(index=-1, **SIZES), Max).explain((hidden,), torch.tensor([[True, True, False]]))
    assert found["shares"].tolist() == [[0.5, 0.5, 0]]
    assert "layers" not in found


def test_special_tokens_count_where_nothing_else_is_left() -> None:
    pooling = pooling_of(Single(index=-1, **SIZES), Mean, include_special=False)
    assert pooling.context_needed == {"special"}
    hidden = torch.tensor([[[1.0, 1.0], [5.0, 7.0], [3.0, 3.0]], [[1.0, 1.0], [3.0, 3.0], [9.0, 9.0]]])
    mask = torch.tensor([[True, True, True], [True, True, False]])
    special = torch.tensor([[True, False, True], [True, True, False]])
    assert pooling((hidden,), mask, PoolingContext(special=special)).tolist() == [[5, 7], [2, 2]]
    with pytest.raises(ValueError, match=r"include_special=false needs context\.special"):
        pooling((hidden,), mask)


def test_a_template_is_handed_to_the_collator() -> None:
    pooling = pooling_of(Single(index=-1, **SIZES), MaskPrompt, template=TEMPLATE)
    assert pooling.template == TEMPLATE
    assert pooling_of(Single(index=-1, **SIZES), Mean).template is None
    for template in ("no place for it [MASK]", "{text}", "{text} [MASK] [MASK]"):
        with pytest.raises(ValueError, match="exactly once"):
            MaskPrompt(template=template, input_size=2)


def test_attention_that_sees_only_what_is_left_out_falls_back_to_the_mean() -> None:
    pooling = AttentionWeighted(attention_layer=-1, include_special=False, input_size=1)
    attention = torch.tensor([[[[1.0, 0.0, 0.0]] * 3]])
    special = torch.tensor([[True, False, False]])
    context = PoolingContext(attentions=(attention,), special=special)
    pooled = pooling(torch.tensor([[[9.0], [2.0], [4.0]]]), torch.ones(1, 3, dtype=torch.bool), context)
    assert pooled.tolist() == [[3]]


def test_what_an_encoder_lacks_is_named_before_anything_runs() -> None:
    last = Single(index=-1, **SIZES)
    has = {"encoder": "tiny", "has_pooler": False, "has_mask_token": False, "gives_attentions": False,
           "cls_sees_text": False}  # fmt: skip
    prompt = pooling_of(last, MaskPrompt, template=TEMPLATE)
    (problem,) = unmet_needs(prompt, name="promptbert", **has)
    assert problem.startswith("pooling=promptbert needs a tokenizer with a mask token, and tiny has none; pooling=")
    weighted = pooling_of(last, AttentionWeighted, attention_layer=-1)
    problem, blind = unmet_needs(weighted, name="last+attention_weighted", **has)
    assert problem.endswith("needs the attentions of tiny; set encoder.attention=eager")
    assert blind.startswith("pooling=last+attention_weighted reads the first token, which in tiny, a causal model,")
    assert unmet_needs(pooling_of(last, Mean), name="masked_mean", **has) == []
