"""Group commit: what waits while the disk is busy is written together in the next transaction.

A commit waits for the disk, some milliseconds, whatever is in it. So whoever writes puts his work
into a queue and takes the pen; the one who holds it writes the work of all who wait and commits
once. Nobody's call returns before that commit. One caller alone waits for nobody.

Each work has a savepoint of its own, so that it fails alone. Works of the same kind that can be
done in one go (`Writer.write_together`) share one.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from gridmap.casebook.database import begin_writing, is_deadlock

T = TypeVar("T")
Together = Callable[[Connection, Sequence[Any]], Sequence[Any]]

#: Works of one transaction at most, so that nobody waits long.
_GROUP = 256
#: Times that a transaction is tried which PostgreSQL gave up for another one.
_TRIES = 5


@dataclass(eq=False, slots=True)
class _Job:
    """What somebody waits for: an item, and what writes such items."""

    handler: Together
    item: Any
    future: Future[Any] = field(default_factory=Future)


class Writer:
    """Writes for many threads with one commit for all who wait.

    Parameters
    ----------
    engine : Engine
        The database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: list[_Job] = []
        self._queue_lock = threading.Lock()
        self._pen = threading.Lock()

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run work in a transaction; return what it returns when that is on disk.

        The work may be run more than once before its effects count, so it has none elsewhere.
        """
        job = _Job(_run_alone, work)
        self._submit(job)
        answer: T = job.future.result()
        return answer

    def write_together(
        self, handler: Callable[[Connection, Sequence[Any]], Sequence[Any]], item: Any
    ) -> Any:
        """Hand an item to ``handler``, with the items of all others who wait for the same one.

        The handler answers each item in order; an answer that is an exception is raised here.
        """
        job = _Job(handler, item)
        self._submit(job)
        return job.future.result()

    def _submit(self, job: _Job) -> None:
        with self._queue_lock:
            self._queue.append(job)
        with self._pen:
            while not job.future.done():
                self._write_group()

    def _write_group(self) -> None:
        with self._queue_lock:
            group, self._queue = self._queue[:_GROUP], self._queue[_GROUP:]
        try:
            self._commit(group)
        except BaseException as error:
            for job in group:
                if not job.future.done():
                    job.future.set_exception(error)
            if not isinstance(error, Exception):
                raise

    def _commit(self, group: Sequence[_Job]) -> None:
        """Write a group; where it fails as a whole, one by one."""
        try:
            answers = self._try_group(group)
        except DBAPIError as error:
            if len(group) == 1:
                group[0].future.set_exception(error)
                return
            for job in group:
                self._commit([job])
            return
        for job, answer in zip(group, answers, strict=True):
            if isinstance(answer, Exception):
                job.future.set_exception(answer)
            else:
                job.future.set_result(answer)

    def _try_group(self, group: Sequence[_Job]) -> list[Any]:
        """Write a group in one transaction, again if PostgreSQL gave it up for another."""
        for left in reversed(range(_TRIES)):
            try:
                with begin_writing(self._engine) as connection:
                    return _run_group(connection, group)
            except OperationalError as error:
                if not left or not is_deadlock(error):
                    raise
        raise AssertionError("unreachable")


def _run_group(connection: Connection, group: Sequence[_Job]) -> list[Any]:
    """Do what a group wants: alike works in one go, the others each in a savepoint."""
    answers: dict[int, Any] = {}
    for jobs in _sort_jobs(group):
        found = _run(connection, jobs[0].handler, [job.item for job in jobs])
        answers |= {id(job): answer for job, answer in zip(jobs, found, strict=True)}
    return [answers[id(job)] for job in group]


def _sort_jobs(group: Sequence[_Job]) -> list[list[_Job]]:
    """Put jobs of one handler together; works of their own stay alone, in order."""
    together: dict[Any, list[_Job]] = {}
    for job in group:
        key = id(job) if job.handler is _run_alone else job.handler
        together.setdefault(key, []).append(job)
    return list(together.values())


def _run(connection: Connection, handler: Together, items: Sequence[Any]) -> Sequence[Any]:
    """Run a handler in a savepoint: its refusal is its own, a broken database everybody's."""
    try:
        with connection.begin_nested():
            return handler(connection, items)
    except OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - it is raised again in the thread whose work it is
        if len(items) > 1:  # one of them is to blame: the others are written
            return [answer for item in items for answer in _run(connection, handler, [item])]
        return [error]


def _run_alone(connection: Connection, works: Sequence[Any]) -> Sequence[Any]:
    """Run one work."""
    return [work(connection) for work in works]
