"""Sharing a comparison among forked processes, because anonlink's kernel holds the GIL.

Plain processes and pipes: Lambda has no /dev/shm, which pools and queues need.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import numpy as np

from chalicelib.linkage.candidates import CANDIDATE_DTYPE, Candidates

PIPE_PIECE_PAIRS = 500_000  # 12 MB: a message must stay far below Connection's 2 GB
PR_SET_PDEATHSIG = 1  # linux/prctl.h

Job = Callable[[], Iterable[Candidates]]


class ComparisonFailed(RuntimeError):
    """A comparing process failed or died. Worth a retry, with fewer processes or more memory."""


def run_in_processes(jobs: Sequence[Job]) -> list[Candidates]:
    """What all ``jobs`` give, each in a forked process of its own; in no order.

    Raises ComparisonFailed when one of them fails. No process is left, whatever happens.
    """
    children: dict[Connection, BaseProcess] = {}
    try:
        for job in jobs:
            receiver, child = _start_child(job)
            children[receiver] = child
        return list(_receive(children))
    finally:
        for receiver, child in children.items():
            receiver.close()
            child.kill()  # does nothing to one that has ended
            child.join()
            child.close()


def _start_child(job: Job) -> tuple[Connection, BaseProcess]:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_run_child, args=(sender, os.getpid(), _libc(), job))
    child.start()
    # With this copy open, or one in the next child, the end of a child would go unnoticed.
    sender.close()
    return receiver, child


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)  # looked up before the fork: the loader's locks may be held by other threads


def _run_child(sender: Connection, parent: int, libc: ctypes.CDLL, job: Job) -> None:
    """Sends ("hits", bytes)… and ("done", b""), or ("error", text) at any time."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        return
    try:
        for hits in job():
            for start in range(0, len(hits), PIPE_PIECE_PAIRS):
                sender.send(("hits", hits[start : start + PIPE_PIECE_PAIRS].tobytes()))
        sender.send(("done", b""))
    except Exception as error:  # whatever it is, the parent raises it
        sender.send(("error", f"{type(error).__name__}: {error}".encode()))


def _receive(children: dict[Connection, BaseProcess]) -> Iterator[Candidates]:
    """The hits of all children as they come. Raises ComparisonFailed as soon as one fails or dies."""
    waiting = list(children)
    while waiting:
        for receiver in wait(waiting):
            assert isinstance(receiver, Connection)
            kind, payload = _receive_message(receiver, children[receiver])
            if kind == "error":
                raise ComparisonFailed(f"a comparing process failed: {payload.decode()}")
            if kind == "done":
                waiting.remove(receiver)
            else:
                yield np.frombuffer(payload, dtype=CANDIDATE_DTYPE)


def _receive_message(receiver: Connection, child: BaseProcess) -> tuple[str, bytes]:
    try:
        message: tuple[str, bytes] = receiver.recv()
        return message
    except (EOFError, OSError):  # OSError: it ended within a message
        child.join()
        exit_code = child.exitcode or 0
        how = (
            f"was killed by {signal.Signals(-exit_code).name}" if exit_code < 0 else f"ended with {exit_code}"
        )
        raise ComparisonFailed(
            f"a comparing process {how} before it was done; SIGKILL often means that memory ran out"
        ) from None
