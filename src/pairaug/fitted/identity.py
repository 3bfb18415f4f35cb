"""What a run was asked to be: everything that changes a tensor, in one place.

A fit, its checkpoints, its model file and the segmenters kept by evaluate carry an identity; two runs give the same
weights only if theirs are equal. How long a run takes is no part of it: a longer run goes on from a shorter one.
Enters: a checked data set and the settings. Leaves: a table for JSON, and in words what differs between two of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pairaug.files import digest_bytes
from pairaug.json_text import json_text
from pairaug.pairs.checked import Checked

# Raise it where the same data and settings lead to other tensors than before (decoding, resizing, levels, the order
# of an epoch, initial weights). 1: did not say how files were read.
IDENTITY_VERSION = 2
Identity = dict[str, Any]

# What was fitted on: in words, and the key under which their number stands.
_DATA = {"data": ("the data", "pairs"), "images": ("without masks", "images")}
_WORDS = {
    "identity_version": "the version of the identity",
    "device": "the device",
    "precision": "--precision",
    "label_values": "the label values",
    "alpha": "--alpha",
    "exif": "--exif",
    "palette": "--palette",
    "class_names": "the classes",
    "window": "the window",
    "threshold": "--threshold",
    "labels": "--labels",
    "background": "--background",
    "ignore_label": "--ignore-label",
    "batch_size": "the batch size",
    "ranks": "the number of processes",
}


def run_identity(
    checked: Checked,
    *,
    model: str,
    settings: Mapping[str, Any],
    seed: int,
    size: tuple[int, int] | None = None,
    batch_size: int | None = None,
    device: str | None = None,
    precision: str | None = None,
    ranks: int | None = None,
    images: Sequence[str] = (),
) -> Identity:
    """``size``: working (height, width); ``device``: its kind (cpu, cuda, mps); ``ranks``: how many processes;
    ``images``: digests of those without masks.

    None: it plays no part.
    """
    identity = {
        "identity_version": IDENTITY_VERSION,
        "data": {"pairs": len(checked.pairs), "digest": checked.content_digest},
        "reading": checked.reading,
        "model": model,
        "settings": dict(settings),
        "size": None if size is None else list(size),
        "seed": seed,
        "batch_size": batch_size,
        "device": device,
        "precision": precision,
        "ranks": ranks,
        **({"images": {"images": len(images), "digest": digest_bytes("".join(images).encode())}} if images else {}),
    }
    content: Identity = json.loads(json_text(identity))  # as it will be read again: lists for tuples
    return content


def identity_digest(identity: Mapping[str, Any]) -> str:
    return digest_bytes(json.dumps(identity, sort_keys=True).encode())


def differences(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> list[str]:
    """What differs, in words: ``the window: -1000,400 there, none here``. Empty where nothing does."""
    if theirs.get("identity_version", 1) != ours["identity_version"]:
        return ["fitted by an earlier or a later version of pairaug, which told runs apart by other things"]
    found = []
    for name in sorted({*theirs, *ours}):
        there, here = theirs.get(name), ours.get(name)
        if there == here:
            continue
        if name in _DATA:
            found.append(_data(name, there, here))
        elif isinstance(there, Mapping) and isinstance(here, Mapping):
            prefix = "--set " if name == "settings" else ""
            keys = [key for key in sorted({*there, *here}) if there.get(key) != here.get(key)]
            found += [_two(prefix + key, there.get(key), here.get(key)) for key in keys]
        else:
            found.append(_two(name, there, here))
    return found


def _data(name: str, there: Any, here: Any) -> str:
    what, unit = _DATA[name]
    there, here = (part.get(unit, 0) if isinstance(part, Mapping) else 0 for part in (there, here))
    if there != here:
        return _two(what, f"{there} {unit}", f"{here} {unit}")
    return f"{what}: {there} {unit} here as there, but other files, or in another order, or grouped otherwise"


def _two(name: str, there: Any, here: Any) -> str:
    return f"{_WORDS.get(name, name)}: {_shown(there)} there, {_shown(here)} here"


def _shown(value: Any) -> str:
    if value is None or value == []:
        return "none"
    text = ",".join(_shown(part) for part in value) if isinstance(value, list) else str(value)
    if isinstance(value, float) and value.is_integer():
        text = str(int(value))
    return text if len(text) <= 60 else text[:57] + "..."
