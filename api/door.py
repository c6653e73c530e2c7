"""The door: whose a key is, wherever in a request it stands; who tries keys out is locked out."""

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from starlette.responses import Response

from api.access import Caller, admit
from api.limits import Buckets, Lockout
from api.problems import problem_response
from api.settings import Settings
from gridmap.errors import StoreError
from gridmap.keys import KeyStore, read_key_id

_log = logging.getLogger("gridmap.api")
#: Pairs of address and key that are remembered as good.
_MOST_GOOD = 10_000


@dataclass(frozen=True)
class Refusal:
    """Why somebody is not let in.

    Parameters
    ----------
    status, code, detail
        As `problem_response` takes them.
    wait : float
        Seconds until it is worth trying again; 0 where it is not.
    locks : tuple of str
        Address and id of the key if this try locked somebody out, for `Door.on_lock`.
    """

    status: int
    code: str
    detail: str
    wait: float = 0.0
    locks: tuple[str, str] | None = None

    def respond(self, *, closes: bool = False) -> Response:
        """Return the answer; after one that ``closes`` the connection nothing is read from it."""
        headers = {"Connection": "close"} if closes else {}
        return problem_response(
            self.status, self.code, self.detail, wait=self.wait, headers=headers
        )


class Door:
    """Lets in who has a key.

    Parameters
    ----------
    keys : KeyStore
        The keys that are good.
    settings : Settings
        Its limits.
    on_lock : callable
        To be told the address and the key's id when somebody is locked out; it may wait for the
        disk, so whoever asks the door calls it where waiting is allowed.
    """

    def __init__(
        self, keys: KeyStore, settings: Settings, on_lock: Callable[[str, str], None]
    ) -> None:
        self.on_lock = on_lock
        self._keys, self._keyed = keys, Buckets(settings.key_rate, settings.key_burst)
        self._lockout = Lockout(settings.wrong_keys, settings.lock_seconds)
        self._good: dict[tuple[str, bytes], None] = {}
        self._one = Lock()

    def admit(self, text: str, address: str) -> Caller | Refusal:
        """Find out who holds a key, or say why nobody is let in with it; any thread may ask."""
        with self._one:
            return self._admit(text, address, time.monotonic())

    def _admit(self, text: str, address: str, now: float) -> Caller | Refusal:
        key_id = read_key_id(text) or ""
        known = (address, hashlib.sha256(text.encode()).digest())
        # Who guesses locks nobody out who has used the right key from there before.
        wait = 0.0 if known in self._good else self._wait(address, key_id, now)
        if wait:
            detail = "Too many wrong keys; try again later, or ask who made the key."
            return Refusal(429, "locked-out", detail, wait)
        try:
            key = self._keys.check(text)
        except StoreError as error:
            _log.error("%s", error, exc_info=error)
            return Refusal(503, "store-unavailable", "The keys can't be read now.")
        if key is None:
            self._good.pop(known, None)
            return self._count_wrong(address, key_id, now)
        self._remember(known)
        caller = admit(key)
        wait = self._keyed.take(caller.key_id, now)
        return tell_haste(wait) if wait else caller

    def _wait(self, address: str, key_id: str, now: float) -> float:
        wait = self._lockout.wait(address, now)
        return max(wait, self._lockout.wait("key " + key_id, now)) if key_id else wait

    def _count_wrong(self, address: str, key_id: str, now: float) -> Refusal:
        locked = self._lockout.count_wrong(address, now)
        if key_id:
            locked |= self._lockout.count_wrong("key " + key_id, now)
        detail = "The key is wrong, over or revoked; ask who made it, or leave it out."
        return Refusal(401, "bad-key", detail, locks=(address, key_id) if locked else None)

    def _remember(self, known: tuple[str, bytes]) -> None:
        if known not in self._good:
            self._good[known] = None
            if len(self._good) > _MOST_GOOD:
                del self._good[next(iter(self._good))]


def tell_haste(wait: float) -> Refusal:
    """Say that an address or a key asks too often."""
    detail = "More requests than are answered to one address or key; wait a moment."
    return Refusal(429, "too-many-requests", detail, wait)
