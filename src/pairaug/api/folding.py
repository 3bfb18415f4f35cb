"""What the options of ``folds`` mean, in a shell and in Python: which of them are of the fits, which of the set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pairaug.errors import UsageError

if TYPE_CHECKING:
    from pairaug.synthesis.folds.run import FoldsOptions

_OF_BOTH_FITS = ("seed", "device", "precision", "threads", "fresh")
_OF_TRANSLATOR = ("model", "epochs", "minutes", "batch_size", "size", "settings", "unlabelled")
_OF_SET = (
    "count", "format", "images_as", "masks_as", "class_names", "prefix", "license", "gates", "models", "seed", "device",
    "threads", "overwrite",
)  # fmt: skip


def folds_options(
    *,
    folds: int | None = None,
    mask_model: str | None = None,
    no_gate: bool = False,
    command: str = "",
    origins: Mapping[str, str] | None = None,
    **given: Any,
) -> FoldsOptions:
    """The options by the names of the flags; what is not given has the defaults of the fits and of ``synthesize``.

    Raises UsageError for what cannot be; loads no torch for it.
    """
    from pairaug.synthesis.options import SynthesisOptions, check_options
    from pairaug.training.plan import FitOptions, asked_model

    if given.get("threads") is not None and given["threads"] < 1:
        raise UsageError(f"--threads {given['threads']}: must be 1 or more")
    told = {"command": command, "origins": origins or {}, "gate": not no_gate}
    fits = {**told, **_of(given, _OF_BOTH_FITS)}
    masks = FitOptions(model=mask_model, **fits)
    translator = FitOptions(**fits, **_of(given, _OF_TRANSLATOR))
    wanted = SynthesisOptions(**_of(given, _OF_SET), origins=origins or {})
    check_options(wanted)
    asked_model("masks", masks)
    asked_model("translator", translator)
    if folds is not None and folds < 2:
        raise UsageError(f"--folds {folds}: must be 2 or more")
    from pairaug.synthesis.folds.run import DEFAULT_FOLDS, FoldsOptions

    return FoldsOptions(DEFAULT_FOLDS if folds is None else folds, masks, translator, wanted)


def _of(given: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: given[name] for name in names if name in given}
