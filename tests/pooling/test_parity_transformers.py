"""Parity with transformers: BERT's pooler, and the heads of ModernBERT and EuroBERT."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import (
    BertConfig,
    BertModel,
    EuroBertConfig,
    EuroBertForSequenceClassification,
    ModernBertConfig,
    ModernBertForSequenceClassification,
)

from poolsweep.encoder import Encoder
from poolsweep.pooling.base import PoolingContext
from poolsweep.pooling.tokens.attention_weighted import AttentionWeighted
from poolsweep.pooling.tokens.cls import Cls
from poolsweep.pooling.tokens.cls_attention import ClsAttention
from poolsweep.pooling.tokens.generalized_pooling import GeneralizedPooling
from poolsweep.pooling.tokens.late import Late
from poolsweep.pooling.tokens.lstm import Lstm
from poolsweep.pooling.tokens.mean import Mean
from poolsweep.pooling.tokens.pooler import Pooler

SIZES = {
    "vocab_size": 20,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "pad_token_id": 0,
}
IDS = torch.tensor([[1, 5, 6, 7, 2], [1, 8, 2, 0, 0], [1, 9, 10, 2, 0]])
MASK = IDS != 0
INPUTS = {"input_ids": IDS, "attention_mask": MASK.long()}
assert not MASK.all(), "premise: some padding exists"


def bert(**options) -> BertModel:
    torch.manual_seed(0)
    return BertModel(BertConfig(**SIZES, **options)).eval()


@torch.no_grad()
def test_pooler_is_berts_own() -> None:
    model = bert()
    expected = model(**INPUTS).pooler_output
    output = Encoder(model, name="bert").eval()(IDS, MASK, layers=[2], context={"pooler_output"})
    found = Pooler(input_size=16)(output.hidden[0], MASK, PoolingContext(pooler_output=output.pooler_output))
    torch.testing.assert_close(found, expected)


@torch.no_grad()
def test_attention_weighted_reads_berts_fourth_output() -> None:
    model = bert(attn_implementation="eager")
    output = model(**INPUTS, output_attentions=True)
    wrapped = Encoder(model, name="bert").eval()(IDS, MASK, layers=[2], context={"attentions"})
    context = PoolingContext(attentions=wrapped.attentions)
    found = AttentionWeighted(attention_layer=-1, input_size=16)(wrapped.hidden[0], MASK, context)
    for row in range(3):
        weights = output.attentions[-1][row, :, 0].mean(dim=0)  # BERT gives padding no attention: they sum to 1
        torch.testing.assert_close(found[row], weights @ output.last_hidden_state[row])


@pytest.mark.parametrize("pooling", ["cls", "mean"])
@torch.no_grad()
def test_modernbert_head(pooling: str) -> None:
    torch.manual_seed(0)
    special = {"bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2}
    model = ModernBertForSequenceClassification(
        ModernBertConfig(**SIZES, **special, classifier_pooling=pooling, num_labels=3, attn_implementation="eager")
    ).eval()
    hidden = model.model(**INPUTS).last_hidden_state
    ours = {"cls": Cls, "mean": Mean}[pooling](input_size=16)(hidden, MASK, PoolingContext())
    torch.testing.assert_close(model.classifier(model.head(ours)), model(**INPUTS).logits)


@pytest.mark.parametrize("pooling", ["bos", "mean", "late"])
@torch.no_grad()
def test_eurobert_head(pooling: str) -> None:
    torch.manual_seed(0)
    config = EuroBertConfig(**SIZES, num_key_value_heads=2, classifier_pooling=pooling, num_labels=3)
    model = EuroBertForSequenceClassification(config).eval()
    hidden, context = model.model(**INPUTS).last_hidden_state, PoolingContext()
    if pooling == "late":
        late = Late(input_size=16)
        late.dense.load_state_dict(model.dense.state_dict())
        logits = model.classifier(late(hidden, MASK, context))
    else:
        pooled = {"bos": Cls, "mean": Mean}[pooling](input_size=16)(hidden, MASK, context)
        logits = model.classifier(model.activation(model.dense(pooled)))
    torch.testing.assert_close(logits, model(**INPUTS).logits)


@torch.no_grad()
def test_cls_attention_is_torchs_multihead_attention() -> None:
    torch.manual_seed(0)
    ours, theirs = ClsAttention(num_heads=4, input_size=16), nn.MultiheadAttention(16, 4, batch_first=True)
    projections = (ours.query, ours.key, ours.value)
    theirs.in_proj_weight.copy_(torch.cat([p.weight for p in projections]))
    theirs.in_proj_bias.copy_(torch.cat([p.bias for p in projections]))
    theirs.out_proj.load_state_dict(ours.output.state_dict())
    hidden = torch.randn(3, 5, 16)
    expected, _ = theirs(hidden[:, :1], hidden, hidden, key_padding_mask=~MASK)
    torch.testing.assert_close(ours(hidden, MASK, PoolingContext()), expected[:, 0])


def _copy_directions(both: nn.RNNBase, forwards: nn.RNNBase, backwards: nn.RNNBase) -> None:
    own = {f"{name}": value for name, value in forwards.state_dict().items()}
    both.load_state_dict(own | {f"{name}_reverse": value for name, value in backwards.state_dict().items()})


@torch.no_grad()
def test_lstm_is_torchs_packed_bidirectional_lstm() -> None:
    torch.manual_seed(0)
    ours = Lstm(state_size=6, read="last", input_size=16)
    theirs = nn.LSTM(16, 6, batch_first=True, bidirectional=True)
    _copy_directions(theirs, ours.forwards, ours.backwards)
    hidden = torch.randn(3, 5, 16)
    packed = nn.utils.rnn.pack_padded_sequence(hidden, MASK.sum(1), batch_first=True, enforce_sorted=False)
    states, (last, _) = theirs(packed)
    torch.testing.assert_close(ours(hidden, MASK, PoolingContext()), torch.cat(tuple(last), dim=1))
    ours.read = "max"
    states, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True, padding_value=-1e9)
    torch.testing.assert_close(ours(hidden, MASK, PoolingContext()), states.amax(dim=1))


@torch.no_grad()
def test_generalized_pooling_is_a_packed_bidirectional_gru_over_ranks() -> None:
    torch.manual_seed(0)
    ours = GeneralizedPooling(position_size=4, state_size=6, temperature=0.1, input_size=16)
    theirs = nn.GRU(4, 6, batch_first=True, bidirectional=True)
    _copy_directions(theirs, ours.from_largest, ours.from_smallest)
    ranks = torch.arange(5.0)[:, None]
    encoded = torch.cat([ranks.sin(), ranks.cos(), (ranks / 100).sin(), (ranks / 100).cos()], dim=1)
    packed = nn.utils.rnn.pack_padded_sequence(
        encoded.expand(3, -1, -1), MASK.sum(1), batch_first=True, enforce_sorted=False
    )
    states, _ = nn.utils.rnn.pad_packed_sequence(theirs(packed)[0], batch_first=True)
    scores = ours.score((states[..., :6] + states[..., 6:]) / 2)[..., 0] / 0.1
    weights = scores.masked_fill(~MASK, -10_000).softmax(dim=1)
    hidden = torch.randn(3, 5, 16)
    ordered = hidden.masked_fill(~MASK[..., None], -10_000).sort(dim=1, descending=True).values
    expected = (ordered.masked_fill(~MASK[..., None], 0) * weights[..., None]).sum(dim=1)
    torch.testing.assert_close(ours(hidden, MASK, PoolingContext()), expected)
