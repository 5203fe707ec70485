"""Examples of every verb: they end its help, and stand in the reference. A test parses each."""

from __future__ import annotations

from typing import NamedTuple


class Example(NamedTuple):
    """One thing to type; the lines of ``command`` fit into 80 columns, each but the last ends with a backslash."""

    about: str
    command: str


EXAMPLES: dict[str, tuple[Example, ...]] = {
    "train": (
        Example("the embedded model and texts: nine poolings, five seeds", "poolsweep train -m experiment=demo"),
        Example(
            "a file of your own, a frozen encoder, four poolings, three seeds",
            "poolsweep train -m data=files data.train=reviews.csv data.text=review \\\n"
            "  data.label=stars encoder.frozen=true study=reviews \\\n"
            "  pooling=cls,pooler,masked_mean,last4_concat seed=0,1,2",
        ),
        Example("does it run at all? One run of a few batches", "poolsweep train trainer=debug pooling=masked_mean"),
        Example(
            "drop early what cannot be the best",
            "poolsweep train -m sweep=race encoder.frozen=true study=race \\\n"
            "  pooling=cls,max,masked_mean,last4_concat seed=0,1,2,3,4",
        ),
    ),
    "submit": (
        Example(
            "a sweep on the partition gpu; typed again, it sends what is missing",
            "poolsweep submit pooling=cls,masked_mean,last4_concat seed=0,1,2 \\\n"
            "  study=lab hydra.launcher.partition=gpu hydra.launcher.gpus=auto",
        ),
        Example(
            "the sbatch script alone",
            "poolsweep submit pooling=cls,masked_mean seed=0,1 study=lab \\\n  hydra.launcher.time=4:00:00 --dry-run",
        ),
    ),
    "status": (
        Example("all studies", "poolsweep status"),
        Example("one, until it has ended", "poolsweep status demo --watch"),
        Example("for a script: the exit status is 1 if a run failed", "poolsweep status demo --json"),
    ),
    "report": (
        Example("the leaderboard, and a page with charts", "poolsweep report demo"),
        Example(
            "by macro F1, differences to another pooling than cls",
            "poolsweep report demo --metric f1_macro --baseline masked_mean",
        ),
        Example("to show to others: no texts, another folder", "poolsweep report demo --out paper --no-texts"),
        Example("a study that was run on two machines", "poolsweep report reviews reviews-other"),
    ),
    "dashboard": (
        Example("in a browser on this machine", "poolsweep dashboard demo"),
        Example("any port that is free, and no texts", "poolsweep dashboard demo --port 0 --no-texts"),
    ),
    "refit": (
        Example("the pooling that is best on validation", "poolsweep refit demo"),
        Example("one that you chose, with the validation rows", "poolsweep refit demo:max --with-validation"),
    ),
    "evaluate": (
        Example("on a file with labels", "poolsweep evaluate demo --data new.csv"),
        Example(
            "columns of other names; every prediction too",
            "poolsweep evaluate demo:max --data new.csv --text review --label stars \\\n  --predictions scored.csv",
        ),
        Example("texts per second of every pooling, for the report", "poolsweep evaluate demo --speed"),
    ),
    "predict": (
        Example("a file, all its columns kept", "poolsweep predict demo --input new.csv --output labelled.csv"),
        Example("a sentence", 'echo "Fracture of left wrist" | poolsweep predict demo:max --input -'),
        Example(
            "the probability of every label",
            "poolsweep predict demo --input new.parquet --output labelled.parquet \\\n  --probabilities",
        ),
    ),
    "encode": (
        Example("with a refit", "poolsweep encode demo:max --input new.csv --output vectors.parquet"),
        Example(
            "without any training",
            "poolsweep encode --encoder minilm --pooling masked_mean --input new.csv \\\n  --output vectors.npy",
        ),
    ),
    "explain": (
        Example("what each token gave", 'poolsweep explain demo:max --text "Fracture of left wrist"'),
        Example(
            "a page of it, for one label",
            'poolsweep explain demo:max --text "Fracture of left wrist" --label 19 \\\n  --html wrist.html',
        ),
    ),
    "export": (
        Example(
            "vectors for sentence-transformers",
            "poolsweep export demo:max --to sentence-transformers --vectors \\\n  --output demo-vectors",
        ),
        Example("the classifier for ONNX Runtime", "poolsweep export demo:max --to onnx --output demo-onnx"),
        Example(
            "what would be sent to the hub; --yes sends it", "poolsweep export demo-vectors --push me/demo-vectors"
        ),
    ),
    "recommend": (
        Example("a frozen encoder and 500 labelled rows", "poolsweep recommend --frozen --rows 500"),
        Example("fine-tuning on 300 rows", "poolsweep recommend --fine-tuned --rows 300"),
        Example("all rules", "poolsweep recommend"),
    ),
    "poolings": (
        Example("with the sizes of MiniLM", "poolsweep poolings"),
        Example("with those of BERT-base", "poolsweep poolings --hidden-size 768 --num-layers 12"),
    ),
    "check": (
        Example("one of ours", "poolsweep check poolsweep.pooling.tokens.max.Max"),
        Example("one of yours, with an option", "poolsweep check my_package.MyPooling num_heads=4"),
    ),
    "sync": (
        Example("which offline runs would be sent", "poolsweep sync demo"),
        Example("send them", "poolsweep sync demo --yes"),
    ),
    "wandb-sweep": (
        Example("a grid", "poolsweep wandb-sweep pooling=cls,masked_mean seed=0,1,2 > sweep.yaml"),
        Example(
            "learning rates drawn from an interval",
            "poolsweep wandb-sweep --method bayes \\\n  'optimizer.lr=tag(log,interval(1e-5,1e-3))' > sweep.yaml",
        ),
    ),
    "init": (
        Example("a new folder", "poolsweep init my-project"),
        Example("the folder you are in", "poolsweep init"),
    ),
    "clean": (
        Example("what later runs would make again, and how much it is", "poolsweep clean"),
        Example("remove stored features and cached rows", "poolsweep clean --features --cache --yes"),
        Example("which runs have failed; --yes removes them", "poolsweep clean demo --runs failed,interrupted"),
    ),
    "env": (
        Example("to read, or to paste into a report of a fault", "poolsweep env"),
        Example("for programs", "poolsweep env --json"),
    ),
}


def examples(verb: str) -> str:
    """The section that ends a verb's help."""
    told = [f"  # {one.about}\n  " + one.command.replace("\n", "\n  ") for one in EXAMPLES[verb]]
    return "\n".join(["examples:", *told]) + "\n"
