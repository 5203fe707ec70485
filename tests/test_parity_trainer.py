"""A whole training run, step for step, against transformers' Trainer at equal hyperparameters."""

from __future__ import annotations

import csv

import pytest
import torch
from hydra import compose, initialize_config_dir
from torch.utils.data import SequentialSampler
from transformers import BertForSequenceClassification, Trainer, TrainingArguments

from poolsweep.conf_dir import conf_dir
from poolsweep.config import resolve
from poolsweep.data.sampler import EpochSampler
from poolsweep.process.warning_filters import quiet_third_parties
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.status import StatusFile
from poolsweep.training.build import build
from poolsweep.training.job import checked

RATE, DECAY, BATCH = 1e-3, 0.1, 8
KINDS = {"third": 3, "fourth": 4, "every": 1}


class InOrder(Trainer):
    """transformers' Trainer over rows that are in training order already."""

    def _get_train_sampler(self, train_dataset=None):
        return SequentialSampler(train_dataset if train_dataset is not None else self.train_dataset)


LABELS = {
    "classification": ("single_label_classification", lambda i: i % 3 == 0),
    "multilabel": ("multi_label_classification", lambda i: "|".join(n for n, k in KINDS.items() if i % k == 0)),
    "regression": ("regression", lambda i: i % 7 + i % 3 / 10),
}  # fmt: skip


@pytest.mark.parametrize("task", LABELS)
def test_weights_after_training_are_those_of_transformers_trainer(tmp_path, task):
    problem, label = LABELS[task]
    with (tmp_path / "train.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows([f"{'good' if i % 3 else 'bad'} thing {i}" + " x" * (i % 7), label(i)] for i in range(150))
    overrides = [
        "encoder=tiny", "encoder.dropout=0", "data=files", f"data.train={tmp_path / 'train.csv'}", "pooling=pooler",
        f"data.batch_size={BATCH}", f"optimizer.lr={RATE}", f"optimizer.head_lr={RATE}", "callbacks=none",
        f"optimizer.weight_decay={DECAY}", "trainer.max_epochs=1", f"output_root={tmp_path / 'outputs'}",
    ]  # fmt: skip
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        content = resolve(compose("train", overrides=[f"task={task}", *overrides]))
        prepared = checked(content)
    folder = RunFolder(tmp_path / "run")
    run = build(
        content, prepared, folder=folder, run_id="r", status=StatusFile(folder, name="r", run_id="r", lock=None)
    )
    encoder = run.classifier.encoder
    assert encoder is not None
    assert run.classifier.head.dropout.p == 0, "premise: the two draw random numbers in different order"

    config = encoder.model.config
    config.num_labels, config.problem_type = run.classifier.head.classifier.out_features, problem
    peer = BertForSequenceClassification(config)
    peer.bert.load_state_dict(encoder.model.state_dict(), strict=False)
    peer.bert.pooler.load_state_dict(encoder.pooler.state_dict())
    peer.classifier.load_state_dict(run.classifier.head.classifier.state_dict())
    before = peer.classifier.weight.detach().clone()

    rows = run.data.rows["train"]
    batches = [rows.__getitems__([i]) for i in EpochSampler(len(rows), seed=content.data_seed)]
    targets = torch.cat([b.targets for b in batches])
    wanted = run.classifier.for_loss(torch.zeros(len(targets), config.num_labels), targets)[1]
    wanted = wanted if task == "classification" else wanted.float()
    dataset = [
        {"input_ids": b.input_ids[0], "token_type_ids": b.token_type_ids[0], "labels": one}
        for b, one in zip(batches, wanted, strict=True)
    ]
    steps = -(-len(rows) // BATCH)
    arguments = TrainingArguments(
        tmp_path / "peer", num_train_epochs=1, per_device_train_batch_size=BATCH, learning_rate=RATE,
        weight_decay=DECAY, warmup_steps=-(-steps // 10), lr_scheduler_type="linear", max_grad_norm=1.0,
        report_to="none", save_strategy="no", disable_tqdm=True, use_cpu=True, logging_strategy="no",
        dataloader_pin_memory=False,
    )  # fmt: skip
    InOrder(peer, arguments, train_dataset=dataset, processing_class=prepared.loaded.tokenizer).train()
    quiet_third_parties()
    run.trainer.fit(run.classifier, datamodule=run.data)

    assert steps > 10, "premise: warm-up and decay both take place"
    assert run.trainer.global_step == steps
    assert (peer.classifier.weight - before).abs().max() > 3e-3, "premise: training changed the weights"
    torch.testing.assert_close(run.classifier.head.classifier.weight, peer.classifier.weight, atol=1e-5, rtol=1e-4)
    for name, found in encoder.model.named_parameters():
        torch.testing.assert_close(
            found, peer.bert.get_parameter(name), atol=1e-5, rtol=1e-4, msg=lambda m, n=name: f"{n}: {m}"
        )
