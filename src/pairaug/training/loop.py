"""The training loop: one for all models, known to it only by their contract.

Progress is counted in images seen. The random numbers of a step derive from (seed, images seen), the order of an
epoch from (seed, epoch), so a run that is killed and started again ends with the same weights, bit for bit, as one
that was never disturbed (on a CPU, with the same number of threads). Time decides only when checkpoints are
written and, with a time budget, once, how many images there will be.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from pairaug.errors import DivergedError, StorageError
from pairaug.files import json_lines, read_json_lines, write_atomic
from pairaug.interruption import Interruption
from pairaug.models.base import Model, NonFiniteLoss
from pairaug.reporting import Reporter
from pairaug.training.checkpoint import Progress, all_finite, load_checkpoint, save_checkpoint
from pairaug.training.device import out_of_memory
from pairaug.training.randomness import numpy_generator, torch_generator
from pairaug.training.tensors import TrainingSet

HISTORY = "history.jsonl"
CHECKPOINTS = "checkpoint"
# After this many steps in a row without a finite loss the last checkpoint comes back at half the learning rate.
MOST_FAILURES = 5
_CHECKPOINT_SECONDS = 60.0
_CHECKPOINT_SHARE = 0.05  # of the time, at most, goes into writing checkpoints
_LINES_PER_EPOCH = 4
_TIMED_STEPS = 3


@dataclass(frozen=True)
class Schedule:
    """How long to train: ``epochs`` over the data, or as many images as ``minutes`` allow, whichever ends first."""

    seed: int
    batch_size: int
    epochs: int | None
    minutes: float | None = None


def train(
    make_model: Callable[[], Model],
    data: TrainingSet,
    schedule: Schedule,
    folder: Path,
    *,
    device: torch.device,
    reporter: Reporter,
    on_epoch: Callable[[Model, int, bool], None] = lambda model, epoch, last: None,
) -> tuple[Model, Progress]:
    """Train to the end of the schedule, from the latest checkpoint in ``folder`` if there is one.

    ``on_epoch(model, epochs done, whether training is over)`` may look at the model but not change it. Raises
    Interrupted after a signal (a checkpoint is written first), DivergedError, StorageError for too little memory.
    """
    return _Run(make_model, data, schedule, folder, device, reporter, on_epoch).to_the_end()


class _Run:
    """The state of one training; split into methods only so that each can be read on its own."""

    def __init__(
        self,
        make_model: Callable[[], Model],
        data: TrainingSet,
        schedule: Schedule,
        folder: Path,
        device: torch.device,
        reporter: Reporter,
        on_epoch: Callable[[Model, int, bool], None],
    ) -> None:
        self.make_model, self.data, self.schedule, self.folder = make_model, data, schedule, folder
        self.device, self.reporter, self.on_epoch = device, reporter, on_epoch
        self.checkpoints = folder / CHECKPOINTS
        self.model, self.progress = self._start()
        self.rows = self._history()
        self.failures = 0
        self.saved_at = time.monotonic()
        self.save_cost = 0.0
        self.timed: list[float] = []

    def to_the_end(self) -> tuple[Model, Progress]:
        count = len(self.data)
        with Interruption(self.reporter.warn) as interruption:
            while self.progress.total is None or self.progress.images < self.progress.total:
                began = time.monotonic()
                self._step()
                self._budget(time.monotonic() - began)
                total = self.progress.total
                over = total is not None and self.progress.images >= total
                if self.progress.images % count == 0 or over:
                    self.on_epoch(self.model, math.ceil(self.progress.images / count), over)
                if over:
                    break
                if interruption.signal:
                    self._save()
                    raise interruption.error(f"saved after {self.progress.images} images")
                if time.monotonic() - self.saved_at > max(_CHECKPOINT_SECONDS, self.save_cost / _CHECKPOINT_SHARE):
                    self._save()
        self._log()
        self._save()
        self.reporter.end_progress()
        return self.model, self.progress

    def _start(self) -> tuple[Model, Progress]:
        model = self.make_model().to(self.device)
        progress = load_checkpoint(self.checkpoints, model)
        if progress is None:
            progress = Progress(batch_size=self.schedule.batch_size)
        else:
            self.reporter.note(f"continuing after {progress.images} images")
            _scale_rates(model, progress.rate_scale)
        if self.schedule.epochs is not None:
            planned = self.schedule.epochs * len(self.data)
            # A time budget, once turned into images, is kept; more epochs than last time extend the run.
            if self.schedule.minutes is None or progress.total is None:
                progress.total = planned if self.schedule.minutes is None else None
        return model, progress

    def _history(self) -> list[dict[str, float | int]]:
        """The lines that the checkpoint knows of; later ones were written by a run that was cut off."""
        path = self.folder / HISTORY
        return read_json_lines(path)[: self.progress.lines] if path.exists() else []

    def _step(self) -> None:
        progress = self.progress
        count = len(self.data)
        epoch, place = divmod(progress.images, count)
        order = numpy_generator(self.schedule.seed, "order", epoch).permutation(count)
        chosen = order[place : place + progress.batch_size].tolist()
        batch = self.data.batch(chosen, self.device)
        generator = torch_generator(self.schedule.seed, "step", progress.images)
        try:
            losses = self.model.step(batch, generator)
        except NonFiniteLoss as error:
            self._failed(str(error))
            return
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            self._halve_batch()
            return
        self.failures = 0
        progress.images += len(chosen)
        for name, value in losses.items():
            progress.sums[name] = progress.sums.get(name, 0.0) + value
        progress.counted += 1
        detail = ", ".join(f"{name} {value:.3g}" for name, value in losses.items())
        self.reporter.progress(progress.images, progress.total, "images", detail)
        every = max(1, count // _LINES_PER_EPOCH)
        if progress.images // every > (progress.images - len(chosen)) // every:
            self._log()

    def _log(self) -> None:
        """Close one line of the history: the mean losses since the last one."""
        progress = self.progress
        if not progress.counted:
            return
        row: dict[str, float | int] = {"images": progress.images, "epoch": round(progress.images / len(self.data), 4)}
        row |= {name: value / progress.counted for name, value in progress.sums.items()}
        if progress.skipped:
            row["skipped_steps"] = progress.skipped
        self.rows.append(row)
        progress.lines += 1
        progress.sums, progress.counted = {}, 0

    def _save(self) -> None:
        if not all_finite(self.model):
            return
        began = time.monotonic()
        write_atomic(self.folder / HISTORY, json_lines(self.rows))
        save_checkpoint(self.checkpoints, self.model, self.progress)
        self.saved_at = time.monotonic()
        self.save_cost = self.saved_at - began

    def _budget(self, seconds: float) -> None:
        """Turn a time budget into a number of images once a few steps are timed; the first is warm-up."""
        if self.schedule.minutes is None or self.progress.total is not None:
            return
        self.timed.append(seconds)
        if len(self.timed) <= _TIMED_STEPS:
            return
        per_step = sum(self.timed[1:]) / (len(self.timed) - 1)
        left = max(0.0, self.schedule.minutes * 60 - sum(self.timed))
        total = self.progress.images + int(left / per_step) * self.progress.batch_size
        if self.schedule.epochs is not None:
            total = min(total, self.schedule.epochs * len(self.data))
        self.progress.total = max(total, self.progress.images)
        self.reporter.note(f"{self.schedule.minutes:g} minutes are about {self.progress.total} images")
        self._save()

    def _failed(self, reason: str) -> None:
        """A step without a finite loss is passed over; several in a row go back to the last checkpoint, once."""
        self.failures += 1
        if self.failures < MOST_FAILURES:
            self.progress.images += 1  # other random numbers next time
            self.progress.skipped += 1
            return
        if self.progress.rate_scale < 1.0:
            raise DivergedError(
                f"training diverged at image {self.progress.images} ({reason}), also at half the learning rate; "
                "try --set learning_rate=... below the default, and look at the losses in the run folder"
            )
        self.reporter.warn(f"{reason} {self.failures} times in a row: back to the last checkpoint, half the rate")
        fresh = self.make_model().to(self.device)
        progress = load_checkpoint(self.checkpoints, fresh) or Progress(
            batch_size=self.progress.batch_size, total=self.progress.total
        )
        progress.rate_scale, progress.total = 0.5, self.progress.total
        progress.skipped += self.failures
        _scale_rates(fresh, 0.5)
        self.model, self.progress, self.failures = fresh, progress, 0
        self.rows = self.rows[: progress.lines]

    def _halve_batch(self) -> None:
        if self.progress.batch_size == 1 or self.progress.batch_size < self.schedule.batch_size:
            raise StorageError(
                f"not enough memory for a batch of {self.progress.batch_size}; "
                "give a smaller --size, or --set base=32 for a narrower network"
            )
        self.progress.batch_size //= 2
        self.reporter.warn(f"not enough memory: the batch is now {self.progress.batch_size}")


def _scale_rates(model: Model, scale: float) -> None:
    """Multiply each optimiser's own learning rate (not the one a checkpoint restored)."""
    for optimizer in model.optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = group.setdefault("initial_lr", group["lr"]) * scale
