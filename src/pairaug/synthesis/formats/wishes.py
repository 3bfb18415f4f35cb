"""What the user wants to have written otherwise than in the originals: checked words, before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from pairaug.errors import UsageError, did_you_mean

BACKGROUND = "background"
IMAGES_AS = ("png",)
MASKS_AS = ("png", "classes")


@dataclass(frozen=True)
class Wishes:
    """``images_as``: "png"; ``masks_as``: "png", or "classes" for PNG that hold 0 to K-1; None: as the originals are.

    ``class_names``: of class 1 and above; none: as the source names them, or by their values.
    """

    images_as: str | None = None
    masks_as: str | None = None
    class_names: tuple[str, ...] = ()


def wishes_of(images_as: str | None, masks_as: str | None, class_names: str | None) -> Wishes:
    """As on the command line; ``class_names`` with commas between them. Raises UsageError for what no set can have."""
    for flag, value, known in (("--images-as", images_as, IMAGES_AS), ("--masks-as", masks_as, MASKS_AS)):
        if value is not None and value not in known:
            raise UsageError(f"{flag} {value}: not known; {did_you_mean(value, known)}")
    names = () if class_names is None else tuple(name.strip() for name in class_names.split(","))
    for name in names:
        if wrong := _wrong_with(name, names):
            raise UsageError(
                f"--class-names {class_names}: {wrong}; give each class but the background a name of its own, "
                "such as cytoplasm,nucleus"
            )
    return Wishes(images_as, masks_as, names)


def _wrong_with(name: str, names: tuple[str, ...]) -> str:
    if not name:
        return "a name is empty"
    if not name.isprintable():
        return f"{name!r} cannot be printed"
    if name == BACKGROUND:
        return "the background has its name"
    return f"{name} is there twice" if names.count(name) > 1 else ""
