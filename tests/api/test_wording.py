"""No message of the library speaks of flags to a Python caller."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import pairaug
from pairaug.api.wording import PythonReporter, for_python, worded
from pairaug.cli.app import app
from pairaug.reporting import Reporter

ROOT = Path(pairaug.__file__).parent
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
FLAGS = {flag for command in COMMANDS.values() for parameter in command.params for flag in parameter.opts}


def texts_of(source: str) -> Iterator[str]:
    """The texts of a module that are no docstrings, with … for each value in an f-string."""
    tree = ast.parse(source)
    passed = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            passed.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed:
            yield node.value


SPEAKING = [
    pytest.param(text, id=f"{path.relative_to(ROOT).as_posix()} {text[:40]}")
    for path in sorted(ROOT.rglob("*.py"))
    if path.relative_to(ROOT).parts[0] != "cli"
    for text in texts_of(path.read_text())
    if any(flag in FLAGS for flag in re.findall(r"--[a-z][a-z-]*[a-z]", text))
]


@pytest.mark.parametrize("text", SPEAKING)
def test_no_text_of_the_library_keeps_a_flag(text: str) -> None:
    assert not re.search(r"--[a-z]", for_python(text))


def test_the_texts_of_the_library_are_found() -> None:
    assert len(SPEAKING) > 100
    assert list(texts_of('"""Doc --seed."""\nf"--seed {n}: no"')) == ["--seed …: no"]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("--epochs 0: must be above 0", "epochs=0: must be above 0"),
        ("--per-mask 2: warp knows one; leave it at 1", "per_mask=2: warp knows one; leave it at 1"),
        ("--only and --exclude: both name x", "only= and exclude=: both name x"),
        ("--list a b.txt: no such file", "list='a b.txt': no such file"),
        ("--labels 0,255: no", "labels=[0, 255]: no"),
        ("say --labels 0,255 or --labels all", "say labels=[0, 255] or labels='all'"),
        ("nearest with --labels #000000,#ff0000", "nearest with labels='#000000,#ff0000'"),
        ("--masks-from holds 3 masks", "masks_from= holds 3 masks"),
        ("left out by --skip-bad, such as a", "left out by skip_bad=True, such as a"),
        ("--set grid=two: must be a whole number", "set={'grid': 'two'}: must be a whole number"),
        ("or --set base=32 for a narrower network", "or set={'base': 32} for a narrower network"),
        ("say --window LOW,HIGH", "say window=(LOW, HIGH)"),
        ("say --pair 'a/{id}.png=b/{id}.png'", "say pair='a/{id}.png=b/{id}.png'"),
        ("--pair 'a: b=c': must read", "pair='a: b=c': must read"),
        ("leave it out with --exclude a/b.png", "leave it out with exclude='a/b.png'"),
        ("the alpha channel with --alpha mask", "the alpha channel with alpha='mask'"),
        ("choose another --out", "choose another out"),
        ("more than --count 3; choose", "more than count=3; choose"),
        ("saved; the same command continues", "saved; the same call continues"),
        (
            "m: no model; make it with: pairaug fit-masks SOURCE && pairaug fit-translator SOURCE",
            "m: no model; make it with: fit_masks(SOURCE), fit_translator(SOURCE)",
        ),
        (
            "rules: paste <(ls -d a/*) <(ls -d b/*) | pairaug check -",
            "rules: give the pairs as source=[(image, mask), ...]",
        ),
        ("a--b.png: does not exist", "a--b.png: does not exist"),
        ("an unknown --flag stays", "an unknown --flag stays"),
    ],
)
def test_a_message_reads_as_python(message: str, words: str) -> None:
    assert for_python(message) == words


def test_texts_inside_figures_are_worded_too() -> None:
    assert worded({"a": [{"reason": "not among --parts"}], "b": 1}) == {"a": [{"reason": "not among parts="}], "b": 1}


def test_what_a_listener_hears_is_worded_too() -> None:
    heard: list[object] = []

    class Listener(Reporter):
        def note(self, text: str) -> None:
            heard.append(text)

        def warn(self, text: str) -> None:
            heard.append(text)

        def progress(self, done: int, total: int | None, unit: str, detail: str = "") -> None:
            heard.append((done, total, unit, detail))

        def end_progress(self) -> None:
            heard.append("end")

    told = PythonReporter(Listener())
    told.note("val: --split changes that")
    told.warn("say --threshold 1")
    told.progress(1, 2, "pairs")
    told.end_progress()
    assert heard == ["val: split= changes that", "say threshold=1", (1, 2, "pairs", ""), "end"]
