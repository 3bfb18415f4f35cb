"""The command line's habits: stdout is data, exit codes, JSON, lists on stdin, configuration, resuming, dry runs."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Cli, contents


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


def test_the_three_commands_need_no_options_and_print_one_path_each(drive: Path, cli: Cli) -> None:
    masks = cli("fit-masks", drive / "masks")
    translator = cli("fit-translator", drive, "--epochs", 1, "--set", "base=2", "--threads", 1)
    made = cli("synthesize", "--count", 3, "--out", "augmented")
    assert [run.code for run in (masks, translator, made)] == [0, 0, 0]
    assert lines(masks.out) == ["pairaug-models/masks/model.safetensors"]
    assert lines(translator.out) == ["pairaug-models/translator/model.safetensors"]
    assert lines(made.out) == ["augmented"]
    assert cli("verify", "augmented").code == 0
    again = json.loads(cli("check", "augmented", "--json").out)
    assert len(again["pairs"]) == 3
    assert again["label_values"] == [0, 255]


def test_the_alias_is_the_same_command(drive: Path, cli: Cli) -> None:
    assert lines(cli("fit-mask-generator", drive).out) == ["pairaug-models/masks/model.safetensors"]


def test_a_fit_leaves_what_its_folder_promises(drive: Path, cli: Cli) -> None:
    cli("fit-masks", drive, "--model", "vessgan", "--epochs", 2, "--size", 16, "--set", "width=2")
    folder = Path("pairaug-models/masks")
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    kept = {name for name in names if not name.startswith("checkpoint/")}
    assert kept == {
        "model.safetensors", "pairs.jsonl", "history.jsonl", "losses.png", "run.json", ".pairaug-own",
        "samples/epoch-00001.png", "samples/epoch-00002.png", "gate-novelty.safetensors",
    }  # fmt: skip
    run = json.loads((folder / "run.json").read_text())
    assert run["state"] == "finished"
    assert run["origins"]["epochs"] == "flag"
    assert run["origins"]["seed"] == "default"
    assert run["images_seen"] == 12
    with Image.open(folder / "samples/epoch-00002.png") as sheet:
        assert sheet.width > 300


def test_the_time_is_told_before_work_starts(drive: Path, cli: Cli) -> None:
    err = cli("fit-masks", drive, "--model", "vessgan", "--epochs", 1, "--size", 16, "--set", "width=2").err
    assert "to train" in err


def test_the_same_fit_again_is_already_complete(drive: Path, cli: Cli) -> None:
    cli("fit-masks", drive, "--model", "warp")
    before = contents(Path("pairaug-models"))
    again = cli("fit-masks", drive, "--model", "warp")
    assert again.code == 0
    assert "already complete" in again.err
    assert contents(Path("pairaug-models")) == before


def test_another_fit_in_the_same_folder_is_refused_by_what_differs_until_fresh(drive: Path, cli: Cli) -> None:
    cli("fit-masks", drive, "--model", "warp")
    other = cli("fit-masks", drive, "--model", "warp", "--seed", 5)
    assert other.code == 5
    assert "seed: 0 there, 5 here" in other.err
    assert cli("fit-masks", drive, "--model", "warp", "--seed", 5, "--fresh").code == 0


def test_more_epochs_continue_where_fewer_ended(drive: Path, cli: Cli) -> None:
    fit = ("fit-masks", drive, "--model", "vessgan", "--size", 16, "--set", "width=2", "--threads", 1)
    cli(*fit, "--epochs", 3, "--models", "long")
    cli(*fit, "--epochs", 1, "--models", "short")
    extended = cli(*fit, "--epochs", 3, "--models", "short")
    assert "continuing after 6 images" in extended.err
    long, short = (Path(name, "masks/model.safetensors").read_bytes() for name in ("long", "short"))
    assert long == short


def test_errors_are_one_line_with_the_value_and_a_remedy(cli: Cli) -> None:
    ran = cli("check", "nowhere")
    assert ran.code == 3
    assert ran.out == ""
    assert ran.err == "pairaug: nowhere: does not exist; give a folder of pairs, '-' or --list FILE\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["check"], 2, "SOURCE"),
        (["check", "x", "--limit", "0"], 2, "--limit 0"),
        (["check", "x", "--labels", "a,b"], 2, "--labels a,b"),
        (["check", "x", "--labels", "0,1", "--threshold", "3"], 2, "exclude each other"),
        (["check", "x", "--alpha", "maybe"], 2, "--alpha maybe"),
        (["check", "x", "--frobnicate"], 2, "--frobnicate"),
        (["fit-masks", "x", "--model", "vesgan"], 2, "did you mean 'vessgan'"),
        (["fit-masks", "x", "--model", "vess2image"], 2, "not a mask generator"),
        (["fit-translator", "x", "--size", "128"], 2, "--size 256 or more"),
        (["fit-translator", "x", "--epochs", "-1"], 2, "--epochs -1"),
        (["fit-translator", "x", "--minutes", "nan"], 2, "--minutes nan"),
        (["fit-translator", "x", "--set", "base"], 2, "key=value"),
        (["fit-translator", "x", "--threads", "0"], 2, "--threads 0"),
        (["synthesize"], 2, "--out"),
        (["synthesize", "--out", "o", "--count", "0"], 2, "--count 0"),
        (["synthesize", "--out", "o"], 4, "pairaug fit-masks SOURCE && pairaug fit-translator SOURCE"),
        (["synthesize", "--out", "o", "-n"], 4, "fit-masks"),
        (["verify", "nowhere"], 3, "is not a folder"),
        (["no-such-command"], 2, "no-such-command"),
    ],
)
def test_what_cannot_be_is_refused_with_its_exit_code(cli: Cli, arguments: list[str], code: int, words: str) -> None:
    ran = cli(*arguments)
    assert ran.code == code
    assert words in ran.err
    assert len(lines(ran.err)) == 1
    assert ran.out == ""


def test_errors_are_json_for_those_who_ask(cli: Cli) -> None:
    ran = cli("check", "nowhere", "--json")
    error = json.loads(ran.err)
    assert error["schema_version"] == 1
    assert error["error"]["exit_code"] == ran.code == 3
    assert error["error"]["kind"] == "bad_input"


def test_a_bug_is_exit_1_and_shows_its_traceback_only_on_request(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, drive: Path
) -> None:
    import pairaug.pairs.source as source

    def broken(*arguments: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(source, "find_pairs", broken)
    ran = cli("check", drive)
    assert ran.code == 1
    assert "bug in pairaug" in ran.err
    assert "Traceback" not in ran.err
    monkeypatch.setenv("PAIRAUG_DEBUG", "1")
    assert "Traceback" in cli("check", drive).err


def test_quiet_keeps_the_result_alone(drive: Path, cli: Cli) -> None:
    ran = cli("fit-masks", drive, "--quiet")
    assert ran.err == ""
    assert len(lines(ran.out)) == 1


def test_a_list_on_stdin_pairs_any_layout(drive: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"{p}\t{drive / 'masks' / p.name}\n" for p in sorted((drive / "images").iterdir())]
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(rows[:4])))
    assert len(json.loads(cli("check", "-", "--json").out)["pairs"]) == 4
    json_rows = [json.dumps(dict(zip(("image", "mask"), row.strip().split("\t"), strict=True))) for row in rows[:3]]
    Path("pairs.jsonl").write_text("\n".join(json_rows))
    assert len(json.loads(cli("check", "--list", "pairs.jsonl", "--json").out)["pairs"]) == 3


def test_check_gives_one_object_with_what_it_promises(cells: Path, cli: Cli) -> None:
    (cells / "notes.txt").write_text("x")
    content = json.loads(cli("check", cells, "--json").out)
    assert set(content) >= {"schema_version", "pairs", "label_values", "layout", "skipped", "warnings"}
    assert set(content["pairs"][0]) >= {"image", "mask", "size", "split"}
    assert content["label_values"] == [0, 128, 255]
    assert content["skipped"] == [{"path": "notes.txt", "reason": "not an image file (.txt)"}]
    rows = [json.loads(line) for line in lines(cli("check", cells, "--jsonl").out)]
    assert rows == content["pairs"]


def test_models_lists_every_model_with_its_parameters(cli: Cli) -> None:
    rows = {row["name"]: row for row in json.loads(cli("models", "--json").out)["models"]}
    assert rows["vess2image"]["parameters"] == {"generator": 54_412_483, "discriminator": 2_766_657}
    assert rows["warp"]["parameters_total"] == 0
    assert "vess2image" in cli("models").out


def test_a_dry_run_over_damaged_records_says_so(fitted: Path, tmp_path: Path, cli: Cli) -> None:
    models = Path(shutil.copytree(fitted, tmp_path / "models"))
    for text in ("[" * 100_000, '{"identity": {}}', "\xff"):
        (models / "masks/run.json").write_text(text, "latin-1")
        ran = cli("synthesize", "--out", "out", "--models", models, "--dry-run")
        assert (ran.code, ran.err.count("\n")) == (4, 1)
        assert "holds damaged records; fit again with --fresh" in ran.err


def test_a_dry_run_says_what_would_be_and_writes_nothing(drive: Path, fitted: Path, cli: Cli) -> None:
    ran = cli("fit-translator", drive, "--dry-run", "--json", "--model", "vess2image")
    facts = json.loads(ran.out)
    assert facts["pairs"] == 6
    assert facts["model"] == "vess2image"
    assert facts["size"] == 256
    assert facts["seconds"] > 0
    assert facts["bytes"] > 2**20
    assert json.loads(cli("fit-translator", drive, "-n", "--json", "--set", "base=8").out)["bytes"] < facts["bytes"]
    assert cli("fit-translator", drive, "-n", "--set", "bse=8").code == 2
    assert json.loads(cli("synthesize", "--models", fitted, "--out", "o", "-n", "--json").out)["pairs"] == 100
    assert "each mask at its own size, about" in cli("fit-masks", drive, "-n").out
    assert "working side 256 pixels, about" in cli("fit-translator", drive, "-n", "--epochs", 3).out
    plain = cli("fit-translator", drive, "-n").out
    assert plain.startswith("auto: graft, which composes real pixels")
    assert "would fit graft on 6 pairs" in plain
    assert not list(Path().iterdir())


def test_bad_pairs_are_all_listed_or_left_out_with_exit_8(drive: Path, cli: Cli, tmp_path: Path) -> None:
    import shutil

    data = Path(shutil.copytree(drive, tmp_path / "data"))
    for name in ("01.png", "03.png"):
        (data / "images" / name).write_bytes((data / "images" / name).read_bytes()[:500])
    ran = cli("check", data)
    assert ran.code == 3
    assert "2 of 6 pairs cannot be used" in ran.err
    assert "01.png" in ran.err
    assert "03.png" in ran.err
    fit = cli("fit-masks", data, "--skip-bad")
    assert fit.code == 8
    assert Path(fit.out.strip()).is_file()
    assert len(Path("pairaug-models/masks/pairs.jsonl").read_text().splitlines()) == 4


def test_data_that_change_under_the_fit_are_noticed(
    drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    from pairaug.errors import DataError
    from pairaug.training.fit import fit_mask_generator
    from pairaug.training.plan import FitOptions
    from pairaug.training.run import Run

    data = Path(shutil.copytree(drive, tmp_path / "data"))
    original = Run._remember

    def touched(self: Run, examples):
        Image.fromarray(np.zeros((96, 96), np.uint8)).save(data / "masks/02.png")
        return original(self, examples)

    monkeypatch.setattr(Run, "_remember", touched)
    with pytest.raises(DataError, match=r"02\.png changed"):
        fit_mask_generator(data, FitOptions(models=tmp_path / "models"))
    assert not (tmp_path / "models/masks/model.safetensors").exists()


def test_the_training_split_is_used_and_written_to_and_said(drive: Path, cli: Cli, tmp_path: Path) -> None:
    import shutil

    for split, names in (("training", ("01", "02", "03", "04")), ("test", ("05", "06"))):
        for kind in ("images", "masks"):
            (tmp_path / "data" / split / kind).mkdir(parents=True)
            for name in names:
                shutil.copy(drive / kind / f"{name}.png", tmp_path / "data" / split / kind)
    ran = cli("fit-masks", "data")
    assert "train split (4 pairs)" in ran.err
    assert "--split" in ran.err
    cli("fit-translator", "data", "--epochs", 1, "--set", "base=2", "--threads", 1)
    cli("synthesize", "--count", 2, "--out", "out")
    assert len(list(Path("out/training/images").iterdir())) == 2
    assert not Path("out/test").exists()
    assert "2 masks" in cli("fit-masks", "data", "--split", "test", "--models", "other").err


def test_a_reader_that_goes_away_ends_the_program_quietly_with_141(drive: Path) -> None:
    process = subprocess.run(
        [
            "bash",
            "-c",
            'set -o pipefail; "$0" -m pairaug check "$1" --jsonl | true; echo ${PIPESTATUS[0]}',
            sys.executable,
            drive,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.strip() in ("141", "0")  # 0 where all rows fitted into the pipe before it closed
    assert process.stderr == ""


def test_a_broken_pipe_is_141(monkeypatch: pytest.MonkeyPatch, drive: Path) -> None:
    code = (
        "import os, sys\nread, write = os.pipe()\nos.close(read)\nos.dup2(write, 1)\n"
        "from pairaug.cli.app import run\nrun()\n"
    )
    process = subprocess.run([sys.executable, "-c", code, "check", str(drive)], capture_output=True, text=True)
    assert process.returncode == 141
    assert process.stderr == ""


def test_short_help_and_version_work_and_module_is_the_command(cli: Cli) -> None:
    from pairaug import __version__

    assert cli("-V").out == f"pairaug {__version__}\n"
    assert "fit-translator" in cli("-h").out
    process = subprocess.run([sys.executable, "-m", "pairaug", "--version"], capture_output=True, text=True, check=True)
    assert process.stdout == f"pairaug {__version__}\n"


def test_progress_elsewhere_than_on_a_terminal_is_a_plain_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pairaug.cli import output

    clock = iter([0.0, 10.0, 20.0, 41.0, 72.0, 73.0])
    monkeypatch.setattr(output.time, "monotonic", lambda: next(clock))
    reporter = output.ConsoleReporter(quiet=False)
    for done in (1, 2, 3, 4, 5):
        reporter.progress(done, 10, "images")
    text = capsys.readouterr().err
    assert len(lines(text)) == 2
    assert "4/10 images" in text
    assert "left" in text
    assert "\x1b" not in text


def test_a_damaged_tiff_is_refused_in_our_own_words_alone(tmp_path: Path) -> None:
    for name in ("images", "masks"):
        (tmp_path / "data" / name).mkdir(parents=True)
    Image.fromarray(np.eye(20, dtype=np.uint8) * 255).save(tmp_path / "data/masks/a.png")
    path = tmp_path / "data/images/a.tif"
    Image.fromarray(np.zeros((20, 20), np.uint8)).save(path)
    data = bytearray(path.read_bytes())
    for tag in range(int.from_bytes(data[8:10], "little")):
        data[10 + 12 * tag + 2] = 240  # its type
    path.write_bytes(data)
    command = [sys.executable, "-m", "pairaug", "check", str(tmp_path / "data")]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 3
    assert len(lines(process.stderr)) == 2
    assert "a.tif" in lines(process.stderr)[1]
