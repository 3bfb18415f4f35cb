"""SOURCE, as every command takes it: a folder of pairs, a list of pairs, or (for masks alone) a folder of masks.

Enters: what the user typed. Leaves: ``Found``, with paths relative to one root. Which words of a path mean what is
decided in ``naming``; here the user's own words (``--pair``, ``--images``, ``--only``, ...) come first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pairaug.errors import DataError, UsageError
from pairaug.pairs.added import marked
from pairaug.pairs.decoding import decode_mask
from pairaug.pairs.discovery import discover, mask_files
from pairaug.pairs.form import LOSSY_FORMATS, DecodePolicy
from pairaug.pairs.globs import any_match, matches, named_folder
from pairaug.pairs.groups import grouped, whole_groups
from pairaug.pairs.listing import METADATA, pairs_of_lines, pairs_of_metadata
from pairaug.pairs.naming import Teller, Told
from pairaug.pairs.pair import Found, Pair, Several, Side, Skipped
from pairaug.pairs.remedies import remedy
from pairaug.pairs.scanning import scan
from pairaug.pairs.slices import Axis, is_medical, is_volume
from pairaug.pairs.templates import glued_pair, mask_of_path, pair_of_paths, role_by_words
from pairaug.pairs.words import Role

# Files with no more values than this are taken for masks where names leave it open.
_MASK_VALUES = 32
_BARE = "bare masks"
# In the order in which a fit takes them.
_SPLITS = ("train", None, "val", "test")


@dataclass(frozen=True)
class Selection:
    """Which files of a source are meant. Globs match the whole relative path, the file name, or a folder above.

    ``glued``: every file shows an image beside its mask, which is on this side. ``group_by``: a regular expression on
    the path; its first group, or else the whole match, is the patient. ``several``: what several masks of one image
    are. ``slices``: the axis along which volumes are cut; ``empty_slices``: slices whose mask is empty are kept;
    ``most_voxels``: larger volumes are refused. ``only_originals``: none that a set calls synthetic; ``among``:
    by their names the pairs that are meant, of all the rest.
    """

    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    limit: int | None = None
    pair: str | None = None
    images: str | None = None
    masks: str | None = None
    several: Several = "ask"
    split: str | None = None
    glued: Side | None = None
    group_by: str | None = None
    slices: Axis = "z"
    empty_slices: bool = False
    most_voxels: int = DecodePolicy.max_voxels
    only_originals: bool = False
    among: frozenset[str] | None = None


def find_pairs(source: str | Path, selection: Selection = Selection(), lines: Iterable[str] | None = None) -> Found:
    """The pairs of ``source``; ``lines`` are those of a list where ``source`` is ``-`` or a list file.

    Raises DataError where nothing pairs, and where two readings are left.
    """
    found = _found(source, selection, lines)
    if not found.pairs:
        raise _nothing_pairs(found)
    return narrowed(found, selection)


def find_masks(source: str | Path, selection: Selection = Selection(), lines: Iterable[str] | None = None) -> Found:
    """The masks of ``source``: those of its pairs, or every file of a bare folder of masks."""
    found = _found(source, selection, lines)
    if not found.pairs:
        found = _bare_masks(Path(source), selection)
    return narrowed(found, selection)


def choose_split(found: Found, wanted: str | None) -> tuple[Found, str | None]:
    """The pairs to fit on where a data set has split folders: ``wanted``, else the training split.

    Without a training split those of no split, else the others in the order validation, test. The second value is a
    sentence for the user where a choice was made.
    """
    if not found.splits or wanted:  # already narrowed, or nothing to choose
        return found, None
    split = _fitted_split(found)
    kept = tuple(pair for pair in found.pairs if pair.split == split or (split == "train" and not pair.split))
    others = ", ".join(name for name in found.splits if name != split)
    what = f"the {split} split ({len(kept)} pairs) is used" if split else f"the {len(kept)} pairs of no split are used"
    if not others:
        return found, what
    return replace(found, pairs=kept, layout=_describe_layout(kept)), f"{what}; {others}: --split changes that"


def _fitted_split(found: Found) -> str | None:
    """The split that a fit takes: train, then none at all, then validation, then test."""
    present = {pair.split for pair in found.pairs}
    return next(split for split in _SPLITS if split in present)


def _found(source: str | Path, selection: Selection, lines: Iterable[str] | None) -> Found:
    if lines is not None:
        root, pairs = pairs_of_lines(lines, str(source))
        return Found(root, tuple(pairs), _describe_layout(pairs))
    root = Path(source)
    if (root / METADATA).is_file():
        return Found(root, tuple(pairs_of_metadata(root)), METADATA)
    return _from_folder(root, selection)


def _from_folder(root: Path, selection: Selection) -> Found:
    kept, passed_over = not_excluded(root, selection)
    left: list[Skipped] = []
    class_names: tuple[str, ...] = ()
    if selection.glued:
        pairs = [glued_pair(path, selection.glued) for path in kept]
    elif selection.pair:
        pairs, left = _by_template(kept, selection.pair)
    else:
        found = discover(kept, looks_like_mask(root), _teller(selection), selection.several)
        pairs, left, class_names = found.pairs, found.skipped, found.class_names
    if selection.only:
        left = [entry for entry in left if any_match(selection.only, entry.path)]
    skipped = sorted([*passed_over, *left], key=lambda entry: entry.path)
    return Found(root, marked(root, pairs), _describe_layout(pairs), tuple(skipped), class_names=class_names)


def not_excluded(root: Path, selection: Selection) -> tuple[list[str], list[Skipped]]:
    files, skipped = scan(root)
    out = {path for path in files if any_match(selection.exclude, path)}
    return [path for path in files if path not in out], [*skipped, *(Skipped(path, "--exclude") for path in out)]


def _bare_masks(root: Path, selection: Selection) -> Found:
    files, skipped = not_excluded(root, selection)
    if not files:
        raise DataError(f"{root}: no image files; give a folder of masks or of image/mask pairs")
    masks = mask_files(files)
    left = [Skipped(path, "not a mask by its name") for path in files if path not in set(masks)]
    return Found(root, tuple(map(mask_of_path, masks)), _BARE, (*skipped, *left))


def narrowed(found: Found, selection: Selection) -> Found:
    pairs = list(found.pairs)
    if selection.only_originals:
        pairs = [pair for pair in pairs if not pair.synthetic]
        if not pairs:
            raise DataError(
                f"{found.root}: --only-originals: all {len(found.pairs)} pairs are synthetic; give real ones"
            )
    if selection.group_by is not None:
        pairs = grouped(pairs, selection.group_by)
    if selection.only:
        pairs = [p for p in pairs if any(any_match(selection.only, path) for path in (p.image, *p.masks) if path)]
    if selection.split:
        if selection.split not in found.splits:
            raise UsageError(
                f"--split {selection.split}: no such split here; found: {', '.join(found.splits) or 'none'}"
            )
        pairs = [p for p in pairs if p.split == selection.split]
    cut = None
    if any(is_volume(path) for pair in pairs for path in (pair.image, *pair.masks)):
        from pairaug.pairs.volumes import cut_volumes

        cut = cut_volumes(
            found.root,
            pairs,
            selection.slices,
            keep_empty=selection.empty_slices,
            most_voxels=selection.most_voxels,
        )
        pairs = list(cut.pairs)
    if selection.among is not None:
        pairs = [pair for pair in pairs if pair.name in selection.among]
    if selection.limit is not None:
        pairs = _limited(pairs, selection)
    if cut is not None:
        found = replace(found, skipped=(*found.skipped, *cut.empty), bad=cut.bad)
    if not pairs and not found.bad:
        raise DataError(f"{found.root}: {len(found.pairs)} pairs, none of which --only lets through; widen it")
    _refuse_case_twins(pairs)
    layout = found.layout if found.layout in (METADATA, _BARE) else _describe_layout(pairs)
    return replace(found, pairs=tuple(pairs), layout=layout)


def _limited(pairs: list[Pair], selection: Selection) -> list[Pair]:
    """At most so many pairs (in whole groups), those that a fit would take first, in the order in which they were."""
    assert selection.limit is not None
    by_split = sorted(pairs, key=lambda pair: _SPLITS.index(pair.split))
    kept = by_split[: selection.limit] if selection.group_by is None else whole_groups(by_split, selection.limit)
    chosen = set(map(id, kept))
    return [pair for pair in pairs if id(pair) in chosen]


def _teller(selection: Selection) -> Teller:
    """What ``--images`` and ``--masks`` say of a path; a named kind takes the role from all that is not named."""

    def told(path: str) -> Told | None:
        for pattern, role in ((selection.masks, Role.MASK), (selection.images, Role.IMAGE)):
            if pattern and matches(pattern, path):
                return role, named_folder(pattern, path)
        by_words = role_by_words(path)
        if (selection.masks and by_words is Role.MASK) or (selection.images and by_words is not Role.MASK):
            return Role.OTHER, None
        return None

    return told if selection.masks or selection.images else lambda path: None


def _by_template(paths: list[str], template: str) -> tuple[list[Pair], list[Skipped]]:
    """Pairs by ``IMAGE=MASK`` with ``{id}`` in both, at whatever depth the pattern begins."""
    image_part, equals, mask_part = template.partition("=")
    if not equals or "{id}" not in image_part or "{id}" not in mask_part:
        raise UsageError(
            f"--pair {template!r}: must read 'IMAGE=MASK' with {{id}} in both, as 'img/{{id}}.png=gt/{{id}}.png'"
        )
    pattern = re.compile(r"(?P<top>(?:.*/)?)" + _template_regex(image_part) + r"\Z", re.DOTALL)
    present = set(paths)
    pairs, used = [], set()
    for path in paths:
        match = pattern.match(path)
        if not match:
            continue
        top, identity = match["top"], match["id"]
        mask = top + mask_part.replace("{id}", identity)
        if mask in present and mask != path:
            split = pair_of_paths(path, (mask,)).split
            pairs.append(Pair(path, (mask,), top + image_part, top + mask_part, split))
            used |= {path, mask}
    return pairs, [Skipped(path, "does not fit --pair") for path in paths if path not in used]


def _template_regex(template: str) -> str:
    first, *others = template.split("{id}")
    middle = r"(?P<id>[^/]+?)" + r"(?P=id)".join(re.escape(part) for part in others)
    return re.escape(first) + middle


def looks_like_mask(root: Path) -> Callable[[str], bool]:
    def look(path: str) -> bool:
        try:
            if is_medical(path):
                from pairaug.pairs.medical import looks_like_labels

                return looks_like_labels(root / path, DecodePolicy(), _MASK_VALUES)
            raw, form = decode_mask(root / path, DecodePolicy(alpha="drop"))
        except DataError:
            return False
        return form.format not in LOSSY_FORMATS and len(np.unique(raw)) <= _MASK_VALUES

    return look


def _nothing_pairs(found: Found) -> DataError:
    reasons = Counter(entry.reason for entry in found.skipped)
    seen = "; ".join(f"{count} files: {reason}" for reason, count in reasons.most_common(3)) or "it holds no images"
    return DataError(f"{found.root}: no pairs found ({seen}); {remedy(found.root, found.skipped)}")


def _describe_layout(pairs: Sequence[Pair]) -> str:
    kinds = Counter(
        pair.image_template + (f" (mask at the {pair.glued})" if pair.glued else f" = {pair.mask_template}")
        for pair in pairs
    )
    if not kinds:
        return ""
    ((layout, _),) = kinds.most_common(1)
    return layout + (f" and {len(kinds) - 1} more" if len(kinds) > 1 else "")


def _refuse_case_twins(pairs: Sequence[Pair]) -> None:
    seen: dict[str, str] = {}
    for pair in pairs:
        for path in (pair.image, *pair.masks):
            other = seen.setdefault(path.casefold(), path)
            if path and other != path:
                raise DataError(f"{other} and {path} differ in upper and lower case alone; rename one")
