"""Targets of each unit and exclusive zones, in the partition engine."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from gridmap.errors import TableError
from gridmap.partition import (
    evaluate,
    make_problem,
    partition_problem,
    partition_units,
)
from gridmap.partition.objective import make_state, make_weights, part_cost, shift_delta, shift_unit
from gridmap.partition.problem import FINEST, measure_load, split_components
from gridmap.rules import Rules
from tests.routines import compiled
from tests.test_partition import RULES, assert_plan, lattice, row_of

shift_delta = compiled(shift_delta)
shift_unit = compiled(shift_unit)


def two_kinds(seed: int = 0) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Make a town whose left third asks for grids of 150, the rest for the rules' 300."""
    units, adjacency = lattice(36, 20, seed=seed, largest=25)
    x = units.geometry.bounds["minx"]
    return units.assign(target=np.where(x < 20 * 12, 150.0, np.nan)), adjacency


def test_loads_are_balanced_not_households() -> None:
    """Grids of the left third have half the households; the deviation is that of the load."""
    units, adjacency = two_kinds()
    labels = partition_units(units, adjacency, Rules())
    assert_plan(units, adjacency, labels)
    cost = evaluate(make_problem(units, adjacency), labels, Rules())
    load = (units["households"] / units["target"].fillna(300)).groupby(labels).sum()
    assert cost.grids["deviation"] == pytest.approx(load.to_numpy() - 1)
    assert abs(cost.grids["deviation"]).max() < 0.12
    homes = units["households"].groupby(labels).sum()
    assert cost.grids["target"] == pytest.approx((homes / load).to_numpy())
    dense = units["target"].groupby(labels).count() == units.groupby(labels).size()
    assert dense.sum() > 5
    assert homes[dense].max() < 180
    assert len(homes) == pytest.approx(load.sum(), abs=2)


def test_a_column_of_the_rules_target_changes_nothing() -> None:
    """The same plan with no column, with the rules' target and with nothing in it."""
    units, adjacency = lattice(20, 12)
    plain = partition_units(units, adjacency, Rules(), steps=40)
    for target in (300.0, np.nan):
        other = partition_units(units.assign(target=target), adjacency, Rules(), steps=40)
        pd.testing.assert_series_equal(plain, other)


def test_loads_are_exact() -> None:
    """Loads count in the least common multiple of the targets; without one they are rounded."""
    problem = row_of([100, 50, 0, 8], target=[250, 400, 300, 0.5])
    load, grain = measure_load(problem, Rules())
    assert grain == 6000
    assert load.tolist() == [2400, 750, 0, 96_000]
    odd = row_of([1, 50, 0], target=[293.123457, 401.777777, 1e12])
    load, grain = measure_load(odd, Rules())
    assert grain == FINEST
    assert load / grain == pytest.approx([1 / 293.123457, 50 / 401.777777, 0], rel=1e-6)


def test_the_band_of_a_grid_is_its_own() -> None:
    """One of 130 households is outside the band of 100, 130 of 120 are not; nobody: the mean."""
    problem = row_of([65, 65, 65, 65, 0, 0], target=[100, 100, 100, 150, 200, 400])
    cost = evaluate(problem, [0, 0, 1, 1, 2, 2], Rules())
    assert cost.grids["target"] == pytest.approx([100, 120, 300])
    assert cost.grids["outside"].tolist() == [10, 0, 240]
    assert cost.grids["deviation"] == pytest.approx([0.3, 65 / 100 + 65 / 150 - 1, -1])


@pytest.mark.parametrize("seed", range(2))
def test_deltas_hold_for_loads(seed: int) -> None:
    """Random shifts: the kernels' cost is that of the whole plan, with two targets."""
    units, adjacency = two_kinds(seed)
    units["community_id"] = "one"
    problem = make_problem(units, adjacency)
    (part,) = split_components(problem, RULES)
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 9, len(units)).astype(np.int32)
    weights = make_weights(RULES, measure_load(problem, RULES)[1])
    state = make_state(part.graph, labels.copy(), 9, weights)
    before, start, total = evaluate(problem, labels, RULES).total, part_cost(state), 0.0
    for _ in range(200):
        unit = np.int32(rng.integers(len(units)))
        new = np.int32((state.labels[unit] + rng.integers(1, 9)) % 9)
        total += shift_delta(state, unit, new)
        shift_unit(state, unit, new)
    assert evaluate(problem, state.labels, RULES).total - before == pytest.approx(total)
    assert part_cost(state) - start == pytest.approx(total)


def test_a_wrong_target_is_named() -> None:
    """Nought, less and endless are refused, with the unit."""
    units, adjacency = lattice(4, 2)
    for wrong in (0.0, -5.0, 0.5, np.inf):
        targets = pd.Series([300.0, 300.0, wrong, *[300.0] * 5], units.index)
        with pytest.raises(TableError, match=f"target {wrong:g} of unit 12 is not a number from 1"):
            partition_units(units.assign(target=targets), adjacency, Rules())


# exclusive zones


def park_town() -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Make a town with a park across the border of both communities and a mall in one of them."""
    units, adjacency = lattice(24, 16, largest=30)
    x, y = units.geometry.bounds["minx"] / 20, units.geometry.bounds["miny"] / 20
    park = x.between(9, 14) & y.between(3, 6)
    mall = x.between(2, 3) & (y == 10)
    zones = np.select([park, mall], ["park", "mall"], "")
    return units.assign(zone_id=zones), adjacency


def test_a_zone_is_one_grid_per_community() -> None:
    """Nothing joins it, whatever its households; the others are balanced around it."""
    units, adjacency = park_town()
    labels = partition_units(units, adjacency, Rules())
    assert_plan(units, adjacency, labels)
    zones = units.groupby(["zone_id", "community_id"]).groups
    for (zone, _), members in zones.items():
        if zone:
            (grid,) = labels[members].unique()
            assert (labels == grid).sum() == len(members)
    cost = evaluate(make_problem(units, adjacency), labels, Rules())
    assert cost.grids["exclusive"].sum() == 3
    exclusive = cost.grids["exclusive"] == 1
    assert (cost.grids["deviation"][exclusive] == 0).all()
    assert (cost.grids["outside"][exclusive] == 0).all()
    assert abs(cost.grids["deviation"][~exclusive]).max() < 0.2


def test_a_zone_costs_nothing_by_its_size() -> None:
    """A row with a tower in a zone: only the two others pay for balance."""
    problem = row_of([330, 900, 330], zone=[-1, 4, -1])
    labels = partition_problem(problem, Rules())
    assert labels.tolist() == [0, 1, 2]
    cost = evaluate(problem, labels, Rules())
    assert cost.terms["balance"] == pytest.approx(0.02)
    assert cost.grids["exclusive"].tolist() == [0, 1, 0]


def test_a_mixed_grid_is_not_exclusive() -> None:
    """Drawn by hand over a zone's border: it pays as any grid, and is in pieces."""
    problem = row_of([300, 100, 300], zone=[-1, 4, 5])
    cost = evaluate(problem, [0, 0, 1], Rules())
    assert cost.grids["exclusive"].tolist() == [0, 1]
    assert cost.grids["pieces"].tolist() == [2, 1]
    assert cost.grids["deviation"] == pytest.approx([1 / 3, 0])


def test_a_zone_in_two_parts_is_two_grids() -> None:
    """Where its units touch over no usable pair, each part is a grid."""
    problem = row_of([10, 10, 300, 10], zone=[7, 7, -1, 7])
    assert partition_problem(problem, Rules()).tolist() == [0, 0, 1, 2]
    assert [part.exclusive for part in split_components(problem, Rules())] == [True, False, True]


def test_no_zone_at_all() -> None:
    """A column of empty text is as none."""
    units, adjacency = lattice(12, 8)
    plain = partition_units(units, adjacency, Rules(), steps=20)
    other = partition_units(units.assign(zone_id=""), adjacency, Rules(), steps=20)
    pd.testing.assert_series_equal(plain, other)
