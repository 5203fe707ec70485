"""A stranger's folder can do nothing but be read: every verb that reads one, with sockets refused and a canary."""

from __future__ import annotations

import contextlib
import csv
import json
import math
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from poolsweep.runs.records import fingerprints, write_result

PROBE = ["encoder.frozen=true", "trainer=probe", "pooling=masked_mean"]
ESCAPES = "\x1b[2J\x1b]0;evil\x07\x9b31m"
HTML = "<script>fetch('http://evil.example')</script><img src=x onerror=alert(1)>"
FORMULA = '=HYPERLINK("http://evil.example")'


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_run: list[str]) -> Path:
    """A study with one finished run, which every case changes in a copy."""
    from poolsweep.cli import main

    folder = tmp_path_factory.mktemp("finished") / "outputs"
    assert main(["train", *tiny_run[:3], *PROBE, f"output_root={folder}", "study=theirs"]) == 0
    return folder / "theirs"


def edit(path: Path, change: Callable[[dict], object]) -> None:
    """Change a JSON or YAML file in place."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def _code_of_a_class(run: Path, canary: Path) -> None:
    def change(config: dict) -> None:
        config["pooling"]["tokens"] = {"_target_": "evil.Evil"}
        config["trusted"] = ["evil"]

    edit(run / "config.yaml", change)


def _code_of_a_model(run: Path, canary: Path) -> None:
    model = run / "model"
    model.mkdir()
    auto_map = {"AutoConfig": "evil.EvilConfig", "AutoModel": "evil.Evil"}
    (model / "config.json").write_text(json.dumps({"model_type": "evil", "auto_map": auto_map}))
    (model / "evil.py").write_text(f"open({str(canary)!r}, 'w')")
    encoder = {"_target_": "poolsweep.encoder.hub.hub", "model": str(model), "trust_remote_code": True}
    edit(run / "config.yaml", lambda config: config["encoder"].update(encoder))


def _a_system_call(run: Path, canary: Path) -> None:
    edit(
        run / "config.yaml", lambda config: config.update(head={"_target_": "os.system", "command": f"touch {canary}"})
    )


def _an_object_in_yaml(run: Path, canary: Path) -> None:
    (run / "config.yaml").write_text(f"seed: !!python/object/apply:os.system ['touch {canary}']\n")


def _an_interpolation(run: Path, canary: Path) -> None:
    edit(run / "config.yaml", lambda config: config["data"].update(train="${oc.env:HOME}/x.csv"))


def _addresses_in_a_folder(run: Path, canary: Path) -> None:
    folder = run / "imdb"
    folder.mkdir()
    (folder / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files: http://evil.example/x.csv\n---\n"
    )
    data = {"_target_": "poolsweep.data.sources.hub.Hub", "name": str(folder)}
    edit(run / "config.yaml", lambda config: config.update(data=data))


def _names(text: str) -> Callable[[Path, Path], None]:
    def change(run: Path, canary: Path) -> None:
        named = {"name": text, "data": text, "encoder": text, "pooling": text, "study": text, "reason": text}
        edit(run / "result.json", lambda result: result.update(named))
        edit(run / "status.json", lambda status: status.update(name=text, reason=text, host=text, phase=text))

    return change


def _numbers(run: Path, canary: Path) -> None:
    def change(result: dict) -> None:
        result["metrics"] = dict.fromkeys(result["metrics"], 1e308)
        result.update(seconds=1e308, seed=10**400)

    edit(run / "result.json", change)


def _deep(run: Path, canary: Path) -> None:
    (run / "result.json").write_text("[" * 100_000)
    (run / "status.json").write_text("{}")


def _links(run: Path, canary: Path) -> None:
    """Folder and log of a run lead to what is ours; ``tmp_path / "here"`` holds files."""
    here = canary.with_name("here")
    for file in ("checkpoints", "run.log", "lock.json"):
        path = run / file
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        path.symlink_to(here if file == "checkpoints" else here / "evil.py")


def _a_bomb(run: Path, canary: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    (run / "config.yaml").write_text("\n".join(lines))


def _pickled_weights(run: Path, canary: Path) -> None:
    class Evil:
        def __reduce__(self):
            return (Path.touch, (canary,))

    (run / "checkpoints" / "best.safetensors").write_bytes(pickle.dumps(Evil()))


def _labels(run: Path, canary: Path) -> None:
    names = [f"{HTML}{ESCAPES}", FORMULA, "../../../evil\nsecond line"]
    (run / "labels.json").write_text(json.dumps({name: i for i, name in enumerate(names)}))


def _contract_of(name: str, content: object) -> Callable[[Path, Path], None]:
    """The run is of another task, and its labels.json is what a stranger makes of that."""

    def change(run: Path, canary: Path) -> None:
        edit(run / "config.yaml", lambda config: config.update(task={"name": name}))
        edit(run / "result.json", lambda result: result.update(task=name))
        (run / "labels.json").write_text(json.dumps(content))

    return change


def signed(run: Path) -> None:
    """Make the checksums of a run fit what it holds now: a stranger can do it, too."""
    with contextlib.suppress(OSError, ValueError, RecursionError, AttributeError):
        result = json.loads((run / "result.json").read_text())
        result.pop("checksum")
        write_result(run, result | {"files": fingerprints(run)})


CASES: dict[str, Callable[[Path, Path], None]] = {
    "code of a class": _code_of_a_class,
    "code of a model": _code_of_a_model,
    "a system call": _a_system_call,
    "an object in yaml": _an_object_in_yaml,
    "an interpolation": _an_interpolation,
    "addresses in a folder": _addresses_in_a_folder,
    "escape codes": _names(ESCAPES),
    "html": _names(HTML),
    "a formula": _names(FORMULA),
    "a path": _names("../../../evil"),
    "huge numbers": _numbers,
    "deep json": _deep,
    "links": _links,
    "a bomb": _a_bomb,
    "pickled weights": _pickled_weights,
    "labels": _labels,
    "a spread of nan": _contract_of("regression", {"mean": 0.0, "std": math.nan, "bounds": None}),
    "bounds of words": _contract_of("regression", {"mean": 0.0, "std": 1.0, "bounds": ["low", HTML]}),
    "thresholds of two shapes": _contract_of(
        "multilabel", {"labels": {"cat": 0, "dog": 1, HTML: 2}, "separator": "|", "thresholds": [0.5, [0.5]]}
    ),
    "a huge contract": _contract_of(
        "multilabel", {"labels": {str(i): i for i in range(10**5)}, "separator": "|", "thresholds": [0.5] * 10**5}
    ),
}
VERBS = (
    "predict", "predict a file", "encode", "export", "evaluate", "speed", "refit", "refit with validation", "report",
    "status", "explain", "sync", "dashboard", "train again", "train all again",
)  # fmt: skip
EXPORTED = ("code of a class", "a system call", "html", "pickled weights", "labels")  # a proof takes seconds


@pytest.mark.parametrize("case", CASES)
def test_it_is_read_and_nothing_else(case, finished, tmp_path, monkeypatch, cli, tiny_run, refused_sockets):
    canary, here = tmp_path / "canary", tmp_path / "here"
    here.mkdir()
    for name in ("evil", "matplotlib", "wandb", "torch", "json"):
        (here / f"{name}.py").write_text(f"open({str(canary)!r}, 'w')\n")
    root = tmp_path / "outputs"
    study = shutil.copytree(finished, root / "theirs")
    [run] = [path.parent for path in study.glob("*/result.json")]
    CASES[case](run, canary)
    signed(run)
    texts = tmp_path / "texts.csv"
    texts.write_text("text,label\nmeow,cat\nwoof,dog\n")
    offline = study / "wandb" / f"offline-run-x-{run.name}"
    offline.mkdir(parents=True)
    (offline / f"run-{ESCAPES}.wandb").write_bytes(b"")
    monkeypatch.chdir(here)
    outside = _files(tmp_path, but=root)
    for verb in VERBS:
        if verb == "export" and case not in EXPORTED:
            continue
        done = _typed(verb, cli, study=study, run=run, texts=texts, again=[*tiny_run[:3], *PROBE])
        assert done.status in {0, 1, 2}, (verb, done)
        data = verb == "predict"  # what goes into a pipe is data, to the character; a terminal gets it shown
        for stream in (done.err,) if data else (done.out, done.err):
            assert not {"\x1b", "\x07", "\x9b"} & set(stream), verb
            assert "Traceback" not in stream, (verb, stream)
    assert not canary.exists()
    assert not refused_sockets
    assert _files(tmp_path, but=root) == outside, "nothing is written beside the study"
    tables, pages = list(study.rglob("leaderboard.csv")), list(study.rglob("report.html"))
    assert len(tables) == len(pages)
    for table in tables:
        with table.open(newline="", encoding="utf-8") as file:
            assert not [cell for row in csv.reader(file) for cell in row if cell.startswith(("=", "@", "\t"))]
    for page in pages:
        assert HTML not in page.read_text(encoding="utf-8")
    for card in study.glob("exported/README.md"):
        assert HTML not in re.sub(r"(?ms)^(```+).*?^\1$", "", card.read_text(encoding="utf-8")), "outside of code"


def _typed(verb: str, cli, *, study: Path, run: Path, texts: Path, again: list[str]):
    if verb == "dashboard":
        return _dashboard(cli, study)
    return cli(*{
        "report": ["report", str(study)],
        "status": ["status", str(study)],
        "predict": ["predict", str(run), "--input", str(texts), "--probabilities"],
        "predict a file": ["predict", str(study), "--input", str(texts), "--output", str(study / "out.csv")],
        "encode": ["encode", str(run), "--input", str(texts), "--output", str(study / "out.npy")],
        "export": ["export", str(run), "--to", "torch", "--output", str(study / "exported"), "--proof", str(texts)],
        "evaluate": ["evaluate", str(run), "--data", str(texts)],
        "speed": ["evaluate", str(study), "--speed"],
        "refit": ["refit", str(study)],
        "refit with validation": ["refit", str(study), "--with-validation"],
        "explain": ["explain", str(run), "--text", "meow"],
        "sync": ["sync", str(study)],
        "train all again": ["train", *again, f"output_root={study.parent}", f"study={study.name}", "retry=all"],
        "train again": ["train", *again, f"output_root={study.parent}", f"study={study.name}"],
    }[verb])  # fmt: skip


def _dashboard(cli, study: Path):
    """What its page says; its report is ``poolsweep report``."""
    from starlette.testclient import TestClient

    from poolsweep.dashboard.app import make_app
    from poolsweep.dashboard.keeper import ReportKeeper

    client = TestClient(make_app(study, ReportKeeper(study), token="t"), base_url="http://localhost/t")
    page = client.get("/")
    assert page.status_code == 200
    assert HTML not in page.text
    assert client.get("/status.json").status_code == 200
    return cli("--version")


def _files(folder: Path, *, but: Path) -> set[tuple[Path, bytes]]:
    return {
        path
        for path in folder.rglob("*")
        if but not in path.parents and path != but and "__pycache__" not in path.parts
    }
