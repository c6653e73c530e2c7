"""Workload: counted from columns, balanced beside households or instead of them, and reported."""

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from gridmap.check import check_plan
from gridmap.city import read_city
from gridmap.entrances import divide_buildings
from gridmap.errors import RulesError, TableError
from gridmap.measure import measure, summarize
from gridmap.partition import evaluate, make_problem, partition_units
from gridmap.partition.objective import (
    make_state,
    part_cost,
    shift_delta,
    shift_unit,
    weigh_problem,
)
from gridmap.partition.problem import split_components
from gridmap.plan import Plan, draw_plan, redraw_plan
from gridmap.rules import Costs, Rules, Workload, read_rules
from gridmap.synthetic import make_city
from gridmap.workload import fit_workload, unit_workload
from tests.routines import compiled
from tests.test_partition import assert_plan, lattice

shift_delta = compiled(shift_delta)
shift_unit = compiled(shift_unit)

CARE = Workload({"households": 1.0, "elderly_alone": 4.0})


def town_of_elderly() -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Make a town in whose left half many elderly people live alone, and nobody does elsewhere."""
    units, adjacency = lattice(36, 20, largest=25)
    left = units.geometry.bounds["minx"] < 20 * 18
    elderly = np.where(left, units["households"] // 2, 0)
    return units.assign(elderly_alone=elderly), adjacency


def test_workload_is_a_weighted_sum() -> None:
    """Columns are weighted and added up, unit by unit, as by hand; the target is their mean."""
    units, _ = town_of_elderly()
    rules = Rules(workload=CARE)
    by_hand = [
        homes + 4.0 * elderly
        for homes, elderly in zip(units["households"], units["elderly_alone"], strict=True)
    ]
    assert unit_workload(units, rules).tolist() == by_hand
    fitted, settled = fit_workload(units, rules)
    due = units["households"].sum() / 300
    assert settled.workload.target == round(sum(by_hand) / due, 3)
    assert fitted["workload"].tolist() == by_hand
    assert fit_workload(units, Rules())[0] is units


def test_the_mean_leaves_exclusive_zones_out() -> None:
    """What is counted in an exclusive zone asks for no usual grid."""
    units = pd.DataFrame(
        {"households": [300, 300, 0], "shops": [10, 20, 500], "zone_id": ["", "", "mall"]}
    )
    _, rules = fit_workload(units, Rules(workload=Workload({"shops": 1})))
    assert rules.workload.target == 15.0


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"dogs": 1}, "workload.columns.dogs: the units have no such numbers; there are"),
        ({"block_id": 1}, "no such numbers"),
        ({"elderly_alone": 1}, "nobody lives here: there is no workload"),
        ({"debts": 1}, r"unit 10 has -1, not a number from 0 up"),
        ({"households": 1e-9}, "next to nothing for .* grids: give households larger weights"),
    ],
)
def test_what_can_not_be_counted_is_named(columns: dict[str, float], words: str) -> None:
    """A column that is not there, is no count, is empty or negative is an error in words."""
    units, _ = town_of_elderly()
    units = units.assign(elderly_alone=0, debts=-1)
    with pytest.raises(RulesError, match=words):
        fit_workload(units, Rules(workload=Workload(columns)))


def test_a_broken_workload_of_units_is_refused() -> None:
    """Units that come with a workload must have numbers from 0 up."""
    units, adjacency = town_of_elderly()
    with pytest.raises(TableError, match="workload -1 of unit"):
        make_problem(units.assign(workload=-1.0), adjacency)


def test_rules_read_a_workload(tmp_path: Path) -> None:
    """TOML names columns, target, weight; the way to a dict and back keeps them."""
    file = tmp_path / "rules.toml"
    file.write_text(
        "[workload]\ntarget = 420\nweight = 0.5\n"
        "[workload.columns]\nhouseholds = 1\nelderly_alone = 3.5\n"
    )
    rules = read_rules(file)
    assert rules.workload == Workload({"households": 1, "elderly_alone": 3.5}, 420, 0.5)
    assert Rules.from_dict(rules.to_dict()) == rules
    assert Rules.from_dict(Rules(workload=CARE).to_dict()).workload == CARE


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"columns": {"shops": -1}}, "workload.columns.shops is -1"),
        ({"columns": {"shops": 0}}, "weigh nothing"),
        ({"columns": {"shops": "many"}}, "workload.columns.shops is many"),
        ({"columns": {"shops": 1}, "target": 0}, "workload.target is 0"),
        ({"columns": {"shops": 1}, "weight": 0}, "workload.weight is 0"),
        ({"columns": {"shops": 1}, "instead": 1}, "workload.instead is 1"),
        ({"instead": True}, "needs workload.columns"),
        ({"rows": 1}, "no setting workload.rows"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, object], words: str) -> None:
    """Each setting that can't be meant is an error with its name."""
    with pytest.raises(RulesError, match=words):
        Rules.from_dict({"workload": settings})


def test_a_band_that_is_a_must_knows_one_balance() -> None:
    """Districts balance households or a workload, not both."""
    with pytest.raises(RulesError, match=r"say workload\.instead"):
        Rules(workload=CARE, costs=Costs.cut_edges())


def test_both_are_balanced() -> None:
    """Beside households: grids of even households whose workload is far more even than without."""
    units, adjacency = town_of_elderly()
    homes = np.random.default_rng(1).random(len(units)) < 0.1  # of the elderly
    units = units.assign(elderly_alone=np.where(homes, 20, 0))
    work = unit_workload(units, Rules(workload=CARE))
    labels, spread = {}, {}
    for name, workload in (("without", Workload()), ("beside", CARE)):
        labels[name] = partition_units(units, adjacency, Rules(workload=workload))
        assert_plan(units, adjacency, labels[name])
        spread[name] = work.groupby(labels[name]).sum()
    off = {
        name: (each / (work.sum() / (units["households"].sum() / 300)) - 1).abs().mean()
        for name, each in spread.items()
    }
    assert off["beside"] < 0.4 * off["without"]
    homes = units["households"].groupby(labels["beside"]).sum()
    assert (homes / 300 - 1).abs().max() < 0.2


def test_instead_of_households() -> None:
    """Instead of households: the workload is even, and grids of elderly people are smaller."""
    units, adjacency = town_of_elderly()
    rules = Rules(workload=replace(CARE, instead=True))
    labels = partition_units(units, adjacency, rules)
    assert_plan(units, adjacency, labels)
    fitted, settled = fit_workload(units, rules)
    work = fitted["workload"].groupby(labels).sum()
    assert (work / settled.workload.target - 1).abs().max() < 0.12
    cost = evaluate(make_problem(fitted, adjacency), labels, settled)
    assert cost.grids["deviation"] == pytest.approx((work / settled.workload.target - 1).to_numpy())
    homes = units["households"].groupby(labels).sum()
    elderly = units["elderly_alone"].groupby(labels).sum()
    assert homes[elderly == 0].min() > 1.5 * homes[elderly > homes / 3].max()


def test_instead_of_households_a_grid_has_a_target_of_its_own() -> None:
    """Its households against it deviate as the workload does: one band, and not another of 300."""
    rules = Rules(workload=Workload({"elderly_alone": 1}, instead=True))
    plan = draw_plan(city_of_elderly(), rules, steps=20)
    figures, summary = measure(plan), summarize(plan)
    assert figures["target"].std() > 10
    off = figures["households"] / figures["target"] - 1
    assert off.tolist() == pytest.approx(figures["workload_deviation"].tolist(), abs=1e-3)
    assert off.tolist() == pytest.approx(figures["deviation"].tolist(), abs=1e-9)
    assert summary["in_band"] == summary["within_20"]


def test_the_terms_are_those_of_plain_python() -> None:
    """Imbalance of the workload, squared and beyond the band, times its weight."""
    units, adjacency = town_of_elderly()
    units, rules = fit_workload(units, Rules(workload=replace(CARE, weight=0.7)))
    labels = np.arange(len(units)) * 12 // len(units)
    cost = evaluate(make_problem(units, adjacency), labels, rules)
    expected = 0.0
    for grid in range(12):
        work = sum(units["workload"].to_numpy()[labels == grid])
        off = work / rules.workload.target - 1
        assert cost.grids["workload"][grid] == pytest.approx(work)
        expected += 0.7 * (off**2 + 25 * max(0.0, abs(off) - 0.2) ** 2)
    assert cost.terms["workload"] == pytest.approx(expected)
    off = np.abs(cost.grids["workload_deviation"])
    assert cost.counts["workload"] == (off > 0.2).sum()


def test_a_shift_costs_what_the_whole_says() -> None:
    """Moving units one by one changes the cost by what `shift_delta` said, also without homes."""
    units, adjacency = town_of_elderly()
    units.loc[::7, "households"] = 0  # shops and offices: work, but no homes
    units, rules = fit_workload(units, Rules(workload=CARE))
    problem = make_problem(units, adjacency)
    graph = split_components(problem, rules)[0].graph
    labels = (np.arange(len(graph.load)) * 9 // len(graph.load)).astype(np.int32)
    state = make_state(graph, labels, 9, weigh_problem(problem, rules))
    rng = np.random.default_rng(0)
    for unit, new in zip(rng.integers(0, len(labels), 200), rng.integers(0, 9, 200), strict=True):
        if state.labels[unit] != new:
            before = part_cost(state)
            delta = shift_delta(state, unit, new)
            shift_unit(state, unit, new)
            assert part_cost(state) - before == pytest.approx(delta)
    work = np.bincount(state.labels, graph.work, 9)
    assert state.work.tolist() == work.tolist()


def city_of_elderly(grids: int = 12) -> "object":
    """Make a synthetic city whose list of buildings counts elderly people and shops."""
    city = make_city(grids)
    rng = np.random.default_rng(5)
    counts = rng.integers(0, 12, len(city.buildings))
    return replace(city, buildings=city.buildings.assign(elderly_alone=counts, shops=counts % 3))


def test_a_plan_counts_draws_and_reports_it() -> None:
    """From buildings to the report: nothing is lost, the target is kept, findings are in words."""
    city = city_of_elderly()
    rules = Rules(workload=Workload({"households": 1, "elderly_alone": 5, "shops": 2}))
    plan = draw_plan(city, rules, steps=20)
    assert plan.units["elderly_alone"].sum() == city.buildings["elderly_alone"].sum()
    assert plan.rules.workload.target is not None
    figures = measure(plan)
    assert figures["workload"].sum() == pytest.approx(plan.units["workload"].sum())
    assert summarize(plan)["workload"]["target"] == plan.rules.workload.target
    assert summarize(plan)["cost"]["workload"] > 0
    strict = replace(plan.rules, workload=replace(plan.rules.workload, target=100.0))
    report = check_plan(plan, strict)
    found = [each for each in report.findings if each.rule == "too much work"]
    assert len(found) == len(plan.grids)
    assert "% more than a usual grid" in found[0].words
    assert "workload:" in report.to_text()


def test_a_plan_drawn_by_households_is_judged_by_work(four_by_two: Plan) -> None:
    """Other rules count the work of any plan; its own figures have none."""
    assert "workload" not in measure(four_by_two)
    judged = check_plan(four_by_two, Rules(target=150, workload=Workload({"buildings": 1})))
    assert judged.summary["workload"] == {
        "target": 2.0,
        "mean": 2.0,
        "worst": 0.0,
        "within_5": 100.0,
        "within_10": 100.0,
        "within_20": 100.0,
    }


def test_a_redraw_answers_to_work() -> None:
    """Where the work of one grid grows, a redraw moves units although households are even."""
    city = city_of_elderly()
    rules = Rules(workload=Workload({"households": 1, "elderly_alone": 5}))
    plan = draw_plan(city, rules, steps=40)
    heavy = plan.grids.index[0]
    buildings = plan.units["building_id"][plan.units["grid_code"] == heavy]
    grown = plan.city.buildings["elderly_alone"].where(
        ~plan.city.buildings.index.isin(buildings), plan.city.buildings["elderly_alone"] * 3
    )
    city = replace(plan.city, buildings=plan.city.buildings.assign(elderly_alone=grown))
    fixed = plan.rules
    kept = redraw_plan(city, replace(fixed, workload=Workload()), before=plan, steps=40)
    eased = redraw_plan(city, fixed, before=plan, steps=40)
    worst = [check_plan(each, fixed).summary["workload"]["worst"] for each in (kept, eased)]
    assert worst[1] < worst[0]


def test_lists_of_buildings_count_it(tmp_path: Path) -> None:
    """Chinese headings are recognised, what is no count is noted, and entrances share exactly."""
    plan = draw_plan(make_city(3), steps=0)
    source = plan.city
    buildings = source.buildings.to_crs(4326).reset_index()
    buildings["独居老人"] = np.arange(len(buildings)) % 9
    buildings["商铺数"] = "3家"
    buildings.loc[0, "独居老人"] = -4
    file = tmp_path / "town.gpkg"
    buildings.to_file(file, layer="buildings")
    source.communities.to_crs(4326).reset_index().to_file(file, layer="communities")
    city = read_city(file)
    assert city.buildings["elderly_alone"].sum() == (np.arange(1, len(buildings)) % 9).sum()
    assert city.buildings["shops"].unique().tolist() == [3]
    notes = [each for each in city.report.findings if each.problem == "no count: taken as 0"]
    assert [each.column for each in notes] == ["elderly_alone"]
    divided = divide_buildings(city, 40)
    assert len(divided.buildings) > len(city.buildings)
    for name in ("elderly_alone", "shops"):
        assert divided.buildings[name].sum() == city.buildings[name].sum()
