"""A csv file to a csv file of predictions, against transformers' pipeline and sentence-transformers with a head."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer
from timing import compare, matrix_rate, seconds, useful_flops
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

from poolsweep.cli import main
from poolsweep.data.sources.icd10 import Icd10
from poolsweep.encoder.minilm import embedded_folder
from poolsweep.predict.command import RowOptions, encode_rows, predict_rows
from poolsweep.predict.load import load_model
from poolsweep.predict.model import VectorModel
from poolsweep.predict.run_model import RunModel
from poolsweep.terminal.console import Console

_LABELS = ("no", "yes")


def predicting(data: str | None, *, rows: int) -> None:
    """Print both verbs against peers that read the same texts; loading a model is not counted.

    Args:
        data: Path of a csv file with a column ``text``, or None for icd10.
        rows: Texts in each repeat.
    """
    import torch

    texts = _texts(data)
    texts = (texts * (rows // len(texts) + 1))[:rows]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _write(root / "in.csv", [[text] for text in texts])
        model = _trained(root, texts)
        peer = SentenceTransformer(str(embedded_folder()), device="cpu")
        peer.max_seq_length = model.reads.max_length
        head = model.run.classifier

        def encode_and_head() -> None:
            vectors = peer.encode(texts, batch_size=64, show_progress_bar=False, convert_to_tensor=True)
            with torch.inference_mode():
                head.logits(vectors).softmax(dim=-1).numpy()

        ours = {"poolsweep": lambda: seconds(lambda: _predict(model, root))}
        peers = {
            "pipeline, batch 64": lambda: seconds(lambda: _pipeline(texts)),
            "sentence-transformers, head": lambda: seconds(encode_and_head),
        }
        lengths = [len(ids) for ids in model.run.loaded.tokenizer(texts, truncation=True)["input_ids"]]
        rate, flops = matrix_rate(torch.float32), useful_flops(lengths)
        compare({**ours, **peers}, examples=rows, flops=flops).say("csv to predictions", rate=rate)
        ours = {"poolsweep": lambda: seconds(lambda: _encode(model, root))}
        peers = {"sentence-transformers": lambda: seconds(lambda: np.save(root / "peer.npy", _vectors(peer, texts)))}
        compare({**ours, **peers}, examples=rows, flops=flops).say("csv to vectors", rate=rate)


def _texts(data: str | None) -> list[str]:
    if data is None:
        return list(Icd10(split_seed=0).read().train.rows["text"])
    path = Path(data) / "train.csv" if Path(data).is_dir() else Path(data)
    with path.open(newline="", encoding="utf-8") as file:
        return [row["text"] for row in csv.DictReader(file) if row["text"].strip()]


def _trained(root: Path, texts: list[str]) -> RunModel:
    """A linear probe on a mean of MiniLM; what it has learnt does not matter here."""
    _write(root / "train.csv", [[text, _LABELS[i % 2]] for i, text in enumerate(dict.fromkeys(texts[:200]))])
    given = ["data=files", f"data.train={root / 'train.csv'}", "encoder=minilm", "encoder.frozen=true"]
    given += ["trainer=probe", "pooling=masked_mean", f"output_root={root}", "study=speed"]
    assert main(["train", *given]) == 0
    [run] = [path.parent for path in (root / "speed").glob("*/result.json")]
    model = load_model(run, device="cpu")
    assert isinstance(model, RunModel)
    return model


def _write(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["text", "label"][: len(rows[0])], *rows])


def _predict(model: RunModel, root: Path) -> None:
    task = RowOptions(input=str(root / "in.csv"), output=_fresh(root / "out.csv"))
    predict_rows(model, task, all_outputs=True, console=Console(file=io.StringIO()))


def _encode(model: VectorModel, root: Path) -> None:
    task = RowOptions(input=str(root / "in.csv"), output=_fresh(root / "out.npy"))
    encode_rows(model, task, console=Console(file=io.StringIO()))


def _fresh(path: Path) -> Path:
    path.unlink(missing_ok=True)
    return path


_made: list = []


def _pipeline(texts: list[str]) -> None:
    if not _made:
        folder = embedded_folder()
        model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(_LABELS))
        tokenizer = AutoTokenizer.from_pretrained(folder)
        _made.append(pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu", top_k=None))
    _made[0](texts, batch_size=64, truncation=True)


def _vectors(peer: SentenceTransformer, texts: list[str]) -> np.ndarray:
    return peer.encode(texts, batch_size=64, show_progress_bar=False)
