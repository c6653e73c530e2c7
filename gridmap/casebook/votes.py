"""Residents' votes for grid workers: one a device and day, in a chain that shows any tampering."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, insert, select, text

from gridmap.casebook.rows import sign
from gridmap.casebook.schema import votes
from gridmap.errors import CaseError, ConflictError

SCORES = range(1, 6)
#: Number of PostgreSQL's advisory lock under which the chain grows.
_CHAIN_LOCK = 7_217_002


@dataclass(frozen=True, slots=True)
class Vote:
    """A vote as it is kept: the device can't be read from it, and differs from day to day."""

    number: int
    worker_id: str
    device: str
    day: date
    score: int
    at: datetime


def cast_vote(
    connection: Connection, worker_id: str, device: str, score: int, day: date, at: datetime
) -> Vote:
    """Add a vote to the chain.

    Raises
    ------
    CaseError
        If the score is not from 1 to 5, or no device is named.
    ConflictError
        If the device has voted on that day.
    """
    if score not in SCORES or isinstance(score, bool):
        raise CaseError(f"a score is a whole number from 1 to 5, not {score!r}")
    if len(device) < 8:
        raise CaseError("a device is named by a random text of 8 signs or more")
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_CHAIN_LOCK})"))
    hidden = sign([day.isoformat(), device])
    same = (votes.c.device == hidden, votes.c.day == day)
    if connection.execute(select(votes.c.number).where(*same)).first():
        raise ConflictError(f"this device has voted on {day}: once a day")
    last = connection.execute(
        select(votes.c.number, votes.c.hash).order_by(votes.c.number.desc()).limit(1)
    ).one_or_none()
    number, previous = (last.number + 1, last.hash) if last else (1, "")
    vote = Vote(number, worker_id, hidden, day, score, at)
    connection.execute(insert(votes), _write(vote, previous))
    return vote


def check_votes(connection: Connection) -> list[str]:
    """Return what is wrong with the chain of votes; nothing is an empty list."""
    problems: list[str] = []
    previous = ""
    rows = connection.execute(select(votes).order_by(votes.c.number))
    for number, row in enumerate(rows, start=1):
        vote = Vote(row.number, row.worker_id, row.device, row.day, row.score, row.at)
        if row.number != number:
            return [*problems, f"vote {number} is missing"]
        if row.previous != previous or row.hash != _write(vote, previous)["hash"]:
            problems.append(f"vote {number} is not what was cast")
        previous = row.hash
    return problems


def _write(vote: Vote, previous: str) -> dict[str, object]:
    row = {
        "number": vote.number,
        "worker_id": vote.worker_id,
        "device": vote.device,
        "day": vote.day,
        "score": vote.score,
        "at": vote.at,
        "previous": previous,
    }
    return {**row, "hash": sign({**row, "day": vote.day.isoformat()})}
