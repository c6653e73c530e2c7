"""Receipts: by one a reporter reads his own case, without an account and without being known.

A receipt is 192 random bits. Only its SHA-256 is kept, so who reads the casebook, or a backup of
it, has no receipt.
"""

import hashlib
import secrets

from sqlalchemy import Connection, insert, select

from gridmap.casebook.schema import receipts
from gridmap.errors import CaseNotFoundError
from gridmap.incidents.model import settle_moment

_BYTES = 24


def give_receipt(connection: Connection, case_id: int) -> str:
    """Return a new receipt for a case; those given before stay good."""
    token = secrets.token_urlsafe(_BYTES)
    row = {"hash": _hide(token), "case_id": case_id, "given_at": settle_moment(None)}
    connection.execute(insert(receipts), row)
    return token


def read_receipt(connection: Connection, token: str) -> int:
    """Return the number of the case that a receipt is for.

    Raises
    ------
    CaseNotFoundError
        If no such receipt was given.
    """
    statement = select(receipts.c.case_id).where(receipts.c.hash == _hide(token))
    case_id = connection.execute(statement).scalar_one_or_none()
    if case_id is None:
        raise CaseNotFoundError("no case has this receipt; check that all of it was copied")
    return case_id


def _hide(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
