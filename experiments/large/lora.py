"""LoRA against fine-tuning and a frozen encoder: MiniLM on few rows of TREC, one command per regime.

python experiments/large/lora.py trec6/train.csv trec6/test.csv
"""

from __future__ import annotations

import sys

from poolsweep.cli import main

ROWS, SEEDS = 300, "0,1,2"
REGIMES = {
    "lora": ["encoder/adapter=lora", "optimizer.lr=2e-4,5e-4,1e-3"],
    "fine-tuned": ["optimizer.lr=5e-5"],
    "frozen": ["encoder.frozen=true"],
}

if __name__ == "__main__":
    train, test = sys.argv[1:]
    common = ["data=files", f"data.train={train}", f"data.test={test}", f"data.train_rows={ROWS}", "study=lora"]
    common += ["encoder=minilm", "pooling=masked_mean", "trainer.max_epochs=5", f"seed={SEEDS}"]
    for overrides in REGIMES.values():
        main(["train", "-m", *common, *overrides])
    main(["report", "lora"])
