"""``poolsweep --completion bash|zsh|fish``: the script by which a shell completes what is typed."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from poolsweep.conf_dir import conf_dir
from poolsweep.errors import UserError, did_you_mean

_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
_COMPOSED = {"train", "submit", "wandb-sweep"}  # verbs that take overrides
_STUDIES = {
    "status", "report", "dashboard", "sync", "predict", "encode", "evaluate", "refit", "export", "explain", "clean"
}  # fmt: skip
_IN_BASH = """\
# poolsweep --completion bash > ~/.local/share/bash-completion/completions/poolsweep
_poolsweep() {
  local line="${COMP_LINE:0:COMP_POINT}" verb="${COMP_WORDS[1]}" words="" current
  current="${line##* }"
  if (( COMP_CWORD <= 1 )); then
    words=%(verbs)s
  else
    case "$verb" in
%(cases)s
    esac
    case "$verb" in
      %(studies)s) words="$words $(cd "${POOLSWEEP_OUTPUTS:-outputs}" 2>/dev/null && printf '%%s ' */ | tr -d /)" ;;
    esac
  fi
  local IFS=$' \\n'
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  local first="${COMPREPLY[0]}"
  [[ ${#COMPREPLY[@]} -eq 1 && "$first" == *= ]] && compopt -o nospace 2>/dev/null
  if [[ "$current" == *=* && "$COMP_WORDBREAKS" == *=* ]]; then  # bash takes what follows a = for a word of its own
    local before="${current%%=*}="
    COMPREPLY=("${COMPREPLY[@]#"$before"}")
  fi
}
complete -o default -F _poolsweep poolsweep
"""


def completion(shell: str) -> str:
    """The script of a shell.

    Args:
        shell: bash, zsh or fish.
    Raises:
        UserError: If it is another.
    """
    shells = {"bash": _in_bash, "zsh": _in_zsh, "fish": _in_fish}
    if shell not in shells:
        raise UserError(f"--completion takes bash, zsh or fish, got {shell or 'nothing'}{did_you_mean(shell, shells)}")
    return shells[shell](dict(_words()))


def _words() -> Iterator[tuple[str, list[str]]]:
    """Verb → what may follow it."""
    from poolsweep.cli.program import VERBS

    overrides = sorted(_overrides())
    for verb, run in VERBS.items():
        found = sorted({*_options(run), "--help"})
        yield verb, [*found, *overrides] if verb in _COMPOSED else found


def _options(run: Callable[[list[str]], int]) -> set[str]:
    """Long options that a verb's help speaks of."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        run(["--help"])
    return set(_OPTION.findall(out.getvalue()))


def _overrides() -> Iterator[str]:
    """Every ``group=option``, and every key of the root and of the groups that have one option for all."""
    root = conf_dir()
    for path in root.rglob("*.yaml"):
        group = path.parent.relative_to(root).as_posix()
        if group != "." and not path.stem.startswith("_"):
            yield f"{group}={path.stem}"
        yield from (f"{key}=" for key in _keys(path, "" if group == "." else f"{group.replace('/', '.')}."))


def _keys(path: Path, prefix: str) -> Iterator[str]:
    """Keys of the first level, as they are written."""
    text = path.read_text(encoding="utf-8")
    if "@package" not in text and not prefix.startswith(("experiment.", "hydra.sweeper")):
        names = re.findall(r"(?m)^([a-z]\w*):", text)
        yield from (f"{prefix}{name}" for name in names if name not in {"defaults", "hydra"})


def _in_bash(words: Mapping[str, list[str]]) -> str:
    cases = "\n".join(f"      {verb}) words={shlex.quote(' '.join(found))} ;;" for verb, found in words.items())
    return _IN_BASH % {
        "verbs": shlex.quote(" ".join([*words, "--help", "--version", "--completion"])),
        "cases": cases,
        "studies": "|".join(sorted(_STUDIES)),
    }


def _in_zsh(words: Mapping[str, list[str]]) -> str:
    script = _in_bash(words).replace("complete -o default -F", "complete -F").partition("\n")[2]
    return f"# source <(poolsweep --completion zsh)\nautoload -U +X bashcompinit && bashcompinit\n{script}"


def _in_fish(words: Mapping[str, list[str]]) -> str:
    lines = ["# poolsweep --completion fish > ~/.config/fish/completions/poolsweep.fish"]
    lines.append(f"complete -c poolsweep -n __fish_use_subcommand -a {shlex.quote(' '.join(words))}")
    for verb, found in words.items():
        seen = shlex.quote(f"__fish_seen_subcommand_from {verb}")
        lines.append(f"complete -c poolsweep -n {seen} -a {shlex.quote(' '.join(found))}")
    return "\n".join(lines) + "\n"
