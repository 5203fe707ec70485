"""The idea of poolsweep on one screen, without its command line and Hydra: python examples/minimal.py

Texts → encoder → hidden states → pooling → one vector → head → logits, trained by Lightning, once for each pooling.
"""

import pytorch_lightning as pl
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from poolsweep.data.sources.icd10 import Icd10
from poolsweep.encoder.minilm import minilm
from poolsweep.pooling import preset


class Classifier(pl.LightningModule):
    """A frozen encoder, a pooling, and a linear head that is trained."""

    def __init__(self, encoder, pooling, *, num_labels):
        super().__init__()
        self.encoder, self.pooling = encoder, pooling
        self.head = nn.Linear(pooling.output_size, num_labels)

    def forward(self, batch):
        mask = batch["attention_mask"].bool()
        output = self.encoder(batch["input_ids"], mask, layers=self.pooling.layers_needed)  # no layer that nobody reads
        return self.head(self.pooling(output.hidden, mask))

    def training_step(self, batch, index):
        return F.cross_entropy(self(batch), batch["labels"])

    def test_step(self, batch, index):
        correct = self(batch).argmax(dim=1) == batch["labels"]
        self.log("accuracy", correct.float().mean(), batch_size=len(correct))

    def configure_optimizers(self):
        return torch.optim.AdamW([*self.pooling.parameters(), *self.head.parameters()], lr=1e-2)


def main(every=24):
    """Train and test each pooling; a larger ``every`` leaves fewer rows of the embedded data set."""
    loaded, splits = minilm(frozen=True), Icd10(split_seed=0).read()
    names = sorted(set(splits.train.rows["label"]))

    def collate(rows):
        batch = loaded.tokenizer([row["text"] for row in rows], padding=True, truncation=True, return_tensors="pt")
        return {**batch, "labels": torch.tensor([names.index(row["label"]) for row in rows])}

    def loader(split, **options):
        rows = split.rows.select(range(0, len(split), every))
        return DataLoader(rows, batch_size=32, collate_fn=collate, **options)

    for name in ("cls", "masked_mean", "last4_concat"):
        pl.seed_everything(0, verbose=False)
        model = Classifier(loaded.encoder, preset(name, loaded.encoder.model.config), num_labels=len(names))
        trainer = pl.Trainer(max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False)
        trainer.fit(model, loader(splits.train, shuffle=True))
        [found] = trainer.test(model, loader(splits.test), verbose=False)
        print(f"{name}: accuracy {found['accuracy']:.3f}")


if __name__ == "__main__":
    main()
