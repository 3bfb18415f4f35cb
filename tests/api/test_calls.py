"""The Python API: one shape of call, the names of the flags, and the same results as the commands."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import typer

import pairaug
from pairaug.api import keywords
from pairaug.api.evaluating import evaluation_options
from pairaug.cli.app import app
from pairaug.synthesis.run import SynthesisOptions
from pairaug.training.plan import FitOptions
from tests.conftest import Cli, contents
from tests.evaluation.sets import drawn

COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
SHELL_ALONE = {"--json", "--jsonl", "--quiet", "--verbose", "--dry-run"}
FUNCTIONS = {
    "check": keywords.CheckKeywords,
    "fit-masks": keywords.FitKeywords,
    "fit-translator": keywords.TranslatorKeywords,
    "synthesize": keywords.CountedKeywords,
    "folds": keywords.FoldsKeywords,
    "evaluate": keywords.EvaluateKeywords,
}


@pytest.mark.parametrize("command", sorted(FUNCTIONS))
def test_the_arguments_of_a_function_are_the_flags_of_its_command(command: str) -> None:
    options = [parameter for parameter in COMMANDS[command].params if parameter.param_type_name == "option"]
    flags = {max(option.opts, key=len) for option in options} - SHELL_ALONE - {"--out"}
    assert {flag[2:].replace("-", "_") for flag in flags} == set(get_type_hints(FUNCTIONS[command]))


def test_what_evaluate_assumes_is_what_its_command_assumes() -> None:
    defaults = {parameter.name: parameter.default for parameter in COMMANDS["evaluate"].params}
    assumed = {name: p.default for name, p in inspect.signature(evaluation_options).parameters.items()}
    named = {name: default for name, default in assumed.items() if default is not inspect.Parameter.empty}
    assert named == {name: defaults[name] for name in named}
    assert len(named) == 8


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: pairaug.check(d, onyl="a*"), "onyl='a*': check takes no such argument; did you mean 'only'?"),
        (lambda d: pairaug.check(d, glued="top"), "glued='top': must be 'left' or 'right', the side of the mask"),
        (lambda d: pairaug.check(d, limit="two"), "limit='two': must be a whole number"),
        (lambda d: pairaug.check(d, unite="yes"), "unite='yes': must be True or False"),
        (lambda d: pairaug.check(d, only=3), "only=3: must be text, or a list of texts"),
        (lambda d: pairaug.check(d, labels=[0, None]), "labels=[0, None]: must be a value, or a list of values"),
        (lambda d: pairaug.check(d, labels=[7]), "labels=7: needs at least two values, or 'all'"),
        (lambda d: pairaug.check(d, threshold=1, labels="all"), "threshold= and labels= exclude each other; give one"),
        (lambda d: pairaug.check(d, split="dev"), "split='dev': no such split here; found: none"),
        (lambda d: pairaug.check(d, list=7), "list=7: must be a path"),
        (lambda d: pairaug.check(list="none.txt"), "list='none.txt': no such file"),
        (
            lambda d: pairaug.check(),
            "source: give a folder, a list of (image, mask), or list=FILE, and one of these alone",
        ),
        (
            lambda d: pairaug.check("nowhere"),
            "nowhere: does not exist; give a folder of pairs, a list of (image, mask), or list=FILE",
        ),
        (lambda d: pairaug.fit_masks(d, model="vess"), "model='vess': no such model; did you mean 'vessgan'?"),
        (lambda d: pairaug.fit_masks(d, threads=0), "threads=0: must be 1 or more"),
        (
            lambda d: pairaug.fit_masks(d, model="warp", set={"gird": 2}),
            "set='gird': no such setting; did you mean 'grid'?",
        ),
        (
            lambda d: pairaug.fit_masks(d, set=["grid=2"]),
            "set=['grid=2']: must be a mapping of the model's settings, such as {'base': 32}",
        ),
        (lambda d: pairaug.fit_translator(d, epochs=0), "epochs=0: must be above 0"),
        (lambda d: pairaug.fit_translator(d, minutes="x"), "minutes='x': must be a number"),
        (lambda d: pairaug.fit_translator(d, device=0), "device=0: must be text"),
        (
            lambda d: pairaug.fit_translator(d, sample_epochs="1,x"),
            "sample_epochs='1,x': must be numbers such as 1,6,11",
        ),
        (
            lambda d: pairaug.fit_translator(d, size=9),
            "size=9: vess2image needs a side of at least 256; give size=256 or more",
        ),
        (lambda d: pairaug.synthesize("o", 0), "count=0: must be 1 or more"),
        (lambda d: pairaug.synthesize("o", "many"), "count='many': must be a whole number"),
        (lambda d: pairaug.synthesize("o", per_mask=0), "per_mask=0: must be 1 or more"),
        (lambda d: pairaug.synthesize("o", format="coc"), "format='coc': not known; did you mean 'coco'?"),
        (
            lambda d: pairaug.synthesize("o"),
            "pairaug-models/translator: no fitted translator here; make it with: fit_masks(SOURCE), "
            "fit_translator(SOURCE)",
        ),
        (lambda d: pairaug.verify("nowhere"), "nowhere: is not a folder; give the one that synthesize wrote"),
        (
            lambda d: pairaug.evaluate(d, d, part="masks"),
            "part='masks': evaluate takes no such argument; did you mean 'parts'?",
        ),
        (lambda d: pairaug.evaluate(d, d, test="x"), "test='x': only together with utility=True"),
        (lambda d: pairaug.evaluate(d, d, sample=0), "sample=0: must be above 0"),
        (lambda d: pairaug.evaluate(d, d, html="."), "html='.': is a folder; give the name of a file"),
        (
            lambda d: pairaug.evaluate(d, d, utility=True, share=2),
            "share=2: must lie between 0 and 1, or fall to 0 or more as in 0.5-0; "
            "arms='synthetic-alone' is a share of 1",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_the_words_of_python(call: Any, message: str, drive: Path) -> None:
    with pytest.raises(pairaug.PairaugError) as caught:
        call(drive)
    assert caught.value.message == message
    assert str(caught.value) == message


def test_a_wrong_argument_is_refused_before_torch_is_loaded(drive: Path) -> None:
    code = (
        "import pairaug, sys\n"
        "for call in (lambda: pairaug.fit_translator(sys.argv[1], epochs=0), lambda: pairaug.check('none')):\n"
        "    try:\n        call()\n    except pairaug.PairaugError:\n        print('torch' in sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(drive)], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "False"]


def test_check_says_what_is_there_from_a_folder_a_list_file_or_pairs(drive: Path) -> None:
    pairs = [(drive / f"images/{path.name}", path) for path in sorted((drive / "masks").iterdir())]
    listed = Path("pairs.txt")
    listed.write_text("".join(f"{image}\t{mask}\n" for image, mask in pairs))
    results = [pairaug.check(drive), pairaug.check(pairs), pairaug.check(list=listed)]
    assert {len(checked.pairs) for checked in results} == {6}
    assert len({checked.content_digest for checked in results}) == 1
    assert len(pairaug.check(drive, limit=2, only=["images/*"], labels=None).pairs) == 2


def test_what_check_tells_names_no_flags(drive: Path) -> None:
    skipped = pairaug.check(drive, exclude=sorted(p.name for p in (drive / "masks").iterdir())[0]).skipped
    assert {entry.reason for entry in skipped} == {"exclude="}


def test_a_fit_by_function_is_the_fit_by_command(drive: Path, cli: Cli) -> None:
    model = pairaug.fit_translator(str(drive), epochs=1, set={"base": 2}, threads=1, models="models", sample_epochs=[1])
    assert model == Path("models/translator/model.safetensors")
    masks = pairaug.fit_masks(drive / "masks", model="warp", models="models", set={"elastic": 0.5})
    for command in (
        ("fit-translator", drive, "--epochs", 1, "--set", "base=2", "--threads", 1, "--models", "models"),
        ("fit-masks", drive / "masks", "--model", "warp", "--set", "elastic=0.5", "--models", "models"),
    ):
        ran = cli(*command)
        assert (ran.code, "already complete" in ran.err) == (0, True), ran.err
    assert json.loads((masks.parent / "run.json").read_text())["origins"] == {
        "model": "argument",
        "models": "argument",
        "set": "argument",
    }


def test_a_listener_hears_of_a_fit(drive: Path) -> None:
    heard = []

    class Listener(pairaug.Reporter):
        def note(self, text: str) -> None:
            heard.append(text)

    pairaug.fit_masks(drive / "masks", model="warp", reporter=Listener())
    assert "warp: nothing to train; the file holds the 6 masks" in heard


def test_a_set_by_function_is_the_set_by_command(fitted: Path, cli: Cli) -> None:
    out = pairaug.synthesize("by-function", 3, models=fitted, seed=1)
    assert out == Path("by-function")
    assert cli("synthesize", "--out", "by-command", "--count", 3, "--models", fitted, "--seed", 1).code == 0
    left, right = contents(out), contents(Path("by-command"))
    origins = [json.loads(files.pop("manifest.json"))["config"]["seed"] for files in (left, right)]
    assert left == right
    assert origins == [{"value": 1, "origin": "argument"}, {"value": 1, "origin": "flag"}]
    assert pairaug.verify(out).pairs == 3
    next((out / "images").iterdir()).unlink()
    assert len(pairaug.verify(out).differing) == 1


def test_evaluate_gives_the_figures_of_its_command(tmp_path: Path, cli: Cli) -> None:
    real, new = drawn(tmp_path / "real", 0, 8), drawn(tmp_path / "new", 1, 6)
    result = pairaug.evaluate(real, new, parts=["images"], out_items="items.jsonl", html="page.html")
    ran = cli("evaluate", real, new, "--parts", "images", "--json")
    shown = json.loads(ran.out)
    assert json.loads(json.dumps(result.figures["images"])) == shown["images"]
    reasons = {entry["part"]: entry["reason"] for entry in result.figures["not_measured"]}
    assert reasons["utility"] == "slow, so only with utility=True"
    assert result.measured.images is not None
    assert "--" not in result.text
    assert len(Path("items.jsonl").read_text().splitlines()) == 6
    assert "pairaug evaluate" in Path("page.html").read_text()


def test_the_calls_that_the_readme_showed_before_still_work(drive: Path, fitted: Path) -> None:
    model = pairaug.fit_mask_generator(drive / "masks")
    assert pairaug.fit_mask_generator is pairaug.fit_masks
    narrow = FitOptions(models=Path("m"), epochs=1, settings={"base": 2}, threads=1)
    assert pairaug.fit_translator(drive, narrow).parent == Path("m/translator")
    assert pairaug.synthesize("out", SynthesisOptions(1, fitted)) == Path("out")
    assert model.is_file()


def test_list_models_says_what_the_command_says(cli: Cli) -> None:
    rows = pairaug.list_models()
    assert json.loads(cli("models", "--json").out)["models"] == json.loads(json.dumps(rows))


def test_a_name_that_is_none_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'pairaug' has no attribute 'fit'"):
        pairaug.fit  # noqa: B018
    assert set(pairaug.__all__) == set(dir(pairaug))
    assert all(getattr(pairaug, name) for name in pairaug.__all__)
