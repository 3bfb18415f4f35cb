"""Names of models -> where they live, one line about each, and what can be said of them without importing torch.

Adding a model is a file under ``models/`` (and one under ``training/objectives/`` if it trains) and an entry here;
the commands, the contract tests and the benchmarks find it through this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pairaug.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from pairaug.models.base import MaskGenerator, Translator

Kind = Literal["masks", "translator"]
Keeps = Literal["nothing", "masks", "pictures"]
Works = Literal["square", "crops", "whole"]


@dataclass(frozen=True)
class ModelEntry:
    """What is known of a model before it is built.

    ``keeps``: what of the training data is in the fitted model and can be seen again; ``works``: on pictures resized
    to a square, on crops at native scale, or on whole pictures as they are; ``many_per_mask``: whether noise chooses
    among the images of a mask; ``takes_images``: whether images without masks help it; ``objective``: what trains it,
    "" where there is nothing to train (a model may both train and keep data); ``trial``: settings of its smallest
    sensible networks, to try the road out.

    ``size``: working side in pixels unless ``--size`` says otherwise (0: whole pictures); ``smallest_size``: the
    smallest side that the architecture allows; ``epochs``: passes over the data by default; ``core_seconds``: what
    one training step on one pair at ``size`` took on one core of a laptop-class processor with networks of
    ``parameters`` weights, used only to tell a user beforehand about how long a fit takes.
    """

    name: str
    kind: Kind
    module: str
    class_name: str
    summary: str
    size: int = 0
    smallest_size: int = 1
    epochs: int = 0
    core_seconds: float = 0.0
    parameters: int = 0
    keeps: Keeps = "nothing"
    works: Works = "square"
    many_per_mask: bool = False
    takes_images: bool = False
    objective: str = ""
    trial: Mapping[str, int] = field(default_factory=dict)

    @property
    def trains(self) -> bool:
        return bool(self.objective)

    def load(self) -> type[Any]:
        """The model's class; imports torch."""
        return _named(f"{self.module}:{self.class_name}")

    def load_objective(self) -> type[Any] | None:
        """The class of what trains it, None where nothing does; imports torch."""
        return _named(self.objective) if self.objective else None


def _named(place: str) -> type[Any]:
    """The class at ``module:name``."""
    from importlib import import_module

    module, _, name = place.partition(":")
    loaded: type[Any] = getattr(import_module(module), name)
    return loaded


_ENTRIES = (
    ModelEntry(
        name="warp",
        kind="masks",
        module="pairaug.models.masks.warp",
        class_name="Warp",
        summary="elastic, affine and recombining warps of the real masks; nothing to train (contains the masks)",
        keeps="masks",
        works="whole",
    ),
    ModelEntry(
        name="recompose",
        kind="masks",
        module="pairaug.models.masks.recompose",
        class_name="Recompose",
        summary="new objects mixed from real ones, in new places; nothing to train (contains the masks)",
        keeps="masks",
        works="whole",
    ),
    ModelEntry(
        name="regrow",
        kind="masks",
        module="pairaug.models.masks.regrow",
        class_name="Regrow",
        summary="trees pruned and grown again by space colonisation; nothing to train (contains the masks)",
        keeps="masks",
        works="whole",
    ),
    ModelEntry(
        name="vessgan",
        kind="masks",
        module="pairaug.models.masks.vessgan",
        class_name="VessGAN",
        summary="the paper's mask generator: a GAN of linear layers (collapses to one mask, as published)",
        size=128,
        smallest_size=8,
        epochs=200,
        core_seconds=0.12,
        parameters=8_826_113,
        objective="pairaug.training.objectives.vessgan:VessGANObjective",
        trial={"width": 4, "noise": 7},
    ),
    ModelEntry(
        name="vaegan",
        kind="masks",
        module="pairaug.models.masks.vaegan",
        class_name="VAEGAN",
        summary="the paper's future work: a variational auto-encoder against an auto-encoder (blobs; smooth outlines)",
        size=128,
        smallest_size=8,
        epochs=150,
        core_seconds=0.08,
        parameters=514_282,
        objective="pairaug.training.objectives.vaegan:VAEGANObjective",
        trial={"width": 6, "code": 5},
    ),
    ModelEntry(
        name="graft",
        kind="translator",
        module="pairaug.models.translators.graft",
        class_name="Graft",
        summary="real objects on real backgrounds, pixel by pixel; nothing to train (contains the pictures)",
        keeps="pictures",
        works="whole",
        many_per_mask=True,
        takes_images=True,
    ),
    ModelEntry(
        name="joint",
        kind="translator",
        module="pairaug.models.translators.joint",
        class_name="Joint",
        summary="a baseline: one GAN for mask and image; paints the image of the pair whose mask comes nearest",
        size=128,
        smallest_size=8,
        epochs=300,
        core_seconds=0.06,
        parameters=523_937,
        many_per_mask=True,
        objective="pairaug.training.objectives.joint:JointObjective",
        trial={"width": 6, "code": 5},
    ),
    ModelEntry(
        name="vess2image",
        kind="translator",
        module="pairaug.models.translators.vess2image",
        class_name="Vess2Image",
        summary="the paper's translator: pix2pix, U-Net against PatchGAN, L1 weight 160",
        size=256,
        smallest_size=256,
        epochs=30,
        core_seconds=1.5,
        parameters=57_179_140,
        objective="pairaug.training.objectives.vess2image:Vess2ImageObjective",
        trial={"base": 3},
    ),
)

MODELS: dict[str, ModelEntry] = {entry.name: entry for entry in _ENTRIES}
AUTO = "auto"  # the default of both kinds: the data decide (``training.choice``) between
SUITED = {"trees": "regrow", "objects": "recompose", "images": "graft", "training": "vess2image"}


def find_model(name: str, kind: Kind) -> ModelEntry:
    """The entry of ``name``. Raises UsageError for an unknown name or one of the other kind."""
    names = [entry.name for entry in MODELS.values() if entry.kind == kind]
    entry = MODELS.get(name)
    if entry is None:
        raise UsageError(f"--model {name}: no such model; {did_you_mean(name, names)}")
    if entry.kind != kind:
        what = "mask generator" if kind == "masks" else "translator"
        raise UsageError(f"--model {name}: not a {what}; choose from {', '.join(names)}")
    return entry


def load_mask_generator(name: str) -> type[MaskGenerator]:
    return find_model(name, "masks").load()


def load_translator(name: str) -> type[Translator]:
    return find_model(name, "translator").load()
