"""Every example in a verb's help is a command that the verb takes."""

from __future__ import annotations

import contextlib
import shlex

import pytest

from poolsweep.cli.arguments import VerbParser
from poolsweep.cli.examples import EXAMPLES
from poolsweep.cli.program import VERBS, main

TYPED = [(verb, one.command) for verb, several in EXAMPLES.items() for one in several]


class Parsed(Exception):
    """What was typed is in order."""


def arguments_of(command: str) -> list[str]:
    """What is typed after ``poolsweep``, of the one poolsweep in a pipe."""
    words = shlex.split(command.replace("\\\n", " "))
    after = words[words.index("poolsweep") + 1 :]
    return after[: after.index(">")] if ">" in after else after


def test_every_verb_has_two_to_four():
    assert list(EXAMPLES) == list(VERBS)
    assert all(2 <= len(several) <= 4 for several in EXAMPLES.values())


@pytest.mark.parametrize("verb", VERBS)
def test_help_shows_them(capsys, verb):
    with contextlib.suppress(SystemExit):
        main([verb, "--help"])
    shown = capsys.readouterr().out
    for example in EXAMPLES[verb]:
        assert f"  # {example.about}\n  " in shown
        assert shlex.split(example.command.replace("\\\n", " ")) == shlex.split(
            shown.split(f"# {example.about}\n")[1].split("\n  #")[0].replace("\\\n", " ")
        )


@pytest.mark.parametrize(("verb", "command"), [one for one in TYPED if one[0] not in {"train", "submit"}])
def test_a_verb_takes_them(monkeypatch, verb, command):
    typed = arguments_of(command)
    assert typed[0] == verb

    def stop_after(parse):
        def parsed(*given):
            parse(*given)
            raise Parsed

        return parsed

    for method in ("parse_args", "parse_intermixed_args"):
        monkeypatch.setattr(VerbParser, method, stop_after(getattr(VerbParser, method)))
    with pytest.raises(Parsed):
        VERBS[verb](typed[1:])


@pytest.mark.parametrize("command", [command for verb, command in TYPED if verb in {"train", "submit"}])
def test_hydra_composes_what_train_is_given(command):
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra._internal.utils import create_config_search_path
    from hydra.types import RunMode

    from poolsweep.conf_dir import conf_dir

    verb, *typed = arguments_of(command)
    several = verb == "submit" or "-m" in typed
    given = [one.partition(",")[0] for one in typed if one not in {"-m", "--dry-run"}]
    assert several == any("," in one for one in typed) or "experiment=demo" in typed
    launcher = ["hydra/launcher=slurm"] if verb == "submit" else []
    loader = ConfigLoaderImpl(create_config_search_path(str(conf_dir())))
    mode = RunMode.MULTIRUN if several else RunMode.RUN
    assert loader.load_configuration("train", overrides=[*launcher, *given], run_mode=mode)
