"""What takes time to make and may be wanted again: made once, by one thread, and kept."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

S = TypeVar("S", bound=Hashable)
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """The things that were asked for lately.

    Whoever asks for what another thread is making waits for that; nobody waits for anything else.

    Parameters
    ----------
    most : int
        How many are kept; the one asked least recently goes first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: OrderedDict[K, V] = OrderedDict()
        self._making: dict[K, Lock] = {}
        self._lock = Lock()

    def __contains__(self, key: K) -> bool:
        return key in self._made

    def __len__(self) -> int:
        return len(self._made)

    def peek(self, key: K) -> V | None:
        """Return what is kept; None where it would have to be made."""
        return self._made.get(key)

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Return what is kept under a key, made now if it is not there; an error keeps nothing."""
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
            making = self._making.setdefault(key, Lock())
        with making:
            made = self.peek(key)
            return self._add(key, make()) if made is None else made

    def _add(self, key: K, value: V) -> V:
        with self._lock:
            self._made[key] = value
            self._making.pop(key, None)
            while len(self._made) > self._most:
                self._made.popitem(last=False)
        return value


class KeptReading(Generic[S, V]):
    """What was read from something that changes: read again when that is not what it was.

    Parameters
    ----------
    look : callable
        Returns a stamp that is another one after a change; None keeps nothing.
    read : callable
        Reads what is to be kept.
    """

    def __init__(self, look: Callable[[], S | None], read: Callable[[], V]) -> None:
        self._look, self._read = look, read
        self._kept: tuple[S, V] | None = None

    def get(self) -> V:
        """Return what there is now; an error keeps nothing new.

        The stamp is looked at first: what changes while it is read is read again by who asks next.
        """
        stamp, kept = self._look(), self._kept
        if kept is not None and kept[0] == stamp:
            return kept[1]
        value = self._read()
        self._kept = None if stamp is None else (stamp, value)
        return value

    def forget(self) -> None:
        """Have it read again by who asks next."""
        self._kept = None
