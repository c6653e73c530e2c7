"""Routines of the kernels, compiled so that a test can call them."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

from gridmap import compiling
from gridmap.partition import problem

F = TypeVar("F", bound=Callable[..., Any])


def compiled(routine: F) -> F:
    """Make a kernel of a routine, which Python cannot call by itself."""
    return cast(F, _make_kernel(routine))


@cache
def _make_kernel(routine: Any) -> Any:
    """Compile it as the kernels are that call it."""
    of_engine = routine.__module__.startswith("gridmap.partition.")
    return (problem.kernel if of_engine else compiling.kernel)(routine.py_func)
