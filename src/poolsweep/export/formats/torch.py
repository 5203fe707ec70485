"""torch: safetensors and one readable Python file, for whoever wants to see all of it, or to take it apart."""

from __future__ import annotations

import copy
from pathlib import Path

from poolsweep.export.encoder import plain_encoder, plain_tokenizer, prefix_objection
from poolsweep.export.format import Format, Wanted, Written
from poolsweep.export.formats.code import labels_of, read_out, require_plain, source_with_encoder, write_weights
from poolsweep.export.pooling_source import readout_of
from poolsweep.tasks import Readout
from poolsweep.training.load import LoadedRun

_IMPORTS = """\
import sys
from pathlib import Path

from safetensors.torch import load_file
from transformers import AutoConfig, AutoModel, AutoTokenizer
"""
_CODE = '''
class TextModel(nn.Module):
    """An encoder with its tokenizer, a pooling and{a_head} the weights that they were trained to have.

    Args:
        folder: The folder that this file lies in.
    """

    def __init__(self, folder):
        super().__init__()
        config = AutoConfig.from_pretrained(folder)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.encoder = make_encoder(config)
        self.pool = TextPooling()
{head}        self.load_state_dict(load_file(Path(folder) / "model.safetensors"))
        self.eval()

    def forward(self, input_ids, attention_mask=None, token_type_ids=None):
        """{forward}"""
        vectors, _ = encode_and_pool(self.encoder, self.pool, input_ids, attention_mask, token_type_ids)
        return {returned}

    def tokenise(self, texts, pairs=None):
        """Texts, or pairs of them, as the tensors that ``forward`` takes."""
        device = next(self.parameters()).device
        return self.tokenizer(texts, pairs, truncation=True, padding=True, return_tensors="pt").to(device)

    @torch.inference_mode()
    def encode(self, texts, pairs=None):
        """The vector of each text; (B, {size})."""
        return encode_and_pool(self.encoder, self.pool, **self.tokenise(texts, pairs))[0]
{predictions}

def load(folder=Path(__file__).parent):
    """The model, ready to read texts."""
    return TextModel(folder)


if __name__ == "__main__":
{main}
'''
_HEAD = """\
        self.labels = [config.id2label[i] for i in range(config.num_labels)]
        self.head = nn.Linear(TextPooling.output_size, len(self.labels))
"""
_HEAD_OF_MARKS = f"""{_HEAD}\
        self.thresholds = torch.tensor(config.thresholds)
"""
_PROBABILITIES = '''
    @torch.inference_mode()
    def probabilities(self, texts, pairs=None):
        """The probability of each of ``labels``; (B, C)."""
        logits = self(**self.tokenise(texts, pairs))
        return {outputs}
'''
_ONE_LABEL = (
    _PROBABILITIES
    + '''
    def predict(self, texts, pairs=None):
        """The label of each text."""
        return [self.labels[i] for i in self.probabilities(texts, pairs).argmax(dim=-1).tolist()]
'''
)
_MARKS = (
    _PROBABILITIES
    + '''
    def predict(self, texts, pairs=None):
        """The labels of each text: those whose probability reaches their threshold."""
        marks = self.probabilities(texts, pairs).cpu() >= self.thresholds
        return [[label for label, mark in zip(self.labels, row) if mark] for row in marks.tolist()]
'''
)
_SCORES = '''
    @torch.inference_mode()
    def scores(self, texts, pairs=None):
        """The score of each text, in the units of the training data; (B, 1)."""
        logits = self(**self.tokenise(texts, pairs))
        return {outputs}

    def predict(self, texts, pairs=None):
        """The score of each text."""
        return self.scores(texts, pairs)[:, 0].tolist()
'''
_MAIN_OF_PREDICTIONS = """\
    for text, found in zip(sys.argv[1:], load().predict(sys.argv[1:])):
        print(f"{found}\\t{text}")"""
_MAIN_OF_VECTORS = """\
    print(load().encode(sys.argv[1:]))"""


class Torch(Format):
    """``model.py`` and its weights; needs torch, transformers and safetensors."""

    name = "torch"
    proof = "torch"

    def gives_outputs(self, readout: Readout) -> bool:
        """Always: it has a method for them."""
        return True

    def usage(self, run: LoadedRun, wanted: Wanted) -> str:
        """Loading the file beside the weights."""
        call = "encode" if wanted.vectors else "predict"
        return f'import sys; sys.path.insert(0, "FOLDER")\nfrom model import load\nload().{call}(["a text"])'

    @property
    def library(self) -> str:
        """The hub's word for torch."""
        return "pytorch"

    def objection(self, run: LoadedRun, wanted: Wanted) -> str | None:
        """Encoders with code of their own, and int8."""
        return "--int8 goes with --to onnx" if wanted.int8 else require_plain(run) or prefix_objection(run)

    def write(self, run: LoadedRun, folder: Path, wanted: Wanted) -> Written:
        """Write code, weights, tokenizer, and the encoder's config with the labels."""
        encoder = plain_encoder(run)
        plain_tokenizer(run).save_pretrained(folder)
        config = copy.deepcopy(encoder.config)
        for name, value in ({} if wanted.vectors else labels_of(run)).items():
            setattr(config, name, value)
        config.save_pretrained(folder)
        code = _code(run, vectors=wanted.vectors)
        (folder / "model.py").write_text(
            source_with_encoder(run, encoder, imports=_IMPORTS, code=code), encoding="utf-8"
        )
        return write_weights(run, encoder, folder, wanted)


def _code(run: LoadedRun, *, vectors: bool) -> str:
    size = run.classifier.pooling.output_size
    if vectors:
        return _CODE.format(
            size=size, a_head="", head="", forward="The vectors of a batch.", returned="vectors", predictions="",
            main=_MAIN_OF_VECTORS,
        )  # fmt: skip
    marks = bool(readout_of(run).thresholds)
    predictions = _MARKS if marks else _ONE_LABEL if run.config.task.has_labels else _SCORES
    return _CODE.format(
        size=size, a_head=" a linear head, with", head=_HEAD_OF_MARKS if marks else _HEAD,
        forward="The logits of a batch; (B, C).", returned="self.head(vectors)",
        predictions=predictions.format(outputs=read_out(run, "logits")), main=_MAIN_OF_PREDICTIONS,
    )  # fmt: skip
