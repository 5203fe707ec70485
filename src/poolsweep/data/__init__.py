"""From files to batches: sources, checks, the label contract, tokenisation, shuffling."""

from poolsweep.data.batch import Batch
from poolsweep.data.datamodule import DataModule
from poolsweep.data.splits import Split, Splits

__all__ = ["Batch", "DataModule", "Split", "Splits"]
