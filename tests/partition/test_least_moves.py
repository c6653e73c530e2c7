"""The least that a redraw must move, as benchmarks/redraw.py proves it, against all redraws."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from gridmap.partition.matching import match_grids
from tests.test_partition import row_of


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    """Load the bound that stands beside the benchmark, by the name that its kernels know."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
        yield importlib.import_module("least_moves")


def every_plan(units: int) -> Iterator[np.ndarray]:
    """List all ways to divide a few units."""
    plans = [[0]]
    for _ in range(units - 1):
        plans = [[*plan, grid] for plan in plans for grid in range(max(plan) + 2)]
    return (np.array(plan) for plan in plans)


@pytest.mark.parametrize("seed", range(8))
def test_no_redraw_moves_less(bench: ModuleType, seed: int) -> None:
    """Not one of all divisions reaches the balance with less; nothing moves for what there is."""
    rng = np.random.default_rng(seed)
    homes, worth = rng.integers(1, 280, 7), rng.integers(1, 200, 7)
    worth = np.minimum(homes, worth)
    start = np.unique(rng.integers(0, 3, 7), return_inverse=True)[1]
    town, free = row_of(homes.tolist()), np.ones(1, bool)
    plans = list(every_plan(7))
    balances = [bench.measure_balance(homes, plan, 300) for plan in plans]
    wanted = min(balances, key=lambda balance: balance.deviation)
    moved = [
        worth[match_grids(plan, start, worth)[plan] != start].sum()
        for plan, balance in zip(plans, balances, strict=True)
        if np.all(np.hstack(balance) <= np.hstack(wanted) + 1e-12)
    ]
    bound = bench.bound_moved(town, start, wanted, worth, free) * worth.sum()
    assert bound <= min(moved) + 1e-6
    assert bound > 0.1 * min(moved) or min(moved) == 0
    as_it_is = bench.measure_balance(homes, start, 300)
    assert bench.bound_moved(town, start, as_it_is, worth, free) == pytest.approx(0, abs=1e-3)


def test_whole_units_leave(bench: ModuleType) -> None:
    """From 400 and 200 towards 300 each: 100 would do, but the least building has 150."""
    town = row_of([150, 250, 200])
    start, free = np.array([0, 0, 1]), np.ones(1, bool)
    wanted = bench.measure_balance(town.households, np.array([0, 1, 0]), 300)
    share = bench.bound_moved(town, start, wanted, town.households, free)
    assert share == pytest.approx(150 / 600)
    still = np.zeros(1, bool)
    assert bench.bound_moved(town, start, wanted, town.households, still) > 1
