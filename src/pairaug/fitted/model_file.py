"""A fitted model is one file, ``model.safetensors``; the digests of its training pairs lie beside it.

The header's metadata holds one JSON object: which model, its config, the label values, and the digest of
``pairs.jsonl``, whose rows say what each training pair was (digests, size, naming pattern, forms) and nothing of
where it lay. Nothing is pickled, and a file is believed only after every part of it has been compared with what the
model itself expects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from pairaug import __version__
from pairaug.errors import DivergedError, ModelError, StorageError
from pairaug.files import checked_relative, digest_bytes, json_lines, split_lines, write_atomic
from pairaug.fitted.header import MAX_HEADER, header_length, read_metadata
from pairaug.fitted.seen import USES, Seen, Use, seen_from
from pairaug.json_text import json_text, parse_json
from pairaug.models.base import MaskGenerator, Model, Shape, Translator, build_config, count_parameters
from pairaug.pairs.checked import Checked
from pairaug.pairs.form import FORMATS, MEDICAL_FORMATS, Form
from pairaug.pairs.pair import Side
from pairaug.registry import MODELS, Kind, ModelEntry

MODEL_FILE = "model.safetensors"
PAIRS_FILE = "pairs.jsonl"
FORMAT_VERSION = 2
# 1: the forms stood in the header, and a tensor for every mask.
_READABLE = (1, FORMAT_VERSION)
# A weight takes four bytes of the file; some room for what a model does not keep in it.
_MOST_PER_BYTE = 2
FOLDERS: dict[Kind, str] = {"masks": "masks", "translator": "translator"}


@dataclass(frozen=True)
class TrainedPair:
    """What a fitted model knows of one of its training pairs. ``size`` is (width, height).

    ``group`` numbers the groups in order of appearance; their names (patients, perhaps) are not kept. ``mask_parts``:
    the digests of the files whose union is the mask, where there are several; ``mask_labels``: the label value that
    each of them shows, where they are classes.
    """

    image_sha256: str
    mask_sha256: str
    size: tuple[int, int]
    image_template: str
    mask_template: str
    image_form: Form | None
    mask_form: Form
    group: int | None = None
    glued: Side | None = None
    mask_parts: tuple[str, ...] = ()
    mask_labels: tuple[int, ...] = ()
    uses: tuple[Use, ...] = ("fitted",)

    @property
    def seen(self) -> Seen:
        return Seen(self.image_sha256 or None, self.mask_sha256 or None, self.uses)


@dataclass(frozen=True)
class FittedModel:
    """A model as read from its file; ``beside``: what it saw beside its training pairs."""

    kind: Literal["masks", "translator"]
    network: MaskGenerator | Translator
    shape: Shape
    label_values: tuple[int, ...]
    intensity: tuple[int, int]
    pairs: tuple[TrainedPair, ...]
    beside: tuple[Seen, ...]
    digest: str
    info: Mapping[str, Any]

    @property
    def seen(self) -> tuple[Seen, ...]:
        """All that the model saw."""
        return (*(pair.seen for pair in self.pairs), *self.beside)

    @property
    def name(self) -> str:
        return str(self.info["model"])

    @property
    def entry(self) -> ModelEntry:
        """What the registry says of the model."""
        return MODELS[self.name]


def save_model(
    folder: Path,
    kind: Kind,
    network: MaskGenerator | Translator,
    checked: Checked,
    facts: Mapping[str, Any],
    beside: Sequence[Seen] = (),
) -> Path:
    """Write ``pairs.jsonl`` and then the model's file, and read both back; returns the latter's path.

    ``beside``: what the model saw beside the pairs of ``checked``, such as images without masks.

    Raises DivergedError for weights that are not finite.
    """
    forms: dict[Form, int] = {}
    groups: dict[str | None, int | None] = {None: None}
    for item in checked.pairs:
        groups.setdefault(item.pair.group, len(groups) - 1)
    learnt = ({**_pair_row(item, forms), "group": groups[item.pair.group]} for item in checked.pairs)
    rows = json_lines([*learnt, *(one.row() for one in beside)])
    info = {
        "format_version": FORMAT_VERSION,
        "pairaug": __version__,
        "kind": kind,
        "model": network.name,
        "keeps": MODELS[network.name].keeps,
        "contains_training_masks": MODELS[network.name].keeps != "nothing",
        "config": asdict(network.config),
        "shape": asdict(network.shape),
        "label_values": list(checked.label_map.values),
        "class_names": list(checked.class_names),
        "intensity": list(checked.intensity),
        "layout": checked.layout,
        "data_digest": checked.digest,
        "pairs_digest": digest_bytes(rows),
        **facts,
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.inference_state().items()}
    spoilt = [name for name, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())]
    if spoilt:
        raise DivergedError(
            f"weights that are not finite after training, such as {spoilt[0]}; start again with --fresh"
        )
    data = save_tensors(tensors, metadata={"pairaug": json_text(info)})
    if header_length(data) > MAX_HEADER:
        raise StorageError(
            f"{folder / MODEL_FILE}: would have a header of more than {MAX_HEADER} bytes; fit fewer pairs"
        )
    write_atomic(folder / PAIRS_FILE, rows)
    write_atomic(folder / MODEL_FILE, data)
    _read_back(folder, kind, digest_bytes(data))
    return folder / MODEL_FILE


def _read_back(folder: Path, kind: Kind, digest: str) -> None:
    """Raises StorageError unless the model just written is on the disk as it should be."""
    try:
        whole = load_model(folder, kind).digest == digest
        reason = "differs from what was written"
    except ModelError as error:
        whole, reason = False, error.message
    if not whole:
        raise StorageError(f"{folder / MODEL_FILE}: read back, it is not whole ({reason}); check the disk, fit again")


def load_model(path: Path, kind: Kind) -> FittedModel:
    """Read and check a model's file (or the folder that holds it). Raises ModelError."""
    path = path / MODEL_FILE if path.is_dir() else path
    if not path.is_file():
        commands = "pairaug fit-masks SOURCE && pairaug fit-translator SOURCE"
        what = "mask model" if kind == "masks" else "translator"
        raise ModelError(f"{path}: no fitted {what} here; make it with: {commands}")
    data = path.read_bytes()
    try:
        info = _checked_info(data, kind)
        forms = [_known_form(form) for form in info.get("forms", ())]
        pairs, beside = _read_pairs(path.parent / PAIRS_FILE, info["pairs_digest"], forms)
        shape = Shape(**info["shape"])
        entry = MODELS[info["model"]]
        model_class = entry.load()
        config = build_config(model_class.Config, info["config"])
        _refuse_oversized(model_class, config, shape, len(data))
        network = model_class(config, shape, torch.Generator())
        tensors = load_tensors(data)
        if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values() if tensor.is_floating_point()):
            raise ValueError("weights that are not finite")
        network.load_inference_state(tensors)
        network.eval()
        return FittedModel(
            kind=kind,
            network=network,
            shape=shape,
            label_values=tuple(int(value) for value in info["label_values"]),
            intensity=(int(info["intensity"][0]), int(info["intensity"][1])),
            pairs=pairs,
            beside=beside,
            digest=digest_bytes(data),
            info=info,
        )
    except ModelError:
        raise
    except Exception as error:  # a file of rubbish may make anything be raised
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{path}: not a usable model file ({reason}); fit the model again") from error


def _pair_row(item: Any, forms: dict[Form, int]) -> dict[str, Any]:
    """A form is written out where it appears first, and is a number after that."""

    def number(form: Form | None) -> int | dict[str, Any] | None:
        if form is None:
            return None
        if form in forms:
            return forms[form]
        forms[form] = len(forms)
        return asdict(form)

    return {
        "image_sha256": item.image_digest,
        "mask_sha256": item.mask_digest,
        "size": list(item.size),
        "image_template": item.pair.image_template,
        "mask_template": item.pair.mask_template,
        "image_form": number(item.image_form),
        "mask_form": number(item.mask_form),
        "glued": item.pair.glued,
        "for": ["fitted"],
        **({"mask_parts": list(item.mask_parts)} if item.mask_parts else {}),
        **({"mask_labels": list(item.pair.mask_labels)} if item.pair.mask_labels else {}),
    }


def _checked_info(data: bytes, kind: Kind) -> dict[str, Any]:
    info = parse_json(read_metadata(data)["pairaug"])
    if info["format_version"] not in _READABLE:
        raise ValueError(f"format version {info['format_version']}; this is pairaug {__version__}")
    if info["kind"] != kind:
        raise ValueError(f"a {info['kind']} model where a {kind} model is wanted")
    if info["model"] not in MODELS or MODELS[info["model"]].kind != kind:
        raise ValueError(f"unknown model {info['model']!r}")
    shape = info["shape"]
    sides = [int(shape["height"]), int(shape["width"])]
    if not 1 <= int(shape["classes"]) <= 256 or not 0 <= int(shape["channels"]) <= 3 or max(sides) > 65536:
        raise ValueError(f"a shape of {shape}")
    if len(info["label_values"]) != shape["classes"]:
        raise ValueError("label values and classes differ in number")
    return dict(info)


def _refuse_oversized(model_class: type[Model], config: Any, shape: Shape, size: int) -> None:
    """Settings may not ask for networks that the file has no weights for, before any memory is given to them."""
    parameters = sum(count_parameters(model_class, config, shape).values())
    if parameters * 4 > _MOST_PER_BYTE * size + 2**26:
        raise ValueError(f"settings that ask for {parameters} parameters, in a file of {size} bytes")


def _known_form(content: Mapping[str, Any]) -> Form:
    form = Form(**content)
    if form.format not in (*FORMATS, *MEDICAL_FORMATS):
        raise ValueError("a file form that pairaug does not know")
    # It becomes the end of file names.
    if form.suffix[:1] not in ("", ".") or len(checked_relative(f"x{form.suffix}", "suffix").parts) != 1:
        raise ValueError(f"a suffix {form.suffix!r}")
    return form


def _form(content: Any, forms: list[Form]) -> Form:
    """The inverse of what a row holds; ``forms`` are those that have appeared."""
    if isinstance(content, dict):
        forms.append(_known_form(content))
        return forms[-1]
    if not 0 <= content < len(forms):
        raise ValueError(f"a file form {content}, of {len(forms)}")
    known: Form = forms[content]
    return known


def _read_pairs(path: Path, digest: str, forms: list[Form]) -> tuple[tuple[TrainedPair, ...], tuple[Seen, ...]]:
    if not path.is_file():
        raise ModelError(f"{path}: is missing; a model's folder has to be copied whole")
    data = path.read_bytes()
    if digest_bytes(data) != digest:
        raise ModelError(f"{path}: is not the one that the model was saved with; fit the model again")
    pairs, beside = [], []
    for line in split_lines(data.decode()):
        row = parse_json(line)
        if "mask_template" not in row:
            beside.append(seen_from(row))
            continue
        for template in (row["image_template"], row["mask_template"]):
            if template:
                checked_relative(template, str(path))
        width, height = (int(side) for side in row["size"])
        if width < 1 or height < 1:
            raise ValueError(f"a pair of size {width}x{height}")
        if row.get("glued") not in (None, "left", "right"):
            raise ValueError(f"a mask glued at the side {row['glued']!r}")
        pairs.append(
            TrainedPair(
                image_sha256=str(row["image_sha256"]),
                mask_sha256=str(row["mask_sha256"]),
                size=(width, height),
                image_template=str(row["image_template"]),
                mask_template=str(row["mask_template"]),
                image_form=None if row["image_form"] is None else _form(row["image_form"], forms),
                mask_form=_form(row["mask_form"], forms),
                group=None if row.get("group") is None else int(row["group"]),
                glued=row.get("glued"),
                mask_parts=tuple(str(part) for part in row.get("mask_parts", ())),
                mask_labels=tuple(int(label) for label in row.get("mask_labels", ())),
                uses=tuple(use for use in USES if use in row.get("for", ["fitted"])),
            )
        )
    if not pairs:
        raise ValueError("no training pairs")
    return tuple(pairs), tuple(beside)
