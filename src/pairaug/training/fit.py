"""Fitting: from a source of pairs to a fitted model in its folder. This is the Python API behind the two fit commands.

from pairaug import fit_translator
fit_translator("./drive", FitOptions(epochs=30))
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

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
from pairaug.fitted.identity import Identity, identity_digest, run_identity
from pairaug.fitted.model_file import FOLDERS, MODEL_FILE, save_model
from pairaug.fitted.space import bytes_of_fit, planes_kept
from pairaug.gates.names import GATE_OF, gate_bytes, gate_seconds
from pairaug.locking import folder_lock
from pairaug.machine.device import choose_device, threads
from pairaug.machine.precision import PRECISIONS, choose_precision, name_of
from pairaug.machine.randomness import torch_generator
from pairaug.machine.ranks import Ranks, joined
from pairaug.machine.work import Work
from pairaug.machine.workers import default_threads
from pairaug.models.base import Example, Model, Shape, build_config
from pairaug.pairs.checked import Checked, CheckPolicy
from pairaug.pairs.checking import refuse_changed
from pairaug.pairs.source import Selection
from pairaug.registry import Kind, ModelEntry
from pairaug.report.curves import loss_curves
from pairaug.report.sheets import png
from pairaug.reporting import Reporter, spoken_time
from pairaug.training import run_folder
from pairaug.training.bare import Bare, backgrounds, find_bare, looked_at, seconds_to_look
from pairaug.training.checkpoint import keep_last
from pairaug.training.gating import fit_gate
from pairaug.training.length import ALREADY, Length
from pairaug.training.loop import CHECKPOINTS, HISTORY, Schedule, train
from pairaug.training.objectives.base import Objective, count_trained
from pairaug.training.plan import (
    FitOptions,
    checked_source,
    chosen_model,
    epochs_of,
    expected_seconds,
)
from pairaug.training.sampler import Sampler
from pairaug.training.sheets import draw_sheet
from pairaug.training.terms import find_terms


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
    with joined() as ranks:
        options = options or FitOptions()
        speaker = (reporter if ranks.first else None) or Reporter()
        entry = chosen_model(kind, options)
        config = build_config(entry.load().Config, options.settings)
        checked = ranks.told(
            lambda: checked_source(kind, source, selection or Selection(), policy or CheckPolicy(), lines, speaker)
        )
        shape = working_shape(kind, entry, options, checked)
        bare = ranks.told(
            lambda: find_bare(options.unlabelled, entry, checked, selection or Selection(), policy or CheckPolicy())
        )
        identity = _identity(entry, config, shape, checked, options, ranks, bare)
        folder = Path(options.models) / FOLDERS[kind]
        work = _Fit(kind, entry, config, shape, checked, folder, identity, {}, options, speaker, ranks, bare)
        with ExitStack() as held:
            facts = ranks.told(lambda: work.opened(held, str(source)))
            if facts is not None:
                work.facts.update(facts)
                work.run()
        return folder / MODEL_FILE, checked


def _identity(
    entry: ModelEntry,
    config: Any,
    shape: Shape,
    checked: Checked,
    options: FitOptions,
    ranks: Ranks,
    bare: Bare | None,
) -> Identity:
    images = bare.digests if bare else ()
    if not entry.trains:
        return run_identity(checked, model=entry.name, settings=asdict(config), seed=options.seed, images=images)
    device = choose_device(options.device)
    return run_identity(
        checked,
        model=entry.name,
        settings=asdict(config),
        seed=options.seed,
        size=(shape.height, shape.width),
        batch_size=options.batch_size,
        device=device.type,
        precision=name_of(choose_precision(options.precision, device)),
        ranks=ranks.count,
        images=images,
    )


def working_shape(kind: Kind, entry: ModelEntry, options: FitOptions, checked: Checked) -> Shape:
    size = options.size or entry.size
    return Shape(checked.label_map.classes, checked.channels if kind == "translator" else 0, size, size)


def parameters_as_asked(kind: Kind, entry: ModelEntry, options: FitOptions, checked: Checked) -> int:
    """Weights of the networks with the settings asked for. Raises UsageError for a setting that cannot be."""
    config = build_config(entry.load().Config, options.settings)
    shape = working_shape(kind, entry, options, checked)
    return sum(count_trained(entry.load(), entry.load_objective(), config, shape).values())


@dataclass
class _Fit:
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
        """The pairs, and the images without masks with the regions in them where an object may stand."""
        channels = self.shape.channels
        if self.bare is None:
            return Examples(self.checked, channels, square)
        self.bare = looked_at(
            self.bare, self.checked, channels, self.options.seed, Work(self.facts["threads"], self.reporter)
        )
        images, suspects = backgrounds(self.bare, self.reporter)
        return Examples(self.checked, channels, square, unlabelled=images, suspects=suspects)

    def _save(self, model: Any, images: int, began: float) -> None:
        refuse_changed(self.checked)
        if self.bare is not None:
            self.bare.refuse_changed()
        reading = {"decode": asdict(self.checked.policy.decode), "cleaning": asdict(self.checked.policy.cleaning)}
        terms = find_terms(self.checked.root)
        saved = {"identity": dict(self.identity), "seed": self.options.seed, "images_seen": images}
        run_folder.remove_gates(self.folder)  # they are those of the model before
        beside = self.bare.seen if self.bare else ()
        saved |= {"reading": reading, "terms": terms}
        path = save_model(self.folder, self.kind, model, self.checked, saved, beside)
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
            seconds = spoken_time(seconds_to_look(len(self.checked.pairs)))
            self.reporter.note(
                f"{len(self.bare.images.images)} images without masks; about {seconds} to find what may stand in them"
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
        needed = bytes_of_fit(total, [item.size for item in self.checked.pairs], planes)
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
        self._draw("samples.png", model, examples)
        return model

    def _train(self, examples: Examples) -> tuple[Model, int]:
        length = (self.facts["epochs"], self.facts["minutes"])
        schedule = Schedule(self.options.seed, self.options.batch_size, *length, identity_digest(self.identity))
        crop = (self.shape.height, self.shape.width) if self.entry.works == "crops" else None
        sampler = Sampler(examples, self.options.seed, crop, turn=True, ranks=self.ranks)

        def on_epoch(model: Model, epoch: int, last: bool) -> None:
            if last or epoch in self.options.sample_epochs or (not self.options.sample_epochs and _power_of_two(epoch)):
                self._draw(f"epoch-{epoch:05d}.png", model, examples, crop)

        objective, progress = train(
            lambda: make_objective(self.entry, self.config, self.shape, self.options.seed, examples),
            sampler,
            schedule,
            self.folder,
            device=choose_device(self.options.device),
            reporter=self.reporter,
            on_epoch=on_epoch,
            precision=PRECISIONS[self.identity["precision"]],
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

    def _draw(self, name: str, model: Model, examples: Examples, crop: tuple[int, int] | None = None) -> None:
        if self.ranks.first:
            draw_sheet(self.folder / run_folder.SAMPLES / name, model, examples, self.options.seed, crop)

    def _draw_losses(self) -> None:
        rows = read_json_lines(self.folder / HISTORY)
        if not rows:  # the file was lost after training
            return
        names = [name for name in rows[-1] if name not in ("images", "epoch", "skipped_steps")]
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
