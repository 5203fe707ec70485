"""With the weights of a BertForSequenceClassification the classifier is that model, to the bit."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from read_files import read_files
from torch import Tensor, nn
from transformers import BertConfig, BertForSequenceClassification

from poolsweep.data.batch import Batch
from poolsweep.data.reading import Reading
from poolsweep.data.token_rows import TokenRows
from poolsweep.data.tokenise import tokenise
from poolsweep.encoder import Encoder
from poolsweep.encoder.tiny import tiny
from poolsweep.head.linear import Linear
from poolsweep.model.classifier import Classifier
from poolsweep.model.split_metrics import SplitMetrics
from poolsweep.pooling import Pooling
from poolsweep.pooling.layers.single import Single
from poolsweep.pooling.tokens.pooler import Pooler
from poolsweep.postprocess.none import None_
from poolsweep.tasks import Classification
from poolsweep.tasks.labels import Labels

NUM_LABELS = 3


def reference_model(vocab_size: int = 50) -> BertForSequenceClassification:
    config = BertConfig(
        vocab_size=vocab_size, hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, num_labels=NUM_LABELS,
    )  # fmt: skip
    torch.manual_seed(5)
    model = BertForSequenceClassification(config)
    with torch.no_grad():  # larger weights, so that logits and gradients are far from zero
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def ours(reference: BertForSequenceClassification, *, gradient_checkpointing: bool = False) -> Classifier:
    """A classifier with preset ``pooler`` and a copy of the reference's weights."""
    config = reference.config
    copy = BertForSequenceClassification(config)
    copy.load_state_dict(reference.state_dict())
    encoder = Encoder(copy.bert, name="copy", gradient_checkpointing=gradient_checkpointing)
    layers = Single(index=-1, num_layers=config.num_hidden_layers, hidden_size=config.hidden_size)
    head = Linear(
        input_size=config.hidden_size, num_labels=NUM_LABELS, dropout=encoder.dropout,
        initializer_range=encoder.initializer_range,
    )  # fmt: skip
    head.classifier.load_state_dict(reference.classifier.state_dict())
    return Classifier(
        encoder=encoder,
        pooling=Pooling(layers=layers, tokens=Pooler(input_size=layers.output_size)),
        postprocess=None_(size=config.hidden_size),
        head=head,
        loss=nn.CrossEntropyLoss(),
        for_loss=lambda logits, targets: (logits, targets),
        metrics=partial(SplitMetrics, Classification(), Labels(("a", "b", "c")), ("accuracy",)),
    )


def random_batch() -> Batch:
    generator = torch.Generator().manual_seed(1)
    lengths = torch.tensor([9, 4, 6, 2])
    mask = torch.arange(9) < lengths[:, None]
    assert not mask.all(), "premise: some padding exists"
    ids = torch.randint(5, 50, mask.shape, generator=generator).masked_fill(~mask, 0)
    types = torch.randint(0, 2, mask.shape, generator=generator).masked_fill(~mask, 0)
    return Batch(torch.tensor([0, 2, 1, 2]), torch.arange(4), mask, ids, types)


def theirs(reference: BertForSequenceClassification, batch: Batch) -> tuple[Tensor, Tensor]:
    output = reference(
        input_ids=batch.input_ids, attention_mask=batch.mask.long(), token_type_ids=batch.token_type_ids,
        labels=batch.targets,
    )  # fmt: skip
    return output.logits, output.loss


def gradients(module: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad for name, p in module.named_parameters() if p.grad is not None}


def as_reference_name(name: str) -> str:
    name = name.removeprefix("head.").replace("encoder.model.", "bert.")
    return name.replace("encoder.pooler.", "bert.pooler.")


def assert_same_step(reference: BertForSequenceClassification, model: Classifier, batch: Batch) -> None:
    torch.manual_seed(3)
    their_logits, their_loss = theirs(reference, batch)
    their_loss.backward()
    torch.manual_seed(3)
    logits = model(batch)
    loss = model.loss(logits, batch.targets)
    loss.backward()
    assert torch.equal(logits, their_logits)
    assert torch.equal(loss, their_loss)
    found = {as_reference_name(name): grad for name, grad in gradients(model).items()}
    expected = gradients(reference)
    assert expected.keys() == found.keys()
    assert all(grad.abs().sum() > 0 for name, grad in expected.items() if "key.bias" not in name)
    for name, grad in expected.items():
        assert torch.equal(found[name], grad), name


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_logits_loss_and_gradients_equal_those_of_bert_for_sequence_classification(training: bool):
    reference = reference_model()
    model = ours(reference)
    reference.train(training)
    model.train(training)
    assert_same_step(reference, model, random_batch())


def test_in_bfloat16_logits_and_loss_are_float32():
    """Theirs are bfloat16; the logits are the same, and the loss is that of these logits, not rounded."""
    reference = reference_model().bfloat16().eval()
    batch, model = random_batch(), ours(reference).bfloat16().eval()
    their_logits, their_loss = theirs(reference, batch)
    logits = model(batch)
    assert (their_logits.dtype, their_loss.dtype) == (torch.bfloat16, torch.bfloat16), "premise: theirs are rounded"
    assert logits.dtype == torch.float32
    assert torch.equal(logits, their_logits.float())
    loss = model.loss_of(batch)
    assert torch.equal(loss, nn.functional.cross_entropy(their_logits.float(), batch.targets))
    assert loss.bfloat16() != loss, "premise: rounding would show"
    loss.backward()
    assert {grad.dtype for grad in gradients(model).values()} == {torch.bfloat16}


def test_dropout_makes_training_mode_differ_from_eval_mode():
    model = ours(reference_model())
    model.eval()
    without = model(random_batch())
    model.train()
    assert not torch.equal(model(random_batch()), without), "premise of the test above: dropout is on"


def test_gradient_checkpointing_changes_no_gradient():
    reference = reference_model()
    model = ours(reference, gradient_checkpointing=True)
    assert_same_step(reference.train(), model.train(), random_batch())


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_parity_through_the_batches_of_a_file(animals, training: bool):
    splits, labels = read_files(animals)
    tokenizer = tiny().tokenizer
    rows = TokenRows(
        tokenise(splits.train, tokenizer=tokenizer, reading=Reading(32)),
        targets=labels.encode(splits.train.column("label")),
        pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    batch = rows.__getitems__([3, 0, 20, 11])
    assert batch.input_ids is not None
    assert not batch.mask.all(), "premise: some padding exists"
    texts = [splits.train.rows[i]["text"] for i in (3, 0, 20, 11)]
    encoded = tokenizer(texts, padding=True, return_tensors="pt")
    assert torch.equal(batch.input_ids, encoded["input_ids"])
    assert torch.equal(batch.mask.long(), encoded["attention_mask"])
    reference = reference_model(vocab_size=len(tokenizer)).train(training)
    assert_same_step(reference, ours(reference).train(training), batch)


def test_the_penalty_of_a_pooling_is_added_to_the_loss(monkeypatch):
    model = ours(reference_model()).eval()
    batch = random_batch()
    plain = model.loss_of(batch)
    monkeypatch.setattr(model.pooling, "auxiliary_loss", lambda: torch.tensor(0.25))
    assert torch.allclose(model.loss_of(batch), plain + 0.25)
