"""From paired files to a Pair: the naming pattern with ``{id}`` where one pair's own name stood."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

from pairaug.pairs.naming import File, Style, describe
from pairaug.pairs.pair import Pair, Side
from pairaug.pairs.slices import split_ending
from pairaug.pairs.words import Role


def pair_of_files(image: File, masks: tuple[File, ...]) -> Pair:
    """``image`` with its masks, and the names that a new pair of the same kind would have."""
    identity = image.core
    if not identity:  # <id>/image.png: the folder carries the name
        identity = PurePosixPath(image.path).parent.name or split_ending(image.path)[0]
    image_template = _template(image, identity)
    mask_template = _template(masks[0], identity)
    if image_template == mask_template:  # a list may pair a.png with b.png in one folder
        mask_template = str(PurePosixPath(mask_template).with_name("{id}_mask" + split_ending(mask_template)[1]))
    return Pair(image.path, tuple(mask.path for mask in masks), image_template, mask_template, image.split or None)


def pair_of_paths(image: str, masks: tuple[str, ...]) -> Pair:
    """A pair that somebody else has paired, with the naming pattern that its own words show."""
    one, *others = describe([image, *masks], Style.AFFIXES)
    if one.core != others[0].core:  # nothing in common to replace: the whole stem is the name
        one, others[0] = (_whole_stem(file) for file in (one, others[0]))
    return pair_of_files(one, tuple(others))


def glued_pair(path: str, side: Side) -> Pair:
    """One file that holds an image with its mask at its ``side``."""
    (file,) = describe([path], Style.NAMES)
    template = _template(file, file.core)
    return Pair(path, (path,), template, template, file.split or None, side)


def mask_of_path(path: str) -> Pair:
    """A mask without an image: ``masks/21_manual1.gif`` -> ``masks/{id}_manual1.gif``."""
    (file,) = describe([path], Style.AFFIXES)
    return Pair("", (path,), "", _template(file, file.core))


def image_of_path(path: str, side: Side | None = None) -> Pair:
    """An image without a mask; where the file holds both, the mask lies at this side and is not looked at."""
    if side is not None:
        return replace(glued_pair(path, side), masks=(), mask_template="", split=None)
    (file,) = describe([path], Style.AFFIXES)
    return Pair(path, (), _template(file, file.core), "")


def role_by_words(path: str) -> Role:
    return describe([path], Style.AFFIXES)[0].role


def _whole_stem(file: File) -> File:
    return file._replace(core=split_ending(PurePosixPath(file.path).name)[0], prefix="", suffix="")


def _template(file: File, identity: str) -> str:
    """The file's path with ``{id}`` where its own name stood, in its folders too."""
    *folders, name = file.path.split("/")
    stem, ending = split_ending(name)
    if identity:
        folders = [part.replace(identity, "{id}") if _carries(part, identity) else part for part in folders]
    if file.core:
        stem = f"{file.prefix}{{id}}{file.suffix}"
    elif not any("{id}" in part for part in folders):
        stem = f"{{id}}_{stem}"
    return "/".join([*folders, stem + ending])


def _carries(folder: str, identity: str) -> bool:
    """``patient7`` and ``patient7_lesion`` carry ``patient7``; ``Test1`` does not carry ``1``."""
    if folder == identity:
        return True
    return folder.startswith(identity) and folder[len(identity)] in " _-." and not identity.isdigit()
