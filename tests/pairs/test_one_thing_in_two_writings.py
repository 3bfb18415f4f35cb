"""Label values are neither merged nor split in silence: palettes, depths, 1 beside 255, numbered objects."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from pairaug.errors import DataError
from pairaug.pairs.checked import Checked, CheckPolicy
from pairaug.pairs.checking import check_pairs, load_classes
from pairaug.pairs.decoding import COLOUR
from pairaug.pairs.form import DecodePolicy
from pairaug.pairs.labels import Cleaning
from pairaug.pairs.source import find_pairs
from tests.conftest import Cli
from tests.pairs.drawn import classes, draw

Mask = NDArray[np.uint8]
BLACK, WHITE, RED, GREEN = (0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0)


def indexed(labels: Mask, colours: list[tuple[int, int, int]], order: list[int]) -> Image.Image:
    """``labels`` in ``colours``, whose palette lists them in ``order``."""
    places = np.argsort(order).astype(np.uint8)
    picture = Image.fromarray(places[labels]).convert("P")
    picture.putpalette([level for place in order for level in colours[place]])
    return picture


def pairs(root: Path, save: Callable[[int, Path], Path], count: int = 6) -> Path:
    """``count`` pairs, whose masks ``save(number, path without suffix)`` writes."""
    for number in range(count):
        draw(root, f"images/{number}.png", "image")
        (root / "masks").mkdir(exist_ok=True)
        save(number, root / "masks" / str(number))
    return root


def saved(picture: Image.Image, path: Path, suffix: str) -> Path:
    target = path.with_name(path.name + suffix)
    picture.save(target)
    return target


def check(root: Path, policy: CheckPolicy | None = None) -> Checked:
    return check_pairs(find_pairs(root), policy or CheckPolicy())


def truth(found: Checked, count: int) -> None:
    """Every mask is what was drawn, up to the order of the classes."""
    for number, item in enumerate(found.pairs):
        read = load_classes(found.root, item, found.policy, found.label_map)
        drawn = classes(number, count)
        assert len({(int(a), int(b)) for a, b in zip(read.ravel(), drawn.ravel(), strict=True)}) == count
        assert (read == 0).sum() == (drawn == 0).sum()


@pytest.mark.parametrize("suffix", [".png", ".gif", ".bmp", ".tif"])
@pytest.mark.parametrize("colours", [[BLACK, WHITE], [BLACK, RED, GREEN]], ids=["two", "three"])
def test_palettes_in_another_order_in_each_file_are_read_by_their_colours(
    suffix: str, colours: list[tuple[int, int, int]], tmp_path: Path
) -> None:
    count = len(colours)

    def save(number: int, path: Path) -> Path:
        order = list(range(count))[:: -1 if number % 2 else 1]
        return saved(indexed(classes(number, count), colours, order), path, suffix)

    found = check(pairs(tmp_path, save))
    truth(found, count)
    expected = (0, 255) if count == 2 else (0, COLOUR + 0x00FF00, COLOUR + 0xFF0000)
    assert found.label_map.values == expected
    assert any("masks are read by the colours shown (--palette index" in warning for warning in found.warnings)


def test_palettes_that_agree_on_what_is_used_are_read_by_number(tmp_path: Path) -> None:
    def save(number: int, path: Path) -> Path:
        picture = indexed(classes(number, 3), [BLACK, RED, GREEN], [0, 1, 2])
        picture.putpalette([*BLACK, *RED, *GREEN, number, number, number])
        return saved(picture, path, ".png")

    found = check(pairs(tmp_path, save))
    assert (found.label_map.values, found.policy.decode.palette) == ((0, 1, 2), "index")
    assert not any("colours" in warning for warning in found.warnings)


def test_palettes_of_random_colours_are_the_user_s_to_settle(tmp_path: Path) -> None:
    def save(number: int, path: Path) -> Path:
        colours = [BLACK, *[tuple(np.random.default_rng([number, n]).integers(9, 255, 3).tolist()) for n in (1, 2)]]
        return saved(indexed(classes(number, 3), colours, [0, 1, 2]), path, ".png")

    root = pairs(tmp_path, save)
    with pytest.raises(
        DataError, match=r"0\.png and #.* in masks/1\.png\); say --palette index .* or --palette colour"
    ):
        check(root)
    assert check(root, CheckPolicy(DecodePolicy(palette="index"))).label_map.values == (0, 1, 2)
    assert check(root, CheckPolicy(DecodePolicy(palette="colour"))).label_map.classes == 13


MIXED: dict[str, tuple[Callable[[Mask], Image.Image], Callable[[Mask], Image.Image], tuple[int, ...]]] = {
    "1 bit with grey": (lambda m: Image.fromarray(m > 0), lambda m: Image.fromarray(m * np.uint8(255)), (0, 255)),
    "1 bit with colour": (
        lambda m: Image.fromarray(m > 0),
        lambda m: Image.fromarray(m * np.uint8(255)).convert("RGB"),
        (0, 255),
    ),
    "1 bit with numbers": (lambda m: Image.fromarray(m > 0), Image.fromarray, (0, 1)),
    "palette with grey": (
        lambda m: indexed(m, [BLACK, WHITE], [1, 0]),
        lambda m: Image.fromarray(m * np.uint8(255)),
        (0, 255),
    ),
    "palette with numbers": (lambda m: indexed(m, [BLACK, RED], [0, 1]), Image.fromarray, (0, 1)),
    "palette with colours": (
        lambda m: indexed(m, [BLACK, RED], [0, 1]),
        lambda m: indexed(m, [BLACK, RED], [0, 1]).convert("RGB"),
        (0, COLOUR + 0xFF0000),
    ),
}


@pytest.mark.parametrize("name", MIXED)
def test_masks_of_several_kinds_have_the_values_on_which_they_agree(name: str, tmp_path: Path) -> None:
    one, other, values = MIXED[name]
    root = pairs(tmp_path, lambda n, path: saved((other if n % 2 else one)(classes(n)), path, ".png"))
    found = check(root)
    truth(found, 2)
    assert found.label_map.values == values


def test_kinds_that_agree_on_nothing_are_shown_with_two_files(tmp_path: Path) -> None:
    def save(number: int, path: Path) -> Path:
        mask = classes(number, 3)
        return saved(
            Image.fromarray(mask * np.uint8(100)) if number % 2 else indexed(mask, [BLACK, RED, GREEN], [0, 1, 2]),
            path,
            ".png",
        )

    with pytest.raises(DataError) as caught:
        check(pairs(tmp_path, save))
    assert (
        "masks/0.png stores {0, 1, 2} (PNG P), masks/1.png {0, 100, 200} (PNG L); say --palette" in caught.value.message
    )


def test_white_is_zero_beside_black_is_zero_is_read_by_what_is_shown(tmp_path: Path) -> None:
    def save(number: int, path: Path) -> Path:
        target, mask = path.with_name(path.name + ".tif"), classes(number) > 0
        tifffile.imwrite(target, mask ^ bool(number % 2), photometric="miniswhite" if number % 2 else "minisblack")
        return target

    found = check(pairs(tmp_path, save))
    truth(found, 2)
    assert found.label_map.values == (0, 255)


TWO_WRITINGS: dict[str, tuple[int | tuple[int, int, int], int | tuple[int, int, int]]] = {
    "1 and 255": (1, 255),
    "254 and 255": (254, 255),
    "127 and 128": (127, 128),
    "two reds": ((254, 0, 0), (255, 0, 0)),
    "red and white": ((255, 0, 0), (255, 255, 255)),
}


def painted(mask: Mask, value: int | tuple[int, int, int]) -> Image.Image:
    if isinstance(value, int):
        return Image.fromarray(mask * np.uint8(value))
    return Image.fromarray(mask[..., None] * np.array(value, dtype=np.uint8))


@pytest.mark.parametrize("name", TWO_WRITINGS)
def test_values_that_never_meet_and_look_like_one_are_refused_with_flags_that_settle_it(
    name: str, tmp_path: Path, cli: Cli
) -> None:
    values = TWO_WRITINGS[name]
    root = pairs(tmp_path, lambda n, path: saved(painted(classes(n), values[n % 2]), path, ".png"))
    ran = cli("check", root)
    assert ran.code == 3
    assert "never meet in one mask" in ran.err
    assert "masks/0.png" in ran.err
    assert "masks/1.png" in ran.err
    assert "label values  0" in cli("check", root, "--threshold", 1).out
    assert check(root, CheckPolicy(cleaning=Cleaning(threshold=1))).label_map.classes == 2
    assert cli("check", root, "--labels", "all").code == 0


def test_values_that_are_nothing_alike_and_never_meet_get_a_remark(tmp_path: Path) -> None:
    found = check(pairs(tmp_path, lambda n, path: saved(painted(classes(n), 1 + n % 2), path, ".png")))
    assert found.label_map.values == (0, 1, 2)
    assert any("each mask holds one of the values {1, 2} alone" in warning for warning in found.warnings)


def test_scaled_and_plain_classes_in_one_folder_are_refused(tmp_path: Path) -> None:
    root = pairs(tmp_path, lambda n, path: saved(painted(classes(n, 3), 127 if n % 2 else 1), path, ".png"))
    for number in (1, 3, 5):  # 127 and 255 rather than 127 and 254
        mask = np.array(Image.open(root / f"masks/{number}.png"))
        Image.fromarray(np.where(mask == 254, 255, mask).astype(np.uint8)).save(root / f"masks/{number}.png")
    with pytest.raises(DataError, match="never meet in one mask"):
        check(root)


def numbered(seed: int, count: int) -> Mask:
    """``count`` separate squares numbered from the top."""
    mask = np.zeros((40, 48), dtype=np.uint8)
    for number in range(count):
        row, column = divmod(number, 3)
        mask[2 + row * 12 : 10 + row * 12, 3 + column * 15 + seed % 3 : 13 + column * 15] = number + 1
    return mask


def test_numbered_objects_get_a_remark_and_the_flag_joins_them(tmp_path: Path, cli: Cli) -> None:
    root = pairs(tmp_path, lambda n, path: saved(Image.fromarray(numbered(n, 3 + n)), path, ".png"))
    said = "with n up to 8, and each value is one part; if they number objects, say --threshold 1"
    assert said in cli("check", root).err
    ran = cli("check", root, "--threshold", 1)
    assert "0 (" in ran.out
    assert "255 (" in ran.out
    assert "number objects" not in ran.err


def test_classes_of_several_parts_are_not_taken_for_numbered_objects(tmp_path: Path) -> None:
    def save(number: int, path: Path) -> Path:
        mask = numbered(number, 9)
        return saved(
            Image.fromarray(np.where(mask, 1 + (mask - 1) % (4 + number % 2), 0).astype(np.uint8)), path, ".png"
        )

    assert not any("number objects" in warning for warning in check(pairs(tmp_path, save)).warnings)


def test_masks_of_one_value_are_not_called_empty(tmp_path: Path) -> None:
    full = Image.fromarray(np.full((40, 48), 255, dtype=np.uint8))
    with pytest.raises(DataError, match="all 3 masks hold one value alone, 255"):
        check(pairs(tmp_path, lambda n, path: saved(full, path, ".png"), 3))


def test_grey_stored_as_colour_is_learnt_as_one_channel(tmp_path: Path) -> None:
    for number in range(6):
        draw(tmp_path, f"masks/{number}.png", "mask")
        grey = Image.fromarray(np.random.default_rng(number).integers(0, 255, (40, 48), dtype=np.uint8))
        (tmp_path / "images").mkdir(exist_ok=True)
        grey.convert("RGB").save(tmp_path / f"images/{number}.{'jpg' if number % 2 else 'png'}")
    found = check(tmp_path)
    assert (found.channels, found.stored_channels) == (1, 3)
    draw(tmp_path, "images/9.png", "image")
    draw(tmp_path, "masks/9.png", "mask")
    assert check(tmp_path).channels == 3


def test_soft_outlines_beside_1_bit_masks_do_not_hide_what_white_is(tmp_path: Path) -> None:
    def save(number: int, path: Path) -> Path:
        mask = classes(number) * np.uint8(255)
        if number % 2:
            return saved(Image.fromarray(mask > 0), path, ".png")
        mask[0, :40] = np.arange(40)  # every level, on few pixels
        return saved(Image.fromarray(mask), path, ".png")

    found = check(pairs(tmp_path, save), CheckPolicy(cleaning=Cleaning(threshold=128)))
    assert found.policy.decode.palette == "colour"
    truth(found, 2)


def test_the_reading_is_the_same_for_every_later_look(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(classes(0) > 0).save(buffer, "PNG")
    root = pairs(tmp_path, lambda n, path: saved(painted(classes(n), 255), path, ".png"))
    (root / "masks" / "0.png").write_bytes(buffer.getvalue())
    found = check(root)
    assert found.policy.decode.palette == "colour"
    assert load_classes(root, found.pairs[0], found.policy, found.label_map).max() == 1
