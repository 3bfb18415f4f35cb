"""``pairaug`` in several processes at once, as ``torchrun`` would start them, forked from one that has torch loaded."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
import tempfile
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    ["torch.distributed", "pairaug.training.fit", "pairaug.synthesis.run", "pairaug.cli.app", "tests.several"]
)


@dataclass(frozen=True)
class End:
    """How a rank ended; ``code`` is negative where a signal killed it."""

    code: int
    out: str
    err: str


def together(*arguments: object, hooks: tuple[str, ...] = ("", "")) -> list[End]:
    """The ends of as many ranks as there are ``hooks``: Python that a rank runs before ``pairaug ARGUMENTS``."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = int(one.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder:
        words = [str(word) for word in arguments]
        ranks = [
            _started(rank, len(hooks), port, hook, words, Path(folder, str(rank))) for rank, hook in enumerate(hooks)
        ]
        for rank in ranks:
            rank.join(timeout=600)  # a bound for what hangs, not for a busy machine
        return [_end(rank, Path(folder, str(number))) for number, rank in enumerate(ranks)]


def _started(rank: int, count: int, port: int, hook: str, words: list[str], place: Path) -> BaseProcess:
    variables = {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
    }  # fmt: skip
    process = _FORKS.Process(target=_be_rank, args=(os.getcwd(), variables, hook, words, str(place)))
    process.start()
    return process


def _be_rank(folder: str, variables: dict[str, str], hook: str, words: list[str], place: str) -> None:
    os.chdir(folder)
    os.environ.update(variables)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{place}.{name}", os.O_WRONLY | os.O_CREAT), number)
    sys.argv = ["pairaug", *words]
    exec(hook, {})
    from pairaug.cli.app import run

    run()


def _end(rank: BaseProcess, place: Path) -> End:
    if rank.exitcode is None:
        rank.kill()
        raise AssertionError(f"a rank is still at work: {Path(f'{place}.err').read_text()}")
    return End(rank.exitcode, Path(f"{place}.out").read_text(), Path(f"{place}.err").read_text())
