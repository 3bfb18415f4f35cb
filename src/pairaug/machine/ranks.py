"""Several processes that do one piece of work together, as ``torchrun`` starts them. The only module that knows.

    torchrun --nproc-per-node=2 -m pairaug fit-translator ./drive

Rank 0 checks, locks, writes and talks. What decides the course of a run is agreed by all ranks, so that no rank waits
for one that went another way; what only one of them knows is told to the others. Between processors they talk by
gloo, between GPUs by nccl. A rank that dies is noticed by the others at their next word.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import distributed, nn

from pairaug.errors import PairaugError, StorageError
from pairaug.machine.launch import several

Told = TypeVar("Told")
# Rank 0 may check a large data set while the others wait for it.
_PATIENCE = timedelta(hours=12)


@dataclass(frozen=True)
class Ranks:
    """``rank`` of this process among ``count``, of which ``here`` are on this machine."""

    rank: int = 0
    count: int = 1
    here: int = 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that locks, writes and talks."""
        return self.rank == 0

    def any(self, mine: bool) -> bool:
        """Whether it is so on any rank."""
        return self.largest(int(mine)) > 0

    def largest(self, mine: int) -> int:
        """The largest number of any rank."""
        if self.count == 1:
            return mine
        number = torch.tensor([mine])
        with _heard():
            distributed.all_reduce(number, distributed.ReduceOp.MAX)
        return int(number)

    def mean(self, values: dict[str, float]) -> dict[str, float]:
        """The mean over the ranks of each value."""
        if self.count == 1:
            return values
        numbers = torch.tensor(list(values.values()), dtype=torch.float64)
        with _heard():
            distributed.all_reduce(numbers)
        return dict(zip(values, (numbers / self.count).tolist(), strict=True))

    def told(self, find: Callable[[], Told]) -> Told:
        """What ``find`` gives on rank 0, on every rank; its refusal (PairaugError) is raised on every rank."""
        if self.count == 1:
            return find()
        answer: list[object] = [None]
        if self.first:
            try:
                answer = [find()]
            except PairaugError as error:
                answer = [error]
        with _heard():
            distributed.broadcast_object_list(answer)
        if isinstance(answer[0], PairaugError):
            answer[0].told = True
            raise answer[0]
        return answer[0]  # type: ignore[return-value]

    def gathered(self, mine: Told) -> list[Told]:
        """What each rank has, in the order of the ranks, on every rank."""
        if self.count == 1:
            return [mine]
        answers: list[object] = [None] * self.count
        with _heard():
            distributed.all_gather_object(answers, mine)
        return answers  # type: ignore[return-value]

    def share(self, network: nn.Module) -> nn.Module:
        """``network``, its gradients averaged over the ranks (DistributedDataParallel)."""
        if self.count == 1 or not any(weight.requires_grad for weight in network.parameters()):
            return network
        return nn.parallel.DistributedDataParallel(network, gradient_as_bucket_view=True)


ALONE = Ranks()


@contextmanager
def joined() -> Iterator[Ranks]:
    """The ranks of this run while the block lasts; ``ALONE`` where nothing started several."""
    if not several():
        yield ALONE
        return
    if distributed.is_initialized():
        yield _own()
        return
    with _heard():
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and distributed.is_nccl_available() else "gloo"
        distributed.init_process_group(backend, timeout=_PATIENCE)
    yield _own()
    # Not after an error: to take the group down is to wait for words, maybe of a rank that is gone.
    with _heard():  # no rank goes while another still hears from it
        distributed.barrier()
    distributed.destroy_process_group()


def _own() -> Ranks:
    count = distributed.get_world_size()
    return Ranks(distributed.get_rank(), count, int(os.environ.get("LOCAL_WORLD_SIZE", str(count))))


@contextmanager
def _heard() -> Iterator[None]:
    """Turns what torch says of a rank that is gone into one line."""
    try:
        yield
    except RuntimeError as error:
        raise lost() from error


def lost() -> PairaugError:
    """The refusal to raise where another rank does not answer any more."""
    refusal = StorageError("another process of this run ended; what was saved is kept, and the same command continues")
    refusal.told = True
    return refusal


def is_lost(error: BaseException) -> bool:
    """Whether ``error`` is what torch raises where another rank is gone."""
    words = ("Connection closed by peer", "Connection reset", "Broken pipe", "ProcessGroup", "gloo")
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)
