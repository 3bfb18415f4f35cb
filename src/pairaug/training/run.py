"""One fit under way: opening its folder, training or remembering, saving the model, fitting its gate.

Enters: a checked data set, a model and the options. Leaves: a fitted model in its folder, with the record of the run.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairaug.arrays.examples import Examples
from pairaug.files import (
    clear_temporaries,
    digest_file,
    human_bytes,
    mark_own,
    probe_output,
    read_json_lines,
    write_atomic,
)
from pairaug.fitted.identity import Identity, identity_digest
from pairaug.fitted.model_file import save_model
from pairaug.fitted.space import bytes_of_fit, planes_kept
from pairaug.gates.names import GATE_OF, gate_bytes, gate_seconds
from pairaug.locking import folder_lock
from pairaug.machine.device import choose_device, threads
from pairaug.machine.precision import PRECISIONS
from pairaug.machine.randomness import torch_generator
from pairaug.machine.ranks import Ranks
from pairaug.machine.work import Work
from pairaug.machine.workers import default_threads
from pairaug.models.base import Example, Model, Shape
from pairaug.pairs.checked import Checked
from pairaug.pairs.checking import refuse_changed
from pairaug.registry import Kind, ModelEntry
from pairaug.report.curves import loss_curves
from pairaug.report.sheets import png
from pairaug.reporting import Reporter, spoken_time
from pairaug.training import run_folder
from pairaug.training.bare import Bare
from pairaug.training.checkpoint import keep_last
from pairaug.training.finding import looked_at
from pairaug.training.gating import fit_gate
from pairaug.training.history import HISTORY, PLACES, Watcher
from pairaug.training.label_names import find_label_names
from pairaug.training.length import ALREADY, Length
from pairaug.training.loop import CHECKPOINTS, Schedule, train
from pairaug.training.objectives.base import Objective, count_trained
from pairaug.training.plan import (
    LOOKING,
    FitOptions,
    epochs_of,
    expected_seconds,
)
from pairaug.training.sampler import Sampler
from pairaug.training.sheets import draw_sheet
from pairaug.training.tensorboard import Board
from pairaug.training.terms import find_terms


@dataclass
class Run:
    """One fit under way; ``facts``: what its ``run.json`` says beside its identity; ``bare``: images without masks."""

    kind: Kind
    entry: ModelEntry
    config: Any
    shape: Shape
    checked: Checked
    folder: Path
    identity: Identity
    facts: dict[str, Any]
    options: FitOptions
    reporter: Reporter
    ranks: Ranks
    bare: Bare | None = None

    def opened(self, held: ExitStack, source: str) -> dict[str, Any] | None:
        """Lock the run's folder for as long as ``held`` lasts; the facts of the run, None where it is complete."""
        run_folder.refuse_among_data(self.folder, self.checked)
        mark_own(self.folder.parent)
        held.enter_context(folder_lock(self.folder))
        clear_temporaries(self.folder)
        mark_own(self.folder, whole=True)
        earlier = run_folder.open_run(self.folder, self.identity, fresh=self.options.fresh)
        length = Length(epochs_of(self.entry, self.options), self.options.minutes)
        if earlier and earlier.finished and self._complete(earlier, length):
            if self.options.gate and run_folder.lacks_gate(self.folder, earlier, self.kind):
                self.facts.update(earlier.facts)
                self._tell_of_gate()
                self._fit_gate()
                run_folder.record(self.folder, self.identity, "finished", self.facts)
            return None
        threads = self.options.threads or (earlier.threads if earlier else 0)
        return {
            "command": self.options.command,
            "origins": dict(self.options.origins),
            "source": {"given": source, "root": str(self.checked.root.resolve())},
            "pairs": len(self.checked.pairs),
            "epochs": length.epochs,
            "minutes": length.minutes,
            "threads": threads or max(1, default_threads() // self.ranks.here),
        }

    def _complete(self, earlier: run_folder.Earlier, length: Length) -> bool:
        """Whether the run in the folder is as long as asked and its model whole; says so, or what is made again."""
        trains = self.entry.trains
        answer = length.reached(earlier.content, len(self.checked.pairs)) if trains else ALREADY
        damage = run_folder.damage(self.folder, earlier, self.kind) if answer else ""
        if damage:
            self.reporter.warn(f"{damage}; it is made again" + (", from the last checkpoint if it is whole" * trains))
        elif answer:
            (self.reporter.note if answer == ALREADY else self.reporter.warn)(answer)
        return bool(answer) and not damage

    def run(self) -> None:
        began = time.monotonic()
        with threads(self.facts["threads"]):
            self._run(began)

    def _run(self, began: float) -> None:
        self.ranks.told(self._before_work)
        square = (self.shape.height, self.shape.width) if self.entry.works == "square" else None
        examples = self._examples(square)
        model, images = self._train(examples) if self.entry.trains else (self._remember(examples), 0)
        self.ranks.told(lambda: self._save(model, images, began))

    def _examples(self, square: tuple[int, int] | None) -> Examples:
        """The pairs, and the images without masks with what is found in them."""
        channels = self.shape.channels
        if self.bare is None:
            return Examples(self.checked, channels, square)
        given, work = self.bare, Work(self.facts["threads"], self.reporter)
        self.bare = self.ranks.told(lambda: looked_at(given, self.checked, channels, self.options.seed, work))
        return Examples(self.checked, channels, square, unlabelled=self.bare.kept, found=self.bare.found)

    def _save(self, model: Any, images: int, began: float) -> None:
        refuse_changed(self.checked)
        if self.bare is not None:
            self.bare.refuse_changed()
        reading = {"decode": asdict(self.checked.policy.decode), "cleaning": asdict(self.checked.policy.cleaning)}
        names = find_label_names(self.checked.root, self.checked.label_map.values)
        found = {"reading": reading, "terms": find_terms(self.checked.root), "label_names": names}
        saved = {"identity": dict(self.identity), "seed": self.options.seed, "images_seen": images}
        run_folder.remove_gates(self.folder)  # they are those of the model before
        beside = self.bare.seen if self.bare else ()
        path = save_model(self.folder, self.kind, model, self.checked, saved | found, beside)
        self.facts["images_seen"] = images
        self.facts["model_sha256"] = digest_file(path)
        if self.options.gate:
            self._fit_gate()
        self.facts["seconds"] = round(time.monotonic() - began, 1)
        run_folder.record(self.folder, self.identity, "finished", self.facts)
        keep_last(self.folder / CHECKPOINTS, 1)

    def _tell_of_gate(self) -> None:
        seconds = gate_seconds(self.kind, len(self.checked.pairs), self.facts["threads"])
        if self.options.gate and seconds:
            name = GATE_OF[self.kind]
            self.reporter.note(f"about {spoken_time(seconds)} more to fit the {name} gate (--no-gate leaves it out)")

    def _tell_of_images(self) -> None:
        if self.bare is not None:
            seconds = spoken_time(LOOKING.seconds(self.facts["threads"]))
            self.reporter.note(
                f"{len(self.bare.images.images)} images without masks; about {seconds} to find what stands in them"
            )

    def _fit_gate(self) -> None:
        if self.kind in GATE_OF:
            seed, workers = self.options.seed, self.facts["threads"]
            self.facts["gates"] = fit_gate(self.kind, self.folder, self.checked, seed, self.reporter, workers)

    def _before_work(self) -> None:
        """Say what is going to happen and how long it takes; make sure that the disk will hold it; record the run."""
        counts = count_trained(self.entry.load(), self.entry.load_objective(), self.config, self.shape)
        self.facts["parameters"] = counts
        total = sum(counts.values())
        planes = planes_kept(self.entry.keeps, self.shape.channels)
        sizes = [item.size for item in self.checked.pairs]
        sizes += [item.size for item in self.bare.images.images] if self.bare else []
        needed = bytes_of_fit(total, sizes, planes)
        if self.options.gate:
            needed += gate_bytes(self.kind, len(self.checked.pairs), self.shape.classes)
        probe_output(self.folder, needed)
        if self.entry.trains:
            self.reporter.note(f"{self.entry.name}: {total / 1e6:.2f} M parameters, side {self.shape.height}")
            seconds = expected_seconds(self.entry, self.options, len(self.checked.pairs), self.shape.height, total)
            self.reporter.note(f"about {spoken_time(seconds)} to train; up to {human_bytes(needed)} on disk")
        self._tell_of_gate()
        self._tell_of_images()
        if self.entry.keeps != "nothing":
            only = "" if self.entry.trains else "nothing to train; "
            self.reporter.note(f"{self.entry.name}: {only}the file holds the {self.facts['pairs']} {self.entry.keeps}")
        run_folder.record(self.folder, self.identity, "running", self.facts)

    def _remember(self, examples: Examples) -> Model:
        model: Model = self.entry.load()(self.config, self.shape, torch_generator(self.options.seed, "weights"))
        model.remember(examples)
        if self.ranks.first:
            self._draw("samples.png", model, examples)
        return model

    def _train(self, examples: Examples) -> tuple[Model, int]:
        length = (self.facts["epochs"], self.facts["minutes"])
        schedule = Schedule(self.options.seed, self.options.batch_size, *length, identity_digest(self.identity))
        crop = (self.shape.height, self.shape.width) if self.entry.works == "crops" else None
        sampler = Sampler(examples, self.options.seed, crop, turn=True, ranks=self.ranks)
        watcher = self._watcher()

        def on_epoch(model: Model, epoch: int, last: bool) -> None:
            if last or epoch in self.options.sample_epochs or (not self.options.sample_epochs and _power_of_two(epoch)):
                picture = self._draw(f"epoch-{epoch:05d}.png", model, examples, crop)
                watcher.sheet(epoch * len(examples), picture)

        objective, progress = train(
            lambda: make_objective(self.entry, self.config, self.shape, self.options.seed, examples),
            sampler,
            schedule,
            self.folder,
            device=choose_device(self.options.device),
            reporter=self.reporter,
            on_epoch=on_epoch,
            precision=PRECISIONS[self.identity["precision"]],
            watcher=watcher,
        )
        if self.ranks.first:
            self._draw_losses()
        self.facts["training_seconds"] = round(progress.seconds, 3)
        beyond = Length(*length).beyond(progress.images, progress.seconds, progress.minutes, len(examples))
        if beyond:
            self.reporter.warn(beyond)
        if progress.skipped:
            self.reporter.warn(f"{progress.skipped} steps without a finite loss were passed over")
        return objective.result.cpu(), progress.images

    def _draw(
        self, name: str, model: Model, examples: Examples, crop: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        """Draw and keep a sample sheet; called on the first rank alone."""
        return draw_sheet(self.folder / run_folder.SAMPLES / name, model, examples, self.options.seed, crop)

    def _watcher(self) -> Watcher:
        place = self.options.tensorboard
        return Board(place / self.folder.name, self.reporter) if place and self.ranks.first else Watcher()

    def _draw_losses(self) -> None:
        rows = read_json_lines(self.folder / HISTORY)
        if not rows:  # the file was lost after training
            return
        names = [name for name in rows[-1] if name not in PLACES]
        write_atomic(self.folder / run_folder.LOSSES, png(loss_curves(rows, names, "epoch")), sync=False)


def make_objective(entry: ModelEntry, config: Any, shape: Shape, seed: int, examples: Sequence[Example]) -> Objective:
    """A model with its initial weights, what trains it, and what it keeps of the data."""
    generator = torch_generator(seed, "weights")
    model = entry.load()(config, shape, generator)
    objective_class = entry.load_objective()
    assert objective_class is not None
    objective: Objective = objective_class(model, generator)
    if entry.keeps != "nothing":
        for keeper in filter(None, (objective.model, objective.average)):
            keeper.remember(examples)
    objective.look(examples)
    return objective


def _power_of_two(number: int) -> bool:
    return number & (number - 1) == 0
