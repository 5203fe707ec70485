"""Command lines at random: verbs, overrides, flags."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from random import Random

from keys import all_keys, can_be_right, flags, groups, keys_by_part
from values import NOTHING, Key, draw, right, sweep

FILES = ["data=files", "data.train=animals.csv", "encoder=tiny"]
PROBE = [*FILES, "encoder.frozen=true", "trainer=probe"]
TUNE = [*FILES, "trainer.max_epochs=1"]
ENOUGH = "run_timeout_minutes=0.2"  # what would train for longer fails by name
SEEN = "seen"  # a study that is there when a verb reads one

_TRAINING = ("train", "submit", "wandb-sweep")
_INVENTED = (
    "evil", "seeds", "trainer.foo", "data.foo", "pooling.tokens.foo", "loss.foo.bar", "a.b.c", "hydra.foo", "",
    "head.num_labels", "optimizer.encoder", "trainer.logger", "trainer.callbacks", "encoder.revision",
)  # fmt: skip
_TARGETS = (
    "os.system", "builtins.eval", "torch.nn.Identity", "torch.nn.CrossEntropyLoss", "poolsweep.pooling.tokens.cls.Cls",
    "poolsweep.nope.Nope", "subprocess.Popen", "", "poolsweep", "pytorch_lightning.Trainer", "torch.nn.MSELoss",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """What is typed after ``poolsweep``.

    Attributes:
        verb: The first word.
        arguments: The rest.
    """

    verb: str
    arguments: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        """All of it."""
        return [self.verb, *self.arguments]

    def __str__(self) -> str:
        return f"poolsweep {shlex.join(self.words)}"

    @property
    def overrides(self) -> list[str]:
        """What Hydra is given, without its flags."""
        return [argument for argument in self.arguments if not argument.startswith("-")]

    @property
    def is_sweep(self) -> bool:
        """Whether it trains every combination."""
        return self.verb == "train" and "-m" in self.arguments


def line(rng: Random) -> Line:
    """A command line: half are single runs, a quarter sweeps, the others what reads, lists and submits."""
    kind = rng.random()
    if kind < 0.5:
        return Line("train", (*_mixed(rng, _settings(rng, base=rng.choice([PROBE, TUNE]))), *_hydra_flags(rng)))
    if kind < 0.72:
        return Line("train", ("-m", *_mixed(rng, _sweep(rng))))
    if kind < 0.78:
        return Line("submit", ("--dry-run", *_mixed(rng, _sweep(rng))))
    return _reading(rng)


def _settings(rng: Random, *, base: list[str]) -> list[str]:
    """A base that works, with one to three things typed beside it or in its place."""
    typed = [*base, ENOUGH]
    tame = rng.random() < 0.5  # nothing but what could be right
    for _ in range(rng.choices([1, 2, 3], weights=[6, 3, 1])[0]):
        for one in _group(rng, tame=tame) if rng.random() < 0.25 else _value(rng, tame=tame):
            name = one.lstrip("+~").partition("=")[0]
            if rng.random() < 0.9:
                typed = [other for other in typed if other.lstrip("+~").partition("=")[0] != name]
            typed.append(one)
    return typed


def _sweep(rng: Random) -> list[str]:
    """Settings with an axis or two; most are small enough to end soon."""
    typed = _settings(rng, base=PROBE if rng.random() < 0.8 else TUNE)
    axes = rng.choice([["pooling=cls,masked_mean"], ["seed=0,1"], ["pooling=cls,max", "seed=0,1"], []])
    if rng.random() < 0.6 or not axes:
        key = rng.choice(rng.choice(keys_by_part()))
        axes = [*axes[:1], f"{'+' if key.default is NOTHING else ''}{key.path}={sweep(rng, key)}"]
        typed += [key.option] if key.option is not None and rng.random() < 0.8 else []
    if rng.random() < 0.2:
        group = rng.choice(list(groups()))
        axes.append(f"{group}={','.join(rng.choices([*groups()[group], 'nope'], k=2))}")
    names = {axis.lstrip("+").partition("=")[0] for axis in axes}
    return [*(one for one in typed if one.lstrip("+~").partition("=")[0] not in names), *axes]


def _group(rng: Random, *, tame: bool) -> list[str]:
    """A choice of an option of a group, or what looks like one."""
    group = rng.choice(list(groups()))
    option = rng.choice(groups()[group])
    other = rng.choice(groups()[group])
    right_one = f"{group}={option}"
    if tame:
        return [right_one] if can_be_right(right_one) else []
    return [
        rng.choice([
            *[right_one] * 12, f"{group}=[{option},{other}]", f"{group}={option[:-1]}", f"{group}=null", f"{group}=",
            f"+{right_one}", f"++{right_one}", f"~{group}", f"~{right_one}", f"{group}={{a: 1}}", f"{group}=[1,2]",
            f"{group}=[{{_target_: os.system}}]", f"{group}=0.5", f"{group}=true", f"{group}={option}.yaml",
            f"{group}=../{right_one.replace('=', '/')}", f"{group}@x={option}", f"{group.replace('/', '.')}={option}",
            f"{group}=_loading", f"{group}=[]", f"{group}=''", f"{group.upper()}={option}", f"{group}={option.upper()}",
        ])
    ]  # fmt: skip


def _value(rng: Random, *, tame: bool) -> list[str]:
    """A value of a key, with the option that has the key, if it is to have one."""
    key = rng.choice(rng.choice(keys_by_part()))
    chance = rng.random()
    if tame and not can_be_right(key.option):
        return []
    if tame:
        plus = "+" if key.default is NOTHING else ""
        return [*([key.option] if key.option is not None else []), f"{plus}{key.path}={right(rng, key)}"]
    if chance < 0.06:
        return [
            f"{rng.choice(['', '+', '++', '~'])}{rng.choice(_INVENTED)}={rng.choice(['1', '[1,2]', 'x', '{a: 1}'])}"
        ]
    if chance < 0.12:
        return [f"{_misspelt(rng, key.path)}={right(rng, key)}"]
    if chance < 0.16:
        parent = key.path.rpartition(".")[0] or rng.choice(["trainer", "loss", "pooling"])
        return [f"{rng.choice(['', '+', '++'])}{parent}._target_={rng.choice(_TARGETS)}"]
    if chance < 0.19:
        return [f"~{key.path}"]
    prefix = rng.choices(["", "+", "++", "~"], weights=[88, 4, 6, 2])[0]
    if key.default is NOTHING:
        prefix = rng.choices(["+", "++", ""], weights=[80, 12, 8])[0]
    chosen = [key.option] if key.option is not None and rng.random() < 0.8 else []
    return [*chosen, f"{prefix}{key.path}={draw(rng, key)}"]


def _misspelt(rng: Random, path: str) -> str:
    at = rng.randrange(len(path))
    return rng.choice(
        [path[:at] + path[at + 1 :], path[:at] + "x" + path[at:], f"{path}.more", path.upper(), f"{path}."]
    )


def _mixed(rng: Random, typed: list[str]) -> list[str]:
    if rng.random() < 0.2:
        rng.shuffle(typed)
    if rng.random() < 0.03:
        typed.append(rng.choice(typed))
    return typed


def _hydra_flags(rng: Random) -> list[str]:
    if rng.random() < 0.93:
        return []
    return rng.choice([
        ["--cfg", "job"], ["--cfg", "job", "--resolve"], ["--info", "defaults-tree"], ["--info"], ["--cfg", "x"],
        ["-h"], ["--config-name", "nope"], ["--nope"], ["--package", "trainer", "--cfg", "job"], ["-cd", "."],
        ["--resolve"], ["--multirun=1"], ["-x"], ["--"], ["-mm"], ["--config-dir", "outputs"],
        ["--experimental-rerun", "x"],
    ])  # fmt: skip


def _reading(rng: Random) -> Line:
    """A verb with flags of its own."""
    verb = rng.choice([verb for verb in flags() if verb != "dashboard"])  # which serves until it is stopped
    words: list[str] = []
    for action in flags()[verb]:
        if action.nargs == 0:
            words += [action.option_strings[0]] if rng.random() < 0.25 else []
        elif action.option_strings and (action.required or rng.random() < 0.3):
            words += [action.option_strings[0], _argument(rng, verb, action.dest)]
        elif action.option_strings or action.dest == "overrides":
            continue
        elif rng.random() < (0.2 if action.nargs == "*" else 0.9):
            words += [_argument(rng, verb, action.dest) for _ in range(rng.choice([1, 1, 1, 2]) if action.nargs else 1)]
    if rng.random() < 0.06:
        words.insert(rng.randrange(len(words) + 1), rng.choice(["--nope", "-x", "", "x", "--help", "--", "-h"]))
    if verb in _TRAINING:
        words += _mixed(rng, _sweep(rng))
    return Line(verb, tuple(words))


def _argument(rng: Random, verb: str, name: str) -> str:
    """A word for an argument of a verb: what is there half of the time, and anything else."""
    there = {
        "study": [SEEN, f"outputs/{SEEN}"], "studies": [SEEN, f"outputs/{SEEN}", "tuned"],
        "run": ["RUN", "RUN", "TUNED"], "text": ["a cat says meow", "woof"],
        "target": _classes(), "baseline": ["cls", "masked_mean", "max"],
        "metric": ["accuracy", "f1_macro", "mcc"], "out": ["page"], "html": ["page.html"],
        "options": ["include_special=true", "width=2"],
        "hidden_size": ["8", "768"], "num_layers": ["1", "12"], "timeout_minutes": ["1"], "method": ["grid", "random"],
    }.get(name, ["x"])  # fmt: skip
    if rng.random() < 0.6:
        return rng.choice(there)
    return draw(rng, Key(f"{verb}.{name}", rng.choice(there), NOTHING)).replace("\x00", "")


def _classes() -> list[str]:
    targets = [key.default for key in all_keys() if key.path.startswith("pooling.") and key.path.endswith("_target_")]
    return [str(target) for target in targets]
