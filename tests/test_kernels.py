"""Warming up leaves no kernel to compile for the first user."""

from gridmap.cells import answer_point, answer_points, own_points
from gridmap.kernels import warm_up


def test_the_locator_is_compiled() -> None:
    """After it, the kernels that answer users have been compiled or loaded."""
    warm_up()
    for kernel in (answer_point, answer_points, own_points):
        assert kernel.signatures
