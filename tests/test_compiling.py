"""Kernels and routines: what Python may call, and what is compiled how often."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gridmap.compiling import kernel, make_decorators, read_sources, routine

unsigned_kernel, unsigned_routine = make_decorators(unsigned=True, error_model="numpy", _nrt=False)


@routine
def double(value: int) -> int:
    """Compute twice a number."""
    return 2 * value


@kernel
def double_three() -> int:
    """Call a routine with several constants and with a variable."""
    total = 0
    for each in range(3):
        total += double(each)
    return total + double(10) + double(value=100)


TWICE = 2


@routine
def quadruple(value: int) -> int:
    """Double as often as is said elsewhere."""
    for _ in range(TWICE):
        value = double(value)
    return value


@kernel
def quadruple_three() -> int:
    """Call a routine that calls another."""
    return quadruple(3)


@unsigned_routine
def pick(values: NDArray[np.float64], place: int) -> float:
    """Read an item."""
    return float(values[place])


@unsigned_kernel
def add_up(values: NDArray[np.float64], places: NDArray[np.int32]) -> float:
    """Add up some items."""
    total = 0.0
    for index in range(len(places)):
        total += pick(values, places[index])
    return total


def versions(function: Any) -> int:
    """Count what a function was compiled to."""
    return len(function.overloads)


def test_a_routine_is_compiled_within_kernels() -> None:
    """It works there, once for all constants, with or without unsigned indices."""
    assert double_three() == 6 + 20 + 200
    assert versions(double) <= 1  # 0 where the kernel came from the cache
    values, places = np.array([1.0, 20.0, 300.0]), np.array([2, 0], np.int32)
    assert add_up(values, places) == 301.0


def test_python_cannot_call_a_routine() -> None:
    """Before and after it was compiled it says so, rather than to call what is not there."""
    for _ in range(2):
        with pytest.raises(TypeError, match="double is a routine of kernels"):
            double(3)
        double_three()


def test_a_routine_can_be_made_a_kernel() -> None:
    """As the message says, for whoever wants to call it alone."""
    assert kernel(double.py_func)(21) == 42  # type: ignore[attr-defined]


def test_only_kernels_are_kept() -> None:
    """The cache has the kernel, with all that it calls in it, and not the routine."""
    double_three()
    assert double_three.stats.cache_path  # type: ignore[attr-defined]
    assert not double.stats.cache_path  # type: ignore[attr-defined]


def test_a_kernel_is_compiled_anew_when_a_routine_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code of what it calls, there and further down, and the numbers named there count."""

    @routine
    def triple(value: int) -> int:
        return 3 * value

    def sources() -> str:
        read_sources.cache_clear()
        return read_sources(quadruple_three.py_func)  # type: ignore[attr-defined]

    before = sources()
    assert sources() == before
    with monkeypatch.context() as patch:
        patch.setitem(globals(), "double", triple)
        changed = sources()
    with monkeypatch.context() as patch:
        patch.setitem(globals(), "TWICE", 3)
        more = sources()
    assert len({before, changed, more}) == 3
    assert sources() == before
    read_sources.cache_clear()
