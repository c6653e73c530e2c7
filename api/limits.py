"""How often somebody may ask, and what becomes of who tries out keys. In memory, of one process.

Several processes count each for itself: with four, an address has up to four times the rate.
"""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from typing import TypeVar

from starlette.types import Scope

Kept = TypeVar("Kept")
#: Addresses and keys that are remembered; then those go that have nothing to remember.
_MOST = 100_000


class Buckets:
    """Token buckets by name: so many requests a second, and so many at once.

    Parameters
    ----------
    rate : float
        Tokens a second; 0: no limit.
    burst : int
        Tokens of a full bucket.
    """

    def __init__(self, rate: float, burst: int) -> None:
        self._step = 1 / rate if rate else 0.0
        self._slack = (burst - 1) * self._step
        #: When each bucket will be full again; a full one need not be remembered.
        self._full: dict[str, float] = {}

    def wait(self, name: str, now: float) -> float:
        """Return the seconds until there is a token, and take none; 0 where there is one."""
        return max(0.0, self._full.get(name, now) - now - self._slack)

    def take(self, name: str, now: float) -> float:
        """Take a token: 0, or the seconds until there is one."""
        if not self._step:
            return 0.0
        wait = self.wait(name, now)
        if wait:
            return wait
        self._full[name] = max(self._full.get(name, now), now) + self._step
        if len(self._full) > _MOST:
            self._full = _forget(self._full, lambda full: full <= now)
        return 0.0


class Lockout:
    """Who was wrong too often is refused for a while, without a look at what is tried next.

    Parameters
    ----------
    most : int
        Wrong tries until then.
    seconds : float
        How long it lasts, and how long a wrong try counts.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        #: Wrong tries, and until when they count.
        self._wrong: dict[str, tuple[int, float]] = {}

    def count_wrong(self, name: str, now: float) -> bool:
        """Count a wrong try; return whether it was one too many."""
        count, until = self._wrong.get(name, (0, 0.0))
        count = count + 1 if now < until else 1
        self._wrong[name] = (count, now + self._seconds)
        if len(self._wrong) > _MOST:
            self._wrong = _forget(self._wrong, lambda kept: kept[1] <= now)
        return count == self._most

    def wait(self, name: str, now: float) -> float:
        """Return the seconds for which a name is still locked out; 0 where it is not."""
        count, until = self._wrong.get(name, (0, 0.0))
        return max(0.0, until - now) if count >= self._most else 0.0


def name_client(scope: Scope) -> str:
    """Return what counts as the address that a request is from; empty where that is not known."""
    return name_address(scope["client"][0] if scope["client"] else "")


@lru_cache(10_000)
def name_address(host: str) -> str:
    """Return what counts as one address: of IPv6 the network of 64 bits that a line is given."""
    if ":" not in host:
        return host
    try:
        return ip_address(host.partition("%")[0]).exploded[:19]
    except ValueError:
        return host


def _forget(kept: dict[str, Kept], is_over: Callable[[Kept], bool]) -> dict[str, Kept]:
    """Drop what is over; if that is not enough, also the half that came first."""
    alive = {name: value for name, value in kept.items() if not is_over(value)}
    if len(alive) <= _MOST // 2:
        return alive
    return dict(list(alive.items())[len(alive) // 2 :])
