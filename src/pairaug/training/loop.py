"""The training loop: one for all objectives, known to it only by their contract.

Progress is counted in images seen, by all ranks. The random numbers of a step derive from (seed, images seen, rank),
the order of an epoch from (seed, epoch), so a run that is killed and started again ends with the same weights, bit
for bit, as one that was never disturbed (on a CPU, with the same numbers of threads and ranks). Time decides only
when checkpoints are written and, once for each time budget, how many images there will be. Unless an objective's
learning rate depends on the length, a run that is made longer ends with the weights of one that was asked for that
length at once. Ranks agree on all that decides the course: losses that are not finite, time, signals, checkpoints.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from pairaug.errors import DivergedError, StorageError
from pairaug.machine.device import out_of_memory
from pairaug.machine.precision import in_precision
from pairaug.machine.randomness import torch_generator
from pairaug.machine.ranks import is_lost, lost
from pairaug.machine.signals import Interruption
from pairaug.models.base import Model
from pairaug.reporting import Reporter
from pairaug.training.checkpoint import Progress, forget_others, load_checkpoint, save_checkpoint
from pairaug.training.history import History, Watcher
from pairaug.training.objectives.base import NonFiniteLoss, Objective
from pairaug.training.sampler import Sampler

CHECKPOINTS = "checkpoint"
# After this many steps in a row without a finite loss the last checkpoint comes back at half the learning rate.
MOST_FAILURES = 5
_CHECKPOINT_SECONDS = 60.0
_CHECKPOINT_SHARE = 0.05  # of the time, at most, goes into writing checkpoints
_LINES_PER_EPOCH = 4
_TIMED_STEPS = 3


@dataclass(frozen=True)
class Schedule:
    """How long to train: ``epochs`` over the data, or as many images as ``minutes`` allow, whichever ends first.

    ``run``: the identity of the run, which its checkpoints carry.
    """

    seed: int
    batch_size: int
    epochs: int | None
    minutes: float | None = None
    run: str = ""

    def total(self, progress: Progress, count: int) -> int | None:
        """The images at which training ends; None until a time budget has been turned into images."""
        if self.minutes is None:
            assert self.epochs is not None
            return self.epochs * count
        if progress.budget is None:
            return None
        return progress.budget if self.epochs is None else min(progress.budget, self.epochs * count)


def train(
    make_objective: Callable[[], Objective],
    sampler: Sampler,
    schedule: Schedule,
    folder: Path,
    *,
    device: torch.device,
    reporter: Reporter,
    on_epoch: Callable[[Model, int, bool], None] = lambda model, epoch, last: None,
    precision: torch.dtype = torch.float32,
    watcher: Watcher | None = None,
) -> tuple[Objective, Progress]:
    """Train to the end of the schedule, from the latest checkpoint in ``folder`` if there is one.

    The batch of the schedule is that of one rank. ``on_epoch(model, epochs done, whether training is over)``, called
    on the first rank, may look at the model but not change it. Raises Interrupted after a signal (a checkpoint is
    written first), DivergedError, StorageError for too little memory or where another rank is gone.
    """
    shown_to = watcher or Watcher()
    return _Run(make_objective, sampler, schedule, folder, device, reporter, on_epoch, precision, shown_to).to_the_end()


class _Run:
    """The state of one training; split into methods only so that each can be read on its own."""

    def __init__(
        self,
        make_objective: Callable[[], Objective],
        sampler: Sampler,
        schedule: Schedule,
        folder: Path,
        device: torch.device,
        reporter: Reporter,
        on_epoch: Callable[[Model, int, bool], None],
        precision: torch.dtype,
        watcher: Watcher,
    ) -> None:
        self.make_objective, self.sampler, self.schedule, self.folder = make_objective, sampler, schedule, folder
        self.device, self.reporter, self.on_epoch, self.precision = device, reporter, on_epoch, precision
        self.ranks, self.count = sampler.ranks, len(sampler)
        self.checkpoints = folder / CHECKPOINTS
        self.objective, self.progress = self._start()
        self.history = History(folder, self.progress, watcher, reporter)
        self.failures = 0
        self.saved_at = time.monotonic()
        self.save_cost = 0.0
        self.timed: list[float] = []

    def to_the_end(self) -> tuple[Objective, Progress]:
        try:
            with Interruption(self.reporter.warn) as interruption:
                while not self._over() or not self._finish():
                    self._one(interruption)
        finally:
            self.reporter.end_progress()
            self.history.watcher.end()
        return self.objective, self.progress

    def _one(self, interruption: Interruption) -> None:
        """One step and what is due after it."""
        began = time.monotonic()
        self._step()
        self._budget(time.monotonic() - began)
        images, over = self.progress.images, self._over()
        if self.ranks.first and images and (images % self.count == 0 or over):
            self.on_epoch(self.objective.result, math.ceil(images / self.count), over)
        if over:
            return
        if signal := self.ranks.largest(interruption.signal):  # one that comes later is for the next step
            raise interruption.error(self._saved(), signal)
        waited = time.monotonic() - self.saved_at
        due = self.ranks.first and waited > max(_CHECKPOINT_SECONDS, self.save_cost / _CHECKPOINT_SHARE)
        if self.ranks.any(due):
            self._save_or_go_back()

    @property
    def total(self) -> int | None:
        return self.schedule.total(self.progress, self.count)

    def _over(self) -> bool:
        total = self.total
        return total is not None and self.progress.images >= total

    def _finish(self) -> bool:
        """Keep the end of the run; False where its weights are not finite and an earlier state came back."""
        self._log()
        return self._save_or_go_back()

    def _saved(self) -> str:
        """Save before an end that a signal asked for; what was saved, in words."""
        if self._save():
            return f"saved after {self.progress.images} images"
        kept = load_checkpoint(self.checkpoints, self.make_objective(), self.schedule.run)
        reason = "the weights are not finite and were not saved"
        return reason + (f", the last checkpoint is of {kept.images} images" if kept else "; nothing is saved yet")

    def _start(self) -> tuple[Objective, Progress]:
        objective = self.make_objective().to(self.device)
        others = forget_others(self.checkpoints, self.schedule.run) if self.ranks.first else 0
        if others:
            self.reporter.warn(f"{others} checkpoints in {self.checkpoints} are damaged or of another run: removed")
        self.ranks.any(False)  # the others read what the first has cleared up
        progress = load_checkpoint(self.checkpoints, objective, self.schedule.run)
        if progress is None:
            progress = Progress(batch_size=self.schedule.batch_size)
        else:
            self.reporter.note(f"continuing after {progress.images} images")
        objective.distribute(self.ranks)
        if self.schedule.minutes not in (None, progress.minutes):
            # Another budget than before: what is left of it is timed anew.
            progress.minutes, progress.budget = self.schedule.minutes, None
            if progress.seconds >= self.schedule.minutes * 60:
                progress.budget = progress.images
        return objective, progress

    def _step(self) -> None:
        progress, began = self.progress, time.perf_counter()
        chosen = self.sampler.step(progress.images, progress.batch_size)
        batch = self.sampler.batch(progress.images, chosen, self.device)
        ranked = (self.ranks.rank,) if self.ranks.rank else ()
        generator = torch_generator(self.schedule.seed, "step", progress.images, *ranked)
        _scale_rates(self.objective, progress.rate_scale * self.objective.rate(progress.images, self.total))
        try:
            with in_precision(self.precision, self.device.type):
                losses = self.objective.step(batch, generator)
        except NonFiniteLoss as error:
            self._failed(str(error))
            return
        except (RuntimeError, MemoryError) as error:
            if self.ranks.count > 1 and is_lost(error):
                raise lost() from error
            if not out_of_memory(error):
                raise
            self._halve_batch()
            return
        self.failures = 0
        progress.images += len(chosen)
        self.objective.follow(len(chosen), progress.images)
        losses = self.ranks.mean(losses)
        self.history.count(progress, losses, began)
        detail = ", ".join(f"{name} {value:.3g}" for name, value in losses.items())
        self.reporter.progress(progress.images, self.total, "images", detail)
        every = max(1, self.count // _LINES_PER_EPOCH)
        if progress.images // every > (progress.images - len(chosen)) // every:
            self._log()

    def _log(self) -> None:
        optimizers = self.objective.optimizers.items()
        rates = {name: float(optimizer.param_groups[0]["lr"]) for name, optimizer in optimizers}
        self.history.close_line(self.progress, self.count, rates)

    def _save(self) -> bool:
        """Write history and checkpoint; False, and no checkpoint, where the weights are not finite."""
        began = time.monotonic()
        saved = self.ranks.told(self._written)
        self.saved_at = time.monotonic()
        self.save_cost = self.saved_at - began
        return saved

    def _written(self) -> bool:
        self.history.write()
        return save_checkpoint(self.checkpoints, self.objective, self.progress, self.schedule.run)

    def _save_or_go_back(self) -> bool:
        saved = self._save()
        if not saved:
            self._go_back("weights that are not finite")
        return saved

    def _budget(self, seconds: float) -> None:
        """Turn a time budget into a number of images once a few steps are timed; the first is warm-up."""
        self.progress.seconds += seconds
        if self.schedule.minutes is None or self.progress.budget is not None:
            return
        self.timed.append(seconds)
        if len(self.timed) <= _TIMED_STEPS:
            return
        per_step = sum(self.timed[1:]) / (len(self.timed) - 1)
        left = max(0.0, self.schedule.minutes * 60 - self.progress.seconds)
        self.progress.minutes = self.schedule.minutes
        steps = self.ranks.told(lambda: int(left / per_step))
        self.progress.budget = self.progress.images + steps * self.progress.batch_size * self.ranks.count
        self.reporter.note(f"{self.schedule.minutes:g} minutes are about {self.total} images")
        self._save()

    def _failed(self, reason: str) -> None:
        """A step without a finite loss is passed over; several in a row go back to the last checkpoint, once."""
        self.failures += 1
        if self.failures < MOST_FAILURES:
            self.progress.images += 1  # other random numbers next time
            self.progress.skipped += 1
            return
        self._go_back(f"{reason} {self.failures} times in a row")

    def _go_back(self, reason: str) -> None:
        """Take up the last checkpoint at half the learning rate; the second time training has diverged."""
        if self.progress.rate_scale < 1.0:
            raise DivergedError(
                f"training diverged at image {self.progress.images} ({reason}), also at half the learning rate; "
                "start again with --fresh and --set learning_rate=... below the default; the run folder has the losses"
            )
        self.reporter.warn(f"{reason}: back to the last checkpoint, half the rate")
        fresh, last = self.make_objective().to(self.device), self.progress
        progress = load_checkpoint(self.checkpoints, fresh, self.schedule.run) or Progress(batch_size=last.batch_size)
        progress.rate_scale, progress.seconds = 0.5, last.seconds
        progress.minutes, progress.budget = last.minutes, last.budget
        progress.skipped += self.failures
        fresh.distribute(self.ranks)
        self.objective, self.progress, self.failures = fresh, progress, 0
        self.history.go_on_from(progress)

    def _halve_batch(self) -> None:
        if self.ranks.count > 1:
            raise StorageError(
                f"not enough memory for a batch of {self.progress.batch_size} on each of {self.ranks.count} processes; "
                "start again with --fresh and a smaller --batch-size or --size, or with fewer processes"
            )
        if self.progress.batch_size == 1 or self.progress.batch_size < self.schedule.batch_size:
            raise StorageError(
                f"not enough memory for a batch of {self.progress.batch_size}; "
                "start again with --fresh and a smaller --size, or with narrower networks (see pairaug models)"
            )
        self.progress.batch_size //= 2
        self.reporter.warn(f"not enough memory: the batch is now {self.progress.batch_size}")


def _scale_rates(objective: Objective, scale: float) -> None:
    """Multiply each optimiser's own learning rate (not the one a checkpoint restored)."""
    for optimizer in objective.optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = group.setdefault("initial_lr", group["lr"]) * scale
