"""Fitting: from a source of pairs to a fitted model in its folder. This is the Python API behind the two fit commands.

from pairaug import fit_translator
fit_translator("./drive", FitOptions(epochs=30))
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pairaug.arrays.tensors import TrainingSet, load_training_set, to_pixels
from pairaug.files import (
    clear_temporaries,
    digest_file,
    human_bytes,
    mark_own,
    probe_output,
    read_json_lines,
    write_atomic,
)
from pairaug.fitted.identity import identity_digest, run_identity
from pairaug.fitted.model_file import FOLDERS, MODEL_FILE, save_model
from pairaug.fitted.space import bytes_of_fit
from pairaug.locking import folder_lock
from pairaug.machine.device import choose_device, use_threads
from pairaug.machine.precision import PRECISIONS, choose_precision, name_of
from pairaug.machine.randomness import torch_generator
from pairaug.machine.workers import default_threads
from pairaug.models.base import MaskGenerator, Model, Shape, Translator, build_config, count_parameters
from pairaug.pairs.checked import Checked, CheckPolicy
from pairaug.pairs.checking import load_classes, refuse_changed
from pairaug.pairs.source import Selection
from pairaug.registry import Kind, ModelEntry
from pairaug.report.curves import loss_curves
from pairaug.report.sheets import mask_picture, png, sheet
from pairaug.reporting import Reporter, spoken_time
from pairaug.training import run_folder
from pairaug.training.checkpoint import keep_last
from pairaug.training.length import ALREADY, Length
from pairaug.training.loop import CHECKPOINTS, HISTORY, Schedule, train
from pairaug.training.plan import (
    FitOptions,
    checked_source,
    chosen_model,
    epochs_of,
    expected_seconds,
)
from pairaug.training.terms import find_terms

_SHEET_ROWS = 4


def fit_mask_generator(
    source: str | Path,
    options: FitOptions | None = None,
    *,
    selection: Selection | None = None,
    policy: CheckPolicy | None = None,
    lines: Iterable[str] | None = None,
    reporter: Reporter | None = None,
) -> Path:
    """Fit a mask generator on a folder of masks or of pairs; returns the path of its file."""
    return fit("masks", source, options, selection=selection, policy=policy, lines=lines, reporter=reporter)[0]


def fit_translator(
    source: str | Path,
    options: FitOptions | None = None,
    *,
    selection: Selection | None = None,
    policy: CheckPolicy | None = None,
    lines: Iterable[str] | None = None,
    reporter: Reporter | None = None,
) -> Path:
    """Fit a translator on a data set of pairs; returns the path of its file."""
    return fit("translator", source, options, selection=selection, policy=policy, lines=lines, reporter=reporter)[0]


def fit(
    kind: Kind,
    source: str | Path,
    options: FitOptions | None = None,
    *,
    selection: Selection | None = None,
    policy: CheckPolicy | None = None,
    lines: Iterable[str] | None = None,
    reporter: Reporter | None = None,
) -> tuple[Path, Checked]:
    """Fit a model of ``kind``; returns its path and the data set as it was checked."""
    options, reporter = options or FitOptions(), reporter or Reporter()
    entry = chosen_model(kind, options)
    model_class = entry.load()
    config = build_config(model_class.Config, options.settings)
    checked = checked_source(kind, source, selection or Selection(), policy or CheckPolicy(), lines, reporter)
    shape = working_shape(kind, entry, options, checked)
    folder = Path(options.models) / FOLDERS[kind]
    run_folder.refuse_among_data(folder, checked)
    trains = bool(entry.epochs)
    device = choose_device(options.device) if trains else None
    identity = run_identity(
        checked,
        model=entry.name,
        settings=asdict(config),
        seed=options.seed,
        size=(shape.height, shape.width) if trains else None,
        batch_size=options.batch_size if trains else None,
        device=device.type if device else None,
        precision=name_of(choose_precision(options.precision, device)) if device else None,
    )
    mark_own(folder.parent)
    with folder_lock(folder):
        clear_temporaries(folder)
        mark_own(folder, whole=True)
        earlier = run_folder.open_run(folder, identity, fresh=options.fresh)
        length = Length(epochs_of(entry, options), options.minutes)
        if earlier and earlier.finished:
            answer = length.reached(earlier.content, len(checked.pairs)) if trains else ALREADY
            damage = run_folder.damage(folder, earlier, kind) if answer else ""
            if answer and not damage:
                (reporter.note if answer == ALREADY else reporter.warn)(answer)
                return folder / MODEL_FILE, checked
            if damage:
                reporter.warn(f"{damage}; it is made again" + (", from the last checkpoint if it is whole" * trains))
        facts = {
            "command": options.command,
            "origins": dict(options.origins),
            "source": {"given": str(source), "root": str(checked.root.resolve())},
            "pairs": len(checked.pairs),
            "epochs": length.epochs,
            "minutes": length.minutes,
            "threads": options.threads or (earlier.threads if earlier else 0) or default_threads(),
        }
        work = _Fit(kind, entry, model_class, config, shape, checked, folder, identity, facts, options, reporter)
        return work.run(), checked


def working_shape(kind: Kind, entry: ModelEntry, options: FitOptions, checked: Checked) -> Shape:
    size = options.size or entry.size
    return Shape(checked.label_map.classes, checked.channels if kind == "translator" else 0, size, size)


def parameters_as_asked(kind: Kind, entry: ModelEntry, options: FitOptions, checked: Checked) -> int:
    """Weights of the networks with the settings asked for. Raises UsageError for a setting that cannot be."""
    model_class = entry.load()
    config = build_config(model_class.Config, options.settings)
    return sum(count_parameters(model_class, config, working_shape(kind, entry, options, checked)).values())


@dataclass
class _Fit:
    """One fit under way, its folder locked."""

    kind: Kind
    entry: ModelEntry
    model_class: type[Any]
    config: Any
    shape: Shape
    checked: Checked
    folder: Path
    identity: Mapping[str, Any]
    facts: dict[str, Any]
    options: FitOptions
    reporter: Reporter

    def run(self) -> Path:
        began = time.monotonic()
        use_threads(self.facts["threads"])
        self._before_work()
        run_folder.record(self.folder, self.identity, "running", self.facts)
        if self.entry.epochs:
            model, images = self._train()
        else:
            model, images = self._remember(), 0
        refuse_changed(self.checked)
        reading = {"decode": asdict(self.checked.policy.decode), "cleaning": asdict(self.checked.policy.cleaning)}
        terms = find_terms(self.checked.root)
        saved = {"identity": dict(self.identity), "seed": self.options.seed, "images_seen": images}
        path = save_model(self.folder, self.kind, model, self.checked, saved | {"reading": reading, "terms": terms})
        self.facts["images_seen"] = images
        self.facts["model_sha256"] = digest_file(path)
        self.facts["seconds"] = round(time.monotonic() - began, 1)
        run_folder.record(self.folder, self.identity, "finished", self.facts)
        keep_last(self.folder / CHECKPOINTS, 1)
        return path

    def _before_work(self) -> None:
        """Say what is going to happen and how long it takes; make sure that the disk will hold it."""
        counts = count_parameters(self.model_class, self.config, self.shape)
        self.facts["parameters"] = counts
        total = sum(counts.values())
        needed = bytes_of_fit(total if self.entry.epochs else 0, [item.size for item in self.checked.pairs])
        probe_output(self.folder, needed)
        if not self.entry.epochs:
            self.reporter.note(f"{self.entry.name}: nothing to train; the file holds the {self.facts['pairs']} masks")
            return
        self.reporter.note(f"{self.entry.name}: {total / 1e6:.2f} M parameters, side {self.shape.height}")
        seconds = expected_seconds(self.entry, self.options, len(self.checked.pairs), self.shape.height, total)
        self.reporter.note(f"about {spoken_time(seconds)} to train; up to {human_bytes(needed)} on disk")

    def _make_model(self) -> Model:
        generator = torch_generator(self.options.seed, "weights")
        model: Model = self.model_class(self.config, self.shape, generator)
        return model

    def _remember(self) -> MaskGenerator:
        model = self._make_model()
        assert isinstance(model, MaskGenerator)
        checked = self.checked
        masks = [load_classes(checked.root, item, checked.policy, checked.label_map) for item in checked.pairs]
        model.remember([torch.from_numpy(mask) for mask in masks])
        self._sheet(model, [mask for mask in masks[:_SHEET_ROWS]], "samples.png")
        return model

    def _train(self) -> tuple[Any, int]:
        data = load_training_set(self.checked, self.shape)
        length = (self.facts["epochs"], self.facts["minutes"])
        schedule = Schedule(self.options.seed, self.options.batch_size, *length, identity_digest(self.identity))

        def on_epoch(model: Model, epoch: int, last: bool) -> None:
            if last or epoch in self.options.sample_epochs or (not self.options.sample_epochs and _power_of_two(epoch)):
                self._epoch_sheet(model, data, epoch)

        model, progress = train(
            self._make_model,
            data,
            schedule,
            self.folder,
            device=choose_device(self.options.device),
            reporter=self.reporter,
            on_epoch=on_epoch,
            precision=PRECISIONS[self.identity["precision"]],
        )
        self._draw_losses()
        self.facts["training_seconds"] = round(progress.seconds, 3)
        beyond = Length(*length).beyond(progress.images, progress.seconds, progress.minutes, len(data))
        if beyond:
            self.reporter.warn(beyond)
        if progress.skipped:
            self.reporter.warn(f"{progress.skipped} steps without a finite loss were passed over")
        return model.cpu(), progress.images

    def _epoch_sheet(self, model: Model, data: TrainingSet, epoch: int) -> None:
        name = f"epoch-{epoch:05d}.png"
        if isinstance(model, MaskGenerator):
            self._sheet(model, list(data.labels[:_SHEET_ROWS]), name)
        else:
            assert isinstance(model, Translator)
            self._triples(model, data, name)

    def _sheet(self, model: MaskGenerator, masks: list[NDArray[np.uint8]], name: str) -> None:
        """Real masks beside generated ones."""
        rows = []
        for i, mask in enumerate(masks):
            made = [
                model.sample(torch_generator(self.options.seed, "sheet", i, j), (mask.shape[0], mask.shape[1]))
                for j in range(2)
            ]
            rows.append([mask_picture(mask), *(mask_picture(one.labels.cpu().numpy()) for one in made)])
        self._write_sheet(rows, ("real", "generated", "generated"), name)

    def _triples(self, model: Translator, data: TrainingSet, name: str) -> None:
        """Mask, target and output of the first pairs."""
        device = next(model.parameters()).device
        rows = []
        for i in range(min(_SHEET_ROWS, len(data))):
            batch = data.batch([i], device)
            assert batch.images is not None
            painted = model.translate(batch.labels, torch_generator(self.options.seed, "sheet", i))
            row = [mask_picture(data.labels[i])]
            row += [_viewable(picture[0]) for picture in (batch.images, painted)]
            rows.append(row)
        self._write_sheet(rows, ("mask", "target", "output"), name)

    def _write_sheet(self, rows: list[list[NDArray[np.uint8]]], captions: tuple[str, ...], name: str) -> None:
        write_atomic(self.folder / run_folder.SAMPLES / name, png(sheet(rows, captions)), sync=False)

    def _draw_losses(self) -> None:
        rows = read_json_lines(self.folder / HISTORY)
        if not rows:  # the file was lost after training
            return
        names = [name for name in rows[-1] if name not in ("images", "epoch", "skipped_steps")]
        write_atomic(self.folder / run_folder.LOSSES, png(loss_curves(rows, names, "epoch")), sync=False)


def _viewable(image: torch.Tensor) -> NDArray[np.uint8]:
    """(C, H, W) in [-1, 1] -> (H, W[, 3]) uint8 for a sheet, whatever the bit depth of the data."""
    pixels = to_pixels(image, (0, 255)).astype(np.uint8)
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels


def _power_of_two(number: int) -> bool:
    return number & (number - 1) == 0
