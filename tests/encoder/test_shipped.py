"""A folder of sentence-transformers gives by ``pooling=own`` what the library makes of it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer
from torch import nn

from poolsweep.encoder.folder import folder_hashes
from poolsweep.encoder.hub import hub
from poolsweep.encoder.minilm import embedded_folder
from poolsweep.encoder.shipped import read_shipped
from poolsweep.encoder.tiny import tiny
from poolsweep.errors import UserError

TEXTS = ["meow", "a woof, and a longer text that is padded", "☺", "xyz 12 " * 12]
PROMPTS = {"query": "query: ", "passage": "of a text: "}
SIZE = 16
Save = Callable[..., Path]

CHAINS: dict[str, tuple[Any, Callable[[], list[nn.Module]]]] = {
    "cls": ("cls", list),
    "max": ("max", list),
    "mean": ("mean", list),
    "mean_sqrt_len": ("mean_sqrt_len_tokens", lambda: [Normalize()]),
    "weightedmean": ("weightedmean", lambda: [Dense(SIZE, 6)]),
    "lasttoken": ("lasttoken", lambda: [Dense(SIZE, SIZE, activation_function=nn.GELU(), use_residual=True)]),
    "several": (
        ("cls", "mean", "max"),
        lambda: [Dense(3 * SIZE, 9, bias=False, activation_function=nn.Identity(), use_residual=True), Normalize()],
    ),
    "chain": ("mean", lambda: [Normalize(), Dense(SIZE, 8), Dense(8, 4, activation_function=nn.ReLU()), Normalize()]),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder in a folder."""
    folder = tmp_path_factory.mktemp("base") / "base"
    loaded = tiny(hidden_size=SIZE, num_layers=2, max_length=64)
    loaded.encoder.model.save_pretrained(folder)
    loaded.tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def save(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Save:
    """Save a model by the library itself."""

    def make(name: str, *, include_prompt: bool = True, length: int = 24, **told: Any) -> Path:
        folder = tmp_path_factory.mktemp("st") / name
        modes, behind = CHAINS[name]
        torch.manual_seed(0)
        modules = [Transformer(str(base)), Pooling(SIZE, modes, include_prompt=include_prompt), *behind()]
        model = SentenceTransformer(modules=modules, device="cpu", **told)
        model.max_seq_length = length
        model.save(str(folder))
        return folder

    return make


def theirs(folder: Path, texts: Sequence[str] = TEXTS) -> np.ndarray:
    return np.asarray(SentenceTransformer(str(folder), device="cpu").encode(list(texts)))


@pytest.fixture
def ours(cli, tmp_path: Path) -> Callable[..., np.ndarray]:
    """What ``poolsweep encode`` writes."""

    def encode(encoder: Path | str, *options: str, pooling: str = "own", texts: Sequence[str] = TEXTS) -> np.ndarray:
        source, output = tmp_path / "texts.jsonl", tmp_path / "vectors.npy"
        source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
        output.unlink(missing_ok=True)
        typed = ["--encoder", str(encoder), "--pooling", pooling, "--input", str(source), "--output", str(output)]
        done = cli("encode", *typed, *options)
        assert done.status == 0, done.err
        return np.load(output)

    return encode


@pytest.mark.parametrize("name", CHAINS)
def test_own_is_what_the_library_gives(name: str, save: Save, ours: Callable[..., np.ndarray]) -> None:
    folder = save(name)
    found = ours(folder)
    np.testing.assert_allclose(found, theirs(folder), atol=1e-5)
    if name != "mean":
        mean = ours(folder, pooling="masked_mean")
        assert mean.shape != found.shape or not np.allclose(mean, found, atol=1e-3), "premise"


@pytest.mark.parametrize(
    ("name", "include_prompt"), [("several", True), ("several", False), ("weightedmean", False), ("lasttoken", False)]
)
def test_prompts_are_the_folder_s(name: str, include_prompt: bool, save: Save, ours: Callable[..., np.ndarray]) -> None:
    folder = save(name, include_prompt=include_prompt, prompts=PROMPTS, default_prompt_name="query")
    model = SentenceTransformer(str(folder), device="cpu")
    found, passage = ours(folder), model.encode(TEXTS, prompt_name="passage")
    np.testing.assert_allclose(found, model.encode(TEXTS), atol=1e-5)
    np.testing.assert_allclose(ours(folder, "--prompt", "passage"), passage, atol=1e-5)
    np.testing.assert_allclose(ours(folder, "--text-prefix", ""), model.encode(TEXTS, prompt=""), atol=1e-5)
    assert not np.allclose(passage, found, atol=1e-3), "premise"
    other = ours(folder, "--pool-prefix", "false" if include_prompt else "true")
    assert np.allclose(other, found, atol=1e-5) == (name == "lasttoken")


@pytest.mark.parametrize("own", ["library", "package"])
def test_minilm(own: str, tmp_path: Path, ours: Callable[..., np.ndarray]) -> None:
    folder = embedded_folder()  # of version 2, with the keys of that time
    if own == "library":
        SentenceTransformer(str(folder), device="cpu").save(str(tmp_path / "minilm"))
        folder = tmp_path / "minilm"
    texts = [*TEXTS, "A longer text about cats. " * 60]
    found = ours(folder, texts=texts)
    np.testing.assert_allclose(found, theirs(folder, texts), atol=1e-5)
    if own == "library":
        assert not np.allclose(found[-1], ours(folder, "--max-length", "300", texts=texts)[-1], atol=1e-4), "premise"


def test_every_pooling_of_a_folder_reads_texts_of_its_length(save: Save, ours: Callable[..., np.ndarray]) -> None:
    folder = save("chain")
    short = ours(folder, "--max-length", "24", pooling="cls")
    np.testing.assert_array_equal(ours(folder, pooling="cls"), short)
    assert not np.allclose(short, ours(folder, "--max-length", "60", pooling="cls"), atol=1e-3), "premise: one is cut"


def test_old_keys_of_a_pooling(save: Save, ours: Callable[..., np.ndarray]) -> None:
    folder = save("several")
    keys = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens")
    old = {"word_embedding_dimension": SIZE} | {f"pooling_mode_{key}": key in keys[:3] for key in keys}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(old))
    modules = json.loads((folder / "modules.json").read_text())
    for module in modules:
        module["type"] = f"sentence_transformers.models.{module['type'].rpartition('.')[2]}"
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 16, "do_lower_case": False}))
    found = read_shipped(folder)
    assert found is not None
    assert found.modes == ("cls", "max", "mean"), "the order in which they have always been concatenated"
    np.testing.assert_allclose(ours(folder), theirs(folder), atol=1e-5)


def test_texts_are_brought_to_lower_case_where_the_folder_says_so(save: Save, ours: Callable[..., np.ndarray]) -> None:
    folder = save("mean")
    backend = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    backend["normalizer"] = {"type": "NFC"}
    (folder / "tokenizer.json").write_text(json.dumps(backend), encoding="utf-8")
    cased = ours(folder, texts=["MEOW"])
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 24, "do_lower_case": True}))
    lower = ours(folder, texts=["MEOW"])
    np.testing.assert_allclose(lower, theirs(folder, ["MEOW"]), atol=1e-5)
    assert not np.allclose(cased, lower, atol=1e-3), "premise"


def test_what_lies_beside_the_encoder_tells_folders_apart(save: Save) -> None:
    folder = save("weightedmean")
    before = folder_hashes(folder)
    assert {"1_Pooling/config.json", "2_Dense/model.safetensors"} <= before.keys()
    path = folder / "2_Dense" / "model.safetensors"
    save_file({name: tensor + 1 for name, tensor in load_file(path).items()}, path)
    assert folder_hashes(folder) != before


def _module(folder: Path, place: int, **changed: str) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    modules[place] |= changed
    (folder / "modules.json").write_text(json.dumps(modules))


def _config(folder: Path, name: str, **changed: object) -> None:
    path = folder / name / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


def _reads(folder: Path, modality: object) -> None:
    path = folder / "sentence_bert_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"modality_config": modality}))


def _pickled(folder: Path) -> None:
    (folder / "2_Dense" / "model.safetensors").rename(folder / "2_Dense" / "pytorch_model.bin")


def _told(folder: Path, **changed: object) -> None:
    path = folder / "config_sentence_transformers.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ({"prompts": ["query: "]}, "must be texts by name"),
        ({"prompts": {"query": 3}}, "must be texts by name"),
        ({"default_prompt_name": "other"}, "default_prompt_name 'other' in config_sentence_transformers.json is no"),
    ],
)  # fmt: skip
def test_prompts_that_make_no_sense_are_named(told: dict, problem: str, save: Save, tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(save("mean"), folder)
    _told(folder, **told)
    with pytest.raises(UserError, match=re.escape(problem)):
        read_shipped(folder)


REFUSED = {
    "code": (lambda folder: _module(folder, 1, type="mine.Pooling"), "its module mine.Pooling is code of its own"),
    "unknown module": (
        lambda folder: _module(folder, 2, type="sentence_transformers.models.LSTM"),
        "its modules are Transformer, Pooling, LSTM; Transformer, Pooling, Dense and Normalize are read",
    ),
    "outside": (lambda folder: _module(folder, 2, path="../elsewhere"), "a path in the folder"),
    "pickle": (_pickled, "only a pickle, which may run code"),
    "activation": (
        lambda folder: _config(folder, "2_Dense", activation_function="os.system"),
        "its Dense has the activation os.system",
    ),
    "mode": (lambda folder: _config(folder, "1_Pooling", pooling_mode="median"), "its pooling_mode is 'median'"),
    "states": (
        lambda folder: _reads(folder, {"text": {"method": "forward", "method_output_name": ["hidden_states", 1]}}),
        "its pooling reads ['hidden_states', 1] of the encoder",
    ),
    "another modality": (
        lambda folder: _reads(folder, {"image": {}}),
        "its pooling reads {'image': {}} of the encoder",
    ),
    "modality": (lambda folder: _reads(folder, [3]), "its pooling reads [3] of the encoder"),
    "input": (
        lambda folder: _config(folder, "2_Dense", module_input_name="token_embeddings"),
        "its Dense reads token_embeddings",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_modules_that_cannot_be_read_keep_own_alone_from_being_used(case: str, save: Save, cli, tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(save("weightedmean"), folder)
    change, reason = REFUSED[case]
    change(folder)
    typed = ["--encoder", str(folder), "--input", "-", "--output", str(tmp_path / "v.npy")]
    refused = cli("encode", *typed, "--pooling", "own")
    assert refused.status == 2
    [problem] = refused.problems
    assert problem.startswith("pooling=own is that of a sentence-transformers folder, and changed has one that cannot ")
    assert reason in problem
    hub(model=str(folder), frozen=True)  # for any other pooling


def test_a_damaged_list_of_modules_is_named(save: Save, cli, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(save("mean"), folder)
    (folder / "modules.json").write_text("{")
    refused = cli("encode", "--encoder", str(folder), "--pooling", "cls", "--input", "-", "--output", "v.npy")
    assert refused.status == 2
    [problem] = refused.problems
    assert problem.startswith(f"{folder / 'modules.json'} cannot be read")


def test_prompts_that_there_are_not(save: Save, cli) -> None:
    folder = save("cls", prompts=PROMPTS)
    typed = ["--pooling", "cls", "--input", "-", "--output", "v.npy"]
    refused = cli("encode", "--encoder", str(folder), *typed, "--prompt", "querry")
    assert refused.problems == ["cls has no prompt 'querry'; did you mean query?"]
    refused = cli("encode", "--encoder", "tiny", *typed, "--prompt", "query")
    assert refused.problems == ["tiny has no prompt 'query'; a prefix says one: encoder.prefix='…'"]
    refused = cli("encode", "--encoder", str(folder), *typed, "--prompt", "query", "--text-prefix", "x")
    assert refused.problems == ["prefix and prompt of an encoder are two ways to say one thing; give one of them"]
    refused = cli("encode", "some/run", "--input", "-", "--output", "v.npy", "--prompt", "query")
    assert refused.problems == ["--prompt, --text-prefix and --pool-prefix go with --encoder; a run has its own"]


def test_a_model_of_the_hub_is_read_through_its_cache(save: Save, ours: Callable[..., np.ndarray]) -> None:
    from huggingface_hub.constants import HF_HUB_CACHE

    folder = save("chain", prompts=PROMPTS, default_prompt_name="query")
    place, commit = Path(HF_HUB_CACHE) / "models--mine--chain", "0" * 40
    shutil.copytree(folder, place / "snapshots" / commit)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(commit)
    try:
        np.testing.assert_allclose(ours("mine/chain"), theirs(folder), atol=1e-5)
    finally:
        shutil.rmtree(place)


def test_a_prefix_that_leaves_no_room_is_refused(cli) -> None:
    typed = ["--encoder", "tiny", "--pooling", "cls", "--input", "-", "--output", "v.npy", "--max-length", "8"]
    refused = cli("encode", *typed, "--text-prefix", "a long one")
    assert refused.problems == ["data.max_length must be above the 10 tokens of the prefix, got 8"]
