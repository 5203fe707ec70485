"""The same rows for poolsweep and for its peers."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir
from torch.utils.data import Dataset
from transformers import BertForSequenceClassification, Trainer, TrainingArguments, set_seed

from poolsweep.conf_dir import conf_dir
from poolsweep.config import RunConfig, resolve
from poolsweep.data import Split
from poolsweep.encoder.minilm import embedded_folder
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.status import StatusFile
from poolsweep.training.build import build
from poolsweep.training.fit import TrainingRun
from poolsweep.training.job import checked
from poolsweep.training.prepare import Prepared

BATCH, LENGTH = 32, 128


@dataclass(frozen=True)
class Work:
    """A config with what it reads, cut to a few rows.

    Attributes:
        config: Its own.
        prepared: The first rows of each split.
        root: Where runs write.
    """

    config: RunConfig
    prepared: Prepared
    root: Path

    def made(self) -> tuple[TrainingRun, RunFolder]:
        """A run, ready to train."""
        folder = RunFolder(Path(tempfile.mkdtemp(dir=self.root)))
        status = StatusFile(folder, name="bench", run_id="bench", lock=None)
        run = build(self.config, self.prepared, folder=folder, run_id="bench", status=status)
        assert isinstance(run, TrainingRun)
        return run, folder


def work(data: str | None, *overrides: str, rows: int, root: Path) -> Work:
    """Compose a run over the first ``rows`` shuffled rows of a csv file, or of icd10.

    Args:
        data: A csv file with the columns text and label, or a folder with train.csv and others.
        overrides: As typed.
        rows: Of each split, at most.
        root: Where runs write.
    """
    files = [] if data is None else files_of(data)
    fixed = [
        "task=classification",
        f"data.batch_size={BATCH}",
        f"data.max_length={LENGTH}",
        "callbacks=none",
        f"output_root={root}",
    ]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        config = resolve(compose("train", overrides=[*files, *fixed, *overrides]))
        prepared = checked(config)
    splits = prepared.splits
    cut = replace(splits, **{split.name: _first(split, rows) for split in splits})
    return Work(config, replace(prepared, splits=cut), root)


def files_of(data: str) -> list[str]:
    """The overrides that read a csv file, or the files of a folder."""
    path = Path(data)
    if not path.is_dir():
        return ["data=files", f"data.train={path}"]
    found = [
        f"data.{name}={path / name}.csv" for name in ("train", "validation", "test") if (path / f"{name}.csv").exists()
    ]
    return ["data=files", *found]


def _first(split: Split, rows: int) -> Split:
    chosen = torch.randperm(len(split), generator=torch.Generator().manual_seed(0))[:rows].numpy()
    return Split(split.name, split.origin, split.rows.select(chosen), split.row_ids[chosen])


class Encoded(Dataset):
    """A split as transformers' Trainer reads it."""

    def __init__(self, prepared: Prepared, split: Split) -> None:
        texts = list(split.rows["text"])
        self.columns = prepared.loaded.tokenizer(texts, truncation=True, max_length=LENGTH)
        self.labels = prepared.contract.encode(split.column("label")).tolist()

    @property
    def lengths(self) -> list[int]:
        """Tokens of each text."""
        return [len(ids) for ids in self.columns["input_ids"]]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, object]:
        return {**{name: column[index] for name, column in self.columns.items()}, "labels": self.labels[index]}


def trainer(made: Work, train: Encoded, *, bf16: bool, by_length: bool) -> Trainer:
    """transformers' Trainer with dynamic padding at the run's hyperparameters, over MiniLM with a fresh head."""
    set_seed(0)
    labels, rates = len(made.prepared.contract), made.config.optimizer
    model = BertForSequenceClassification.from_pretrained(embedded_folder(), num_labels=labels, dtype=torch.float32)
    arguments = TrainingArguments(
        str(made.root / "trainer"), num_train_epochs=1, per_device_train_batch_size=BATCH,
        per_device_eval_batch_size=made.config.loading.eval_batch_size or BATCH, learning_rate=rates["lr"],
        weight_decay=rates["weight_decay"], warmup_steps=0.1, lr_scheduler_type="linear", max_grad_norm=1.0,
        report_to="none", save_strategy="no", disable_tqdm=True, logging_strategy="no", dataloader_pin_memory=False,
        use_cpu=not torch.cuda.is_available(), bf16=bf16,
        train_sampling_strategy="group_by_length" if by_length else "random",
    )  # fmt: skip
    return Trainer(model, arguments, train_dataset=train, processing_class=made.prepared.loaded.tokenizer)
