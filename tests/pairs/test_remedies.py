"""Every refusal names the remedy for its own reason, and the remedy, typed as it stands, works."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.conftest import Cli
from tests.pairs.drawn import HEIGHT, WIDTH, classes, draw, photograph

NUMBERS = ("1", "2", "3", "4", "5", "6")


def flags_in(text: str) -> list[list[str]]:
    """Each flag that a refusal names, with its value where it names one."""
    found = re.findall(r"(--[a-z-]+)((?: (?:'[^']*'|[^\s,;:()]+))?)", text)
    return [[flag, *shlex.split(value)] for flag, value in found]


def images_and(root: Path, save: Callable[[str, Path], None], suffix: str = ".png") -> None:
    for number in NUMBERS:
        draw(root, f"images/{number}.png", "image")
        (root / "masks").mkdir(exist_ok=True)
        save(number, root / "masks" / f"{number}{suffix}")


def only_alpha(root: Path) -> None:
    def save(number: str, path: Path) -> None:
        painted = Image.new("RGBA", (WIDTH, HEIGHT))
        painted.putalpha(Image.fromarray(classes(int(number)) * np.uint8(255)))
        painted.save(path)

    images_and(root, save)


def turned(root: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    images_and(root, lambda number, path: Image.fromarray(classes(int(number)) * np.uint8(255)).save(path))
    for number in NUMBERS:
        (root / f"images/{number}.png").unlink()
        Image.fromarray(photograph(int(number))).save(root / f"images/{number}.jpg", exif=exif)


def objects_numbered(root: Path) -> None:
    def save(number: str, path: Path) -> None:
        mask = np.arange(WIDTH * HEIGHT, dtype=np.uint16).reshape(HEIGHT, WIDTH) // 4
        Image.fromarray(mask).save(path)

    images_and(root, save)


def regions(root: Path) -> None:
    for number in NUMBERS:
        draw(root, f"{number}.png", "image")
        draw(root, f"{number}_roi.png", "mask")


def two_writings(root: Path) -> None:
    def save(number: str, path: Path) -> None:
        Image.fromarray(classes(int(number)) * np.uint8(255 if number in "135" else 1)).save(path)

    images_and(root, save)


def inverted(root: Path) -> None:
    images_and(root, lambda n, path: Image.fromarray(255 - classes(int(n)) * np.uint8(255)).save(path))


def patients(root: Path) -> None:
    for patient in ("01", "02", "03"):
        for frame in ("frame01", "frame12"):
            draw(root, f"images/patient{patient}_{frame}.png", "image")
            draw(root, f"masks/patient{patient}_{frame}.png", "mask")


# What is drawn, what the first look says, and the flags that it names, each of which settles it.
SETTLED: dict[str, tuple[Callable[[Path], None], str, list[str]]] = {
    "the alpha channel is the mask": (only_alpha, "take the alpha channel for the mask", ["--alpha"]),
    "EXIF turns images but not masks": (turned, "turned by 90 degrees clockwise", ["--exif"]),
    "objects are numbered": (objects_numbered, "number objects", ["--threshold"]),
    "masks called as a field of view": (regions, "if these are the masks", ["--masks"]),
    "one thing in two writings": (two_writings, "never meet", ["--threshold", "--labels"]),
    "inverted masks": (inverted, "covers only", ["--background"]),
    "frames of one patient": (patients, "6 groups, but the names suggest 3", ["--group-by"]),
}


@pytest.mark.parametrize("name", SETTLED)
def test_each_flag_that_a_text_names_settles_what_it_is_about(name: str, tmp_path: Path, cli: Cli) -> None:
    make, said, named = SETTLED[name]
    make(tmp_path / "data")
    first = cli("check", tmp_path / "data")
    assert said in first.err
    flags = [flag for flag in flags_in(first.err) if flag[0] in named]
    assert {flag[0] for flag in flags} == set(named)
    for flag in flags:
        ran = cli("check", tmp_path / "data", *flag)
        assert (ran.code, said in ran.err, flag) == (0, False, flag)


def test_dropping_the_alpha_channel_that_is_the_mask_leads_back_to_it(tmp_path: Path, cli: Cli) -> None:
    only_alpha(tmp_path / "data")
    ran = cli("check", tmp_path / "data", "--alpha", "drop")
    assert (ran.code, "read that with --alpha mask" in ran.err) == (3, True)


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """``command`` as a user would type it into bash, ``pairaug`` being this one."""
    tools = folder / "tools"
    tools.mkdir()
    (tools / "pairaug").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pairaug "$@"\n')
    (tools / "python3").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def snapshot(root: Path) -> None:
    for folder, kind in (("images", "image"), ("masks", "mask")):
        for number in NUMBERS:
            draw(root.parent, f"blobs/{kind}{number}.png", kind)
            (root / folder).mkdir(parents=True, exist_ok=True)
            (root / folder / f"{number}.png").symlink_to(f"../../blobs/{kind}{number}.png")


def linked_folders(root: Path) -> None:
    root.mkdir()
    for folder, kind in (("images", "image"), ("the masks", "mask")):
        for number in NUMBERS:
            draw(root.parent, f"disk/{folder}/{number}.png", kind)
        (root / folder).symlink_to(root.parent / "disk" / folder)


def strangers(root: Path) -> None:
    for number, (one, other) in enumerate(zip("bdfhkm", "qrstuv", strict=True)):
        draw(root, f"images/{one}-leaf.png", "image")
        draw(root, f"masks/task-{number}-{other * 3}.png", "mask")


@pytest.mark.parametrize("make", [snapshot, linked_folders, strangers])
def test_a_list_made_as_the_refusal_says_holds_the_pairs(
    make: Callable[[Path], None], tmp_path: Path, cli: Cli
) -> None:
    make(tmp_path / "the data")
    ran = cli("check", tmp_path / "the data")
    assert ran.code == 3
    command = ran.err[ran.err.index("paste <(") :].strip()
    typed = shell(command, tmp_path)
    assert typed.returncode == 0, typed.stderr
    assert "pairs         6" in typed.stdout


def test_a_stack_is_cut_as_the_refusal_says(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "stacks").mkdir()
    for name, kind in (("volume", photograph), ("labels", lambda n: classes(n) * np.uint8(255))):
        pages = np.stack([kind(number) for number in range(6)])
        tifffile.imwrite(
            tmp_path / f"stacks/train-{name}.tif", pages, photometric="rgb" if pages.ndim == 4 else "minisblack"
        )
    ran = cli("check", tmp_path / "stacks")
    assert ran.code == 3
    command = ran.err[ran.err.index("python3 -c") : ran.err.index(" STACK FOLDER")]
    each = "; ".join(
        f"mkdir -p cut/{folder}; {command} stacks/train-{name}.tif cut/{folder}"
        for name, folder in (("volume", "images"), ("labels", "masks"))
    )
    assert shell(each, tmp_path).returncode == 0
    assert "pairs         6" in cli("check", tmp_path / "cut").out


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("p1/ct.nrrd", "p1/seg.nrrd"), "volumes are read as NIfTI (.nii.gz) or DICOM"),
        (("p1/t1.mhd", "p1/t1.raw"), "volumes are read as NIfTI"),
        (("images/1.npy", "masks/1.npy"), "or write their slices as PNG"),
        (("images/1.heic", "masks/1.heic"), "convert these to PNG or TIFF; what is read: PNG, JPEG"),
        (("annotations.json", "README.md"), "polygons are not read; draw them as PNG masks first"),
        (("train.tar.gz",), "unpack the packed files first"),
        (("notes.docx",), "give the folder that holds images and masks"),
    ],
)
def test_files_that_are_not_read_get_the_remedy_of_their_kind(
    names: tuple[str, ...], said: str, tmp_path: Path, cli: Cli
) -> None:
    for name in names:
        draw(tmp_path / "data", name, "text")
    ran = cli("check", tmp_path / "data")
    assert (ran.code, said in ran.err) == (3, True), ran.err


def test_polygons_beside_pictures_are_named(tmp_path: Path, cli: Cli) -> None:
    for number in NUMBERS:
        draw(tmp_path / "data", f"{number}.jpg", "image")
        draw(tmp_path / "data", f"{number}.json", "text")
    assert "polygons are not read" in cli("check", tmp_path / "data").err


def test_leaving_bad_pairs_out_is_advised_only_where_something_is_left(tmp_path: Path, cli: Cli) -> None:
    for number in NUMBERS:
        draw(tmp_path / "data", f"images/{number}.png", "image")
        draw(tmp_path / "data", f"masks/{number}.png", "text" if number in "12" else "mask")
    ran = cli("check", tmp_path / "data")
    assert "2 of 6 pairs cannot be used; mend them, or leave them out with --skip-bad" in ran.err
    assert cli("check", tmp_path / "data", "--skip-bad").code == 8
    for number in NUMBERS:
        draw(tmp_path / "data", f"masks/{number}.png", "text")
    assert "--skip-bad" not in cli("check", tmp_path / "data").err


def test_the_limit_counts_in_the_split_that_is_fitted(tmp_path: Path, cli: Cli) -> None:
    for split in ("test", "training"):
        for number in NUMBERS:
            draw(tmp_path / "data", f"{split}/images/{split[1]}{number}.png", "image")
            draw(tmp_path / "data", f"{split}/masks/{split[1]}{number}.png", "mask")
    ran = cli("fit-masks", tmp_path / "data", "--limit", 4, "-n")
    assert "the train split (4 pairs) is used" in ran.err
    assert "4 pairs, 2 classes, training/images/{id}.png = training/masks/{id}.png" in ran.err
    assert "splits        test 2, train 6" in cli("check", tmp_path / "data", "--limit", 8).out


def test_pairs_of_no_split_are_fitted_rather_than_those_of_a_test_split(tmp_path: Path, cli: Cli) -> None:
    for folder, count in (("", 4), ("test/", 6)):
        for number in NUMBERS[:count]:
            draw(tmp_path / "data", f"{folder}images/{folder[:1]}{number}.png", "image")
            draw(tmp_path / "data", f"{folder}masks/{folder[:1]}{number}.png", "mask")
    ran = cli("fit-masks", tmp_path / "data", "-n")
    assert "the 4 pairs of no split are used; test: --split changes that" in ran.err


def test_a_template_takes_the_split_from_the_names_it_finds(tmp_path: Path, cli: Cli) -> None:
    for split in ("train", "test"):
        for number in NUMBERS:
            draw(tmp_path / "data", f"in/{split}_{number}.png", "image")
            draw(tmp_path / "data", f"out/{split}_{number}.png", "mask")
    ran = cli("fit-masks", tmp_path / "data", "--pair", "in/{id}.png=out/{id}.png", "-n")
    assert "the train split (6 pairs) is used; test" in ran.err


def test_images_without_a_mask_are_counted_by_the_fits(tmp_path: Path, cli: Cli) -> None:
    for number in NUMBERS:
        draw(tmp_path / "data", f"images/{number}.png", "image")
        if number in "123":
            draw(tmp_path / "data", f"masks/{number}.png", "mask")
    assert "3 images without a mask are not used, such as images/4.png" in cli("fit-masks", tmp_path / "data", "-n").err


def test_a_turn_by_exif_is_said_where_it_cannot_be_seen_from_the_sizes(tmp_path: Path, cli: Cli) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    for number in NUMBERS:
        draw(tmp_path / "data", f"masks/{number}.png", "mask")
        (tmp_path / "data" / "images").mkdir(exist_ok=True)
        Image.fromarray(photograph(int(number))).save(tmp_path / f"data/images/{number}.jpg", exif=exif)
    ran = cli("check", tmp_path / "data")
    assert "6 images are shown turned by 180 degrees, as EXIF says" in ran.err
    assert "EXIF" not in cli("check", tmp_path / "data", "--exif", "ignore").err


def test_a_folder_that_is_no_augmented_set_is_called_that(tmp_path: Path, cli: Cli) -> None:
    draw(tmp_path / "data", "images/1.png", "image")
    for folder in (tmp_path / "data", tmp_path / "nothing"):
        ran = cli("verify", folder)
        assert (ran.code, "synthesize --out' wrote" in ran.err, "again" in ran.err) == (3, True, False)
