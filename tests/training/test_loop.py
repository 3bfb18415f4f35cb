"""The training loop: resuming, budgets, losses that are not numbers, memory, signals."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pairaug.errors import DivergedError, Interrupted, StorageError
from pairaug.files import read_json_lines
from pairaug.reporting import Reporter
from pairaug.training import loop
from pairaug.training.checkpoint import load_checkpoint, save_checkpoint
from pairaug.training.history import HISTORY
from pairaug.training.loop import CHECKPOINTS, Schedule, train
from pairaug.training.rates import decayed
from tests.training.fakes import SHAPE, Fake, fail_on, fake, masks

CPU = torch.device("cpu")
SCHEDULE = Schedule(seed=1, batch_size=2, epochs=4)


def run(
    folder: Path,
    *,
    hook: Callable[[Fake], None] = lambda model: None,
    schedule: Schedule = SCHEDULE,
    count: int = 5,
    reporter: Reporter | None = None,
    on_epoch: Callable[[object, int, bool], None] = lambda model, epoch, last: None,
):
    return train(
        fake(hook), masks(count), schedule, folder, device=CPU, reporter=reporter or Reporter(), on_epoch=on_epoch
    )


def weights(model: torch.nn.Module) -> list[torch.Tensor]:
    return [tensor.clone() for tensor in model.state_dict().values()]


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


class Killed(BaseException):
    """Stands for kill -9: nothing of pairaug catches it."""


def kill_at(step: int) -> Callable[[Fake], None]:
    calls = iter(range(1, 10_000))

    def hook(model: Fake) -> None:
        if next(calls) == step:
            raise Killed

    return hook


@pytest.mark.parametrize("step", [1, 2, 4, 7, 12])
def test_a_run_killed_and_started_again_ends_with_the_same_weights_and_history(
    step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, progress = run(tmp_path / "whole")
    monkeypatch.setattr(loop, "_CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(loop, "_CHECKPOINT_SHARE", 1e9)
    with pytest.raises(Killed):
        run(tmp_path / "killed", hook=kill_at(step))
    again, progress_again = run(tmp_path / "killed")
    assert same(weights(model), weights(again))
    assert progress.images == progress_again.images == 20
    assert (tmp_path / "whole" / HISTORY).read_bytes() == (tmp_path / "killed" / HISTORY).read_bytes()


def test_resuming_without_the_optimisers_moments_would_be_noticed(tmp_path: Path) -> None:
    model, _ = run(tmp_path / "whole")
    half, progress = run(tmp_path / "half", schedule=Schedule(seed=1, batch_size=2, epochs=2))
    half.optimizer.state.clear()
    save_checkpoint(tmp_path / "half" / CHECKPOINTS, half, progress, "")
    again, _ = run(tmp_path / "half")
    assert not same(weights(model), weights(again))


def test_a_checkpoint_replaces_the_one_at_the_same_number_of_images(tmp_path: Path) -> None:
    model, progress = run(tmp_path)
    for seconds in range(8):
        progress.seconds = float(seconds)
        save_checkpoint(tmp_path / CHECKPOINTS, model, progress, "")
        read = load_checkpoint(tmp_path / CHECKPOINTS, model, "")
        assert read is not None
        assert read.seconds == seconds


class Averaged(Fake):
    average_half_life = 4.0

    def rate(self, images: int, total: int | None) -> float:
        return decayed(images, total, 0.5)


def averaged(hook: Callable[[Fake], None] = lambda model: None) -> Callable[[], Averaged]:
    return lambda: Averaged(SHAPE, torch.Generator().manual_seed(3), hook)


def test_an_average_of_the_weights_and_a_decaying_rate_are_resumed_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def once(folder: str, hook: Callable[[Fake], None] = lambda model: None) -> Averaged:
        return train(averaged(hook), masks(5), SCHEDULE, tmp_path / folder, device=CPU, reporter=Reporter())[0]

    whole = once("whole")
    monkeypatch.setattr(loop, "_CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(loop, "_CHECKPOINT_SHARE", 1e9)
    with pytest.raises(Killed):
        once("killed", kill_at(9))
    again = once("killed")
    assert same(weights(whole), weights(again))
    assert whole.optimizer.param_groups[0]["lr"] < 0.05
    assert whole.result is whole.average
    assert not same(weights(whole.average), weights(whole.model))


def test_the_average_is_that_of_the_weights_seen(tmp_path: Path) -> None:
    path: list[torch.Tensor] = []
    kept = train(
        averaged(lambda model: path.append(model.net.bias.detach().clone())),
        masks(5), Schedule(1, 1, 40), tmp_path, device=CPU, reporter=Reporter(),
    )[0]  # fmt: skip
    path.append(kept.net.bias.detach().clone())
    share = 1 - 0.5 ** (1 / 4)
    weight = [share * (1 - share) ** age for age in range(60)]
    expected = sum(w * value for w, value in zip(weight, reversed(path), strict=False)) / sum(weight)
    off, moved = (kept.average.net.bias - expected).abs().max(), (kept.net.bias - expected).abs().max()
    assert off < moved / 10


def test_more_epochs_extend_a_finished_run_to_what_a_longer_one_gives(tmp_path: Path) -> None:
    long, _ = run(tmp_path / "long", schedule=Schedule(1, 2, 6))
    run(tmp_path / "short", schedule=Schedule(1, 2, 3))
    extended, _ = run(tmp_path / "short", schedule=Schedule(1, 2, 6))
    assert same(weights(long), weights(extended))


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "_CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(loop, "_CHECKPOINT_SHARE", 1e9)
    model, _ = run(tmp_path)
    checkpoints = sorted((tmp_path / CHECKPOINTS).glob("*"))
    assert len(checkpoints) == 2
    data = bytearray(checkpoints[1].read_bytes())
    data[-3] ^= 1
    checkpoints[1].write_bytes(data)
    again, progress = run(tmp_path)
    assert progress.images == 20
    assert same(weights(model), weights(again))


def test_every_epoch_sees_every_pair_once_in_another_order(tmp_path: Path) -> None:
    seen: list[float] = []

    class Watched(Fake):
        def step(self, batch, generator):
            seen.extend(batch.labels.flatten(1).float().sum(dim=1).tolist())
            return super().step(batch, generator)

    data = masks(7, seed=4)
    train(
        lambda: Watched(fake()().shape, torch.Generator().manual_seed(0), lambda model: None),
        data,
        Schedule(seed=4, batch_size=3, epochs=2),
        tmp_path,
        device=CPU,
        reporter=Reporter(),
    )
    assert sorted(seen[:7]) == sorted(seen[7:]) == sorted([float(one.labels.sum()) for one in data.examples])
    assert seen[:7] != seen[7:]


def test_epochs_are_told_as_they_end(tmp_path: Path) -> None:
    told: list[tuple[int, bool]] = []
    run(tmp_path, on_epoch=lambda model, epoch, last: told.append((epoch, last)))
    assert told == [(1, False), (2, False), (3, False), (4, True)]


def test_steps_are_computed_in_the_precision_asked_for_and_nothing_else_is(tmp_path: Path) -> None:
    inside: list[bool] = []

    def note(*_: object) -> None:
        inside.append(torch.is_autocast_enabled("cpu"))

    schedule = Schedule(seed=1, batch_size=5, epochs=2)
    make, data = fake(note), masks(5)
    model, _ = train(
        make, data, schedule, tmp_path, device=CPU, reporter=Reporter(), on_epoch=note, precision=torch.bfloat16
    )
    assert inside == [True, False, True, False]
    assert {tensor.dtype for tensor in model.state_dict().values()} == {torch.float32}


def test_the_history_has_a_line_several_times_an_epoch_with_mean_losses(tmp_path: Path) -> None:
    run(tmp_path, count=8)
    rows = read_json_lines(tmp_path / HISTORY)
    assert [row["images"] for row in rows] == list(range(2, 33, 2))
    assert all(row["loss"] > 0 for row in rows)


def test_one_loss_that_is_not_finite_is_passed_over_and_counted(tmp_path: Path) -> None:
    model, progress = run(tmp_path, hook=fail_on({3}))
    assert progress.skipped == 1
    assert all(torch.isfinite(tensor).all() for tensor in weights(model))


def test_several_in_a_row_bring_back_the_checkpoint_at_half_the_rate(tmp_path: Path) -> None:
    rates: list[float] = []

    def hook(model: Fake) -> None:
        rates.append(model.optimizer.param_groups[0]["lr"])
        fails(model)

    fails = fail_on(set(range(4, 4 + loop.MOST_FAILURES)))
    _, progress = run(tmp_path, hook=hook)
    assert progress.rate_scale == 0.5
    assert rates[0] == 0.05
    assert rates[-1] == 0.025


def test_a_run_that_keeps_failing_ends_with_a_remedy_and_exit_code_6(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match="learning_rate") as caught:
        run(tmp_path, hook=fail_on(set(range(4, 1000))))
    assert caught.value.exit_code == 6


def test_weights_that_are_not_finite_are_never_saved(tmp_path: Path) -> None:
    def spoil(model: Fake) -> None:
        with torch.no_grad():
            model.net.weight.fill_(float("inf"))

    with pytest.raises(DivergedError):
        run(tmp_path, hook=spoil)
    assert load_checkpoint(tmp_path / CHECKPOINTS, fake()(), "") is None


def test_a_full_memory_halves_the_batch_once_and_then_gives_up(tmp_path: Path) -> None:
    sizes: list[int] = []

    class Greedy(Fake):
        def step(self, batch, generator):
            sizes.append(len(batch.labels))
            if len(batch.labels) > self.most:
                raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
            return super().step(batch, generator)

    def greedy(most: int):
        Greedy.most = most
        return lambda: Greedy(fake()().shape, torch.Generator().manual_seed(0), lambda model: None)

    schedule = Schedule(1, 4, 1)
    train(greedy(2), masks(4), schedule, tmp_path / "a", device=CPU, reporter=Reporter())
    assert sizes == [4, 2, 2]
    with pytest.raises(StorageError, match="--size"):
        train(greedy(1), masks(4), schedule, tmp_path / "b", device=CPU, reporter=Reporter())


def test_a_bug_in_a_model_is_not_taken_for_a_full_memory(tmp_path: Path) -> None:
    def bug(model: Fake) -> None:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        run(tmp_path, hook=bug)


def test_a_signal_saves_and_the_next_run_continues_to_the_same_end(tmp_path: Path) -> None:
    whole, _ = run(tmp_path / "whole")
    calls = iter(range(1, 1000))

    def stop(model: Fake) -> None:
        if next(calls) == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted, match="continues") as caught:
        run(tmp_path / "stopped", hook=stop)
    assert caught.value.exit_code == 143
    again, _ = run(tmp_path / "stopped")
    assert same(weights(whole), weights(again))


def test_a_time_budget_becomes_a_number_of_images_that_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 100_000, 2))
    monkeypatch.setattr(loop.time, "monotonic", lambda: float(next(clock)))
    schedule = Schedule(seed=1, batch_size=1, epochs=None, minutes=1.0)
    _, progress = run(tmp_path, schedule=schedule)
    assert progress.budget == progress.images
    assert 10 < progress.images < 60
    _, again = run(tmp_path, schedule=schedule)
    assert again.images == progress.images
