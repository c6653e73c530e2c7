"""Group commit: what waits while the disk is busy is written together in the next transaction.

A commit waits for the disk, some milliseconds, whatever is in it. So whoever writes puts his work
into a queue and takes the pen; the one who holds it writes the work of all who wait, each in a
savepoint of its own, and commits once. Nobody's call returns before that commit. One caller alone
waits for nobody.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from gridmap.casebook.database import begin_writing, is_deadlock

T = TypeVar("T")
Work = Callable[[Connection], Any]

#: Works of one transaction at most, so that nobody waits long.
_GROUP = 256
#: Times that a transaction is tried which PostgreSQL gave up for another one.
_TRIES = 5


class Writer:
    """Writes for many threads with one commit for all who wait.

    Parameters
    ----------
    engine : Engine
        The database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: list[tuple[Work, Future[Any]]] = []
        self._queue_lock = threading.Lock()
        self._pen = threading.Lock()

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run work in a transaction; return what it returns when that is on disk.

        The work may be run more than once before its effects count, so it has none elsewhere.
        """
        future: Future[T] = Future()
        with self._queue_lock:
            self._queue.append((work, future))
        with self._pen:
            while not future.done():
                self._write_group()
        return future.result()

    def _write_group(self) -> None:
        with self._queue_lock:
            group, self._queue = self._queue[:_GROUP], self._queue[_GROUP:]
        try:
            self._commit([work for work, _ in group], [future for _, future in group])
        except BaseException as error:
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
            if not isinstance(error, Exception):
                raise

    def _commit(self, works: Sequence[Work], futures: Sequence[Future[Any]]) -> None:
        """Write a group; where PostgreSQL gives it up, or it fails as a whole, one by one."""
        try:
            results = self._try_group(works)
        except DBAPIError:
            if len(works) == 1:
                raise
            for work, future in zip(works, futures, strict=True):
                self._commit_alone(work, future)
            return
        _settle(futures, results)

    def _commit_alone(self, work: Work, future: Future[Any]) -> None:
        try:
            _settle([future], self._try_group([work]))
        except DBAPIError as error:
            future.set_exception(error)

    def _try_group(self, works: Sequence[Work]) -> list[tuple[Any, Exception | None]]:
        for left in reversed(range(_TRIES)):
            try:
                with begin_writing(self._engine) as connection:
                    return [_run(connection, work) for work in works]
            except OperationalError as error:
                if not left or not is_deadlock(error):
                    raise
        raise AssertionError("unreachable")


def _run(connection: Connection, work: Work) -> tuple[Any, Exception | None]:
    """Run one work in a savepoint: its refusal is its own, a broken database everybody's."""
    try:
        with connection.begin_nested():
            return work(connection), None
    except OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - it is raised again in the thread whose work it is
        return None, error


def _settle(
    futures: Sequence[Future[Any]], results: Sequence[tuple[Any, Exception | None]]
) -> None:
    for future, (value, error) in zip(futures, results, strict=True):
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)
