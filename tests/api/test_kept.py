"""What is read once is read again when it changed, and what went wrong is not kept."""

import pytest

from api.kept import KeptReading


class File:
    """Something with a stamp that counts how often it is read."""

    def __init__(self) -> None:
        self.stamp: int | None = 1
        self.reads = 0
        self.away = False

    def look(self) -> int | None:
        """Return the stamp."""
        return self.stamp

    def read(self) -> str:
        """Return what it holds now; it may be away."""
        self.reads += 1
        if self.away:
            raise OSError("stale handle")
        return f"of {self.stamp}"


def test_read_once_until_it_changes() -> None:
    """The same stamp reads nothing; another one, or a wish, reads anew."""
    file = File()
    kept = KeptReading(file.look, file.read)
    assert [kept.get(), kept.get(), file.reads] == ["of 1", "of 1", 1]
    file.stamp = 2
    assert [kept.get(), kept.get(), file.reads] == ["of 2", "of 2", 2]
    kept.forget()
    assert [kept.get(), kept.get(), file.reads] == ["of 2", "of 2", 3]


def test_nothing_is_kept_without_a_stamp() -> None:
    """What is not there yet is looked for each time, and what was there before is forgotten."""
    file = File()
    kept = KeptReading(file.look, file.read)
    kept.get()
    file.stamp = None
    assert [kept.get(), kept.get(), file.reads] == ["of None", "of None", 3]


def test_an_error_keeps_what_was() -> None:
    """A reading that fails is told; the one before counts again if the file is as it was."""
    file = File()
    kept = KeptReading(file.look, file.read)
    kept.get()
    file.stamp, file.away = 2, True
    with pytest.raises(OSError, match="stale"):
        kept.get()
    file.stamp = 1
    assert [kept.get(), file.reads] == ["of 1", 2]


def test_a_change_while_it_is_read_is_read_next_time() -> None:
    """The stamp from before the reading is kept, so what came in between is seen."""
    file = File()

    def read() -> str:
        told = file.read()
        file.stamp = 2
        return told

    kept = KeptReading(file.look, read)
    assert [kept.get(), kept.get()] == ["of 1", "of 2"]
