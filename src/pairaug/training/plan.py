"""What a fit is going to be, before torch is needed: the options, the data set, the model chosen, the time it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from pairaug.errors import DataError, UsageError
from pairaug.machine.workers import default_threads
from pairaug.pairs.checked import Checked, CheckPolicy
from pairaug.pairs.checking import check_pairs
from pairaug.pairs.discovery import WITHOUT_MASK
from pairaug.pairs.pair import Found
from pairaug.pairs.source import Selection, choose_split, find_masks, find_pairs
from pairaug.registry import AUTO, SUITED, Kind, ModelEntry, find_model
from pairaug.reporting import Reporter
from pairaug.segmenter.presets import PRESETS

DEFAULT_MODELS = "pairaug-models"
LARGEST_SIZE = 8192
CURVES_EXTRA = "pip install 'pairaug[tensorboard]'"


@dataclass(frozen=True)
class Looking:
    """The segmenters that look for objects in images without masks: how many, their preset, and for how many steps."""

    preset: str = "full"
    steps: int = 1400
    segmenters: int = 2

    def seconds(self, threads: int) -> float:
        """About how long it takes to fit them."""
        rounds = -(-self.segmenters // max(1, threads))
        return rounds * self.steps * PRESETS[self.preset].step_seconds


LOOKING = Looking()


@dataclass(frozen=True)
class FitOptions:
    """How to fit. None means the model's own default.

    ``models``: folder of fitted models; ``size``: working side in pixels; ``settings``: the model's own, by name;
    ``sample_epochs``: after which epochs a sample sheet is drawn (default: powers of two, and the last);
    ``precision``: what networks are computed in, auto, float32 or bfloat16 (``machine.precision``);
    ``fresh``: discard an earlier run in the same folder; ``gate``: fit the gate of the model beside it;
    ``unlabelled``: images without masks, a folder or a list, for a translator that takes them;
    ``tensorboard``: a folder for curves (``training.tensorboard``), None for none.
    """

    model: str | None = None
    models: Path = Path(DEFAULT_MODELS)
    epochs: int | None = None
    minutes: float | None = None
    batch_size: int = 1
    size: int | None = None
    seed: int = 0
    device: str = "auto"
    precision: str = "float32"
    threads: int | None = None
    settings: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    sample_epochs: tuple[int, ...] = ()
    fresh: bool = False
    gate: bool = True
    unlabelled: Path | None = None
    tensorboard: Path | None = None
    command: str = ""
    origins: Mapping[str, str] = field(default_factory=dict)


def asked_model(kind: Kind, options: FitOptions) -> ModelEntry | None:
    """The registry's entry for the model asked for, None where the data decide.

    Raises UsageError for a model that there is not, and for lengths and sizes that cannot be, DataError for curves that
    nothing here can write.
    """
    name = None if options.model == AUTO else options.model
    if name is None and kind == "translator":
        name, _ = auto_translator(options)
    entry = None if name is None else find_model(name, kind)
    if options.unlabelled is not None and entry is not None and not entry.takes_images:
        raise UsageError(f"--unlabelled: {entry.name} learns from pairs alone; leave it out, or choose another --model")
    for name, value in (("epochs", options.epochs), ("minutes", options.minutes), ("batch-size", options.batch_size)):
        if value is not None and not 0 < value < float("inf"):
            raise UsageError(f"--{name} {value}: must be above 0")
    if entry is not None and options.size is not None and options.size < entry.smallest_size:
        raise UsageError(
            f"--size {options.size}: {entry.name} needs a side of at least {entry.smallest_size}; "
            f"give --size {entry.smallest_size} or more"
        )
    if options.size is not None and options.size > LARGEST_SIZE:
        raise UsageError(f"--size {options.size}: larger than {LARGEST_SIZE} pixels a side is not supported")
    if options.seed < 0:
        raise UsageError(f"--seed {options.seed}: must be 0 or more")
    if options.tensorboard is not None and find_spec("tensorboard") is None:
        raise DataError(f"--tensorboard {options.tensorboard}: writing it needs tensorboard: {CURVES_EXTRA}")
    return entry


def auto_translator(options: FitOptions) -> tuple[str, str]:
    """The translator of ``--model auto``, and why; the data play no part."""
    named = (("epochs", options.epochs), ("minutes", options.minutes), ("size", options.size))
    given = [f"--{name}" for name, value in named if value is not None] + ["--set"] * bool(options.settings)
    if given and options.unlabelled is None:
        return SUITED["training"], f"for {given[0]} is of a network that is trained"
    return SUITED["images"], "which composes real pixels; there is nothing to train, and the file holds the pictures"


def checked_source(
    kind: Kind,
    source: str | Path,
    selection: Selection,
    policy: CheckPolicy,
    lines: Iterable[str] | None,
    reporter: Reporter,
) -> Checked:
    """The data set to fit on, every file of it decoded. Raises DataError."""
    find = find_pairs if kind == "translator" else find_masks
    found, sentence = choose_split(find(source, selection, lines), selection.split)
    if sentence:
        reporter.note(sentence)
    _refuse_synthetic(found)
    for note in found.notes:
        reporter.note(note)
    without = [entry.path for entry in found.skipped if entry.reason == WITHOUT_MASK]
    if without:
        reporter.note(f"{len(without)} images without a mask are not used, such as {without[0]}")
    checked = check_pairs(found, policy)
    what = "pairs" if checked.channels else "masks"
    reporter.note(
        f"{len(checked.pairs)} {what}, {checked.label_map.classes} classes, {checked.layout}{checked.put_together}"
    )
    if checked.bad:
        reporter.warn(f"{len(checked.bad)} {what} left out by --skip-bad, such as {checked.bad[0].reason}")
    for warning in checked.warnings:
        reporter.warn(warning)
    return checked


def _refuse_synthetic(found: Found) -> None:
    """A model fitted on what models made learns their faults, and its pairs descend from nobody knows whom."""
    if found.synthetic:
        originals = len(found.pairs) - found.synthetic
        remedy = f"--only-originals takes the other {originals}" if originals else "give the real pairs"
        raise DataError(f"{found.root}: {found.synthetic} of {len(found.pairs)} pairs are synthetic; {remedy}")


def epochs_of(entry: ModelEntry, options: FitOptions) -> int | None:
    """The epochs asked for; the model's own number where neither they nor a time budget are given."""
    if options.epochs is None and options.minutes is None:
        return entry.epochs
    return options.epochs


def expected_seconds(entry: ModelEntry, options: FitOptions, pairs: int, side: int, parameters: int | None) -> float:
    """About how long a fit takes, from the cost in the registry; ``parameters`` as built, None for the default."""
    if options.minutes is not None and options.epochs is None:
        return options.minutes * 60
    area = (side / max(entry.size, 1)) ** 2
    width = 1.0 if parameters is None or not entry.parameters else parameters / entry.parameters
    per_pair = entry.core_seconds / (options.threads or default_threads()) * area * width
    seconds = (epochs_of(entry, options) or 0) * pairs * per_pair
    return min(seconds, options.minutes * 60) if options.minutes is not None else seconds
