"""Runs that end by ``kill -9``: children of one server process, which loads torch once for all of them."""

from __future__ import annotations

import signal
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Concatenate, ParamSpec

P = ParamSpec("P")

_SERVER = get_context("forkserver")
# The last is what torch loads with the first optimiser, and takes as long as all the rest.
_SERVER.set_forkserver_preload(["pairaug.synthesis.run", "pairaug.training.fit", "torch._dynamo"])


def killed_when_ready(run: Callable[Concatenate[Connection, P], None], *arguments: P.args, **named: P.kwargs) -> None:
    """Call ``run(ready, *arguments)`` in a process of its own, and kill it where that waits to be killed."""
    ours, theirs = _SERVER.Pipe()
    process = _SERVER.Process(target=run, args=(theirs, *arguments), kwargs=named)
    process.start()
    theirs.close()
    assert ours.recv() == "ready"
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    process.close()
    ours.close()


def wait_to_be_killed(ready: Connection) -> None:
    """Say that the moment has come, and do nothing more."""
    ready.send("ready")
    ready.recv()
