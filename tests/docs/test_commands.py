"""Every command that the documentation shows exists, with its options."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import click
import pytest

from jobs.cli import cli
from tests.support.docs import ROOT, Fence, fences, pages

SHELL = [f for p in pages() for f in fences(p, "shell", "bash", "sh", "")]
NEEDS = {"a cluster", "a running instance of Dagster", "root, openssh-server and pdsh"}
"""What a command may need that no test has; such a command is not looked at further."""


def check_skypile(words: list[str]) -> None:
    """The command exists and takes these arguments and options; nothing is run."""
    command: click.Command = cli
    context = click.Context(cli, info_name="skypile")
    while isinstance(command, click.Group):
        name = words.pop(0)
        found = command.get_command(context, name)
        assert found is not None, f"skypile has no command {name!r}"
        command, context = found, click.Context(found, info_name=name, parent=context)
    # Files that a page names need not be there.
    for parameter in command.params:
        if isinstance(parameter.type, click.Path):
            parameter.type.exists = False
    command.make_context(context.info_name, words, resilient_parsing=False)


def check_make(words: list[str]) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    unknown = [w for w in words if w not in targets]
    assert not unknown, f"the Makefile has no target {unknown}"


def check_module(words: list[str]) -> None:
    """`python -m MODULE`: the module is there and knows the options."""
    module, *arguments = words
    spec = importlib.util.find_spec(module)
    assert spec is not None and spec.origin is not None, f"there is no module {module}"
    origin = Path(spec.origin)
    source = (origin.with_name("__main__.py") if origin.name == "__init__.py" else origin).read_text()
    unknown = [a for a in arguments if a.startswith("--") and f'"{a.split("=")[0]}"' not in source]
    assert not unknown, f"{module} knows no {unknown}"


def check(line: str) -> None:
    words = shlex.split(line)
    while re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words.pop(0)
    program = Path(words[0]).name
    if program == "skypile":
        check_skypile(words[1:])
    elif program == "make":
        check_make(words[1:])
    elif program in ("python", "python3") and words[1] == "-m":
        check_module(words[2:])
    else:
        raise AssertionError(
            f"{line}: mark the fence with <!-- needs: ... -->, or teach this test the program"
        )


@pytest.mark.parametrize("fence", SHELL, ids=lambda f: f"{f.page.relative_to(ROOT)}:{f.line}")
def test_every_command_exists_or_says_what_it_needs(fence: Fence) -> None:
    if fence.needs:
        assert fence.needs in NEEDS
        return
    for line in fence.lines():
        check(line)


@pytest.mark.parametrize(
    "line",
    [
        "skypile nothing",
        "skypile why --nothing x",
        "skypile diff r1",
        "make nothing",
        "python -m benchmarks.nothing",
    ],
)
def test_what_does_not_exist_is_found(line: str) -> None:
    with pytest.raises((AssertionError, click.ClickException)):
        check(line)


def test_commands_within_sentences_exist() -> None:
    """`skypile NAME`, `make NAME` and `python -m MODULE` in backquotes, without their arguments."""
    for path in pages():
        for program, name in re.findall(
            r"`(skypile|make|python -m) ([a-z][\w.-]*)", path.read_text(encoding="utf-8")
        ):
            if re.search("[A-Z]", name):  # a placeholder
                continue
            if program == "skypile":
                assert name in cli.commands, f"{path}: skypile {name}"
            elif program == "make":
                check_make([name])
            else:
                check_module([name])
