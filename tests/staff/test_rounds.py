"""Stations, rounds on foot, rosters and maps."""

import builtins
from datetime import date
from itertools import combinations, pairwise, permutations
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point

import gridmap
from gridmap.errors import StaffError
from gridmap.plan import Plan
from gridmap.staff import (
    assign_workers,
    list_contacts,
    list_duties,
    make_walk_net,
    plan_patrols,
    site_stations,
    write_patrols,
    write_staff_roster,
)
from gridmap.staff.bounds import bound_rounds
from gridmap.tables import PATROLS, check_table
from tests.staff.towns import make_people, make_strip

DAY = date(2025, 3, 3)


def make_places(*at: float, prefix: str = "c", y: float = 0.0) -> gpd.GeoDataFrame:
    """Return stations along the street."""
    ids = pd.Index([f"{prefix}{number}" for number in range(len(at))], name="station_id")
    names = pd.Series([f"{prefix}{number}号" for number in range(len(at))], ids, dtype="str")
    return gpd.GeoDataFrame({"name": names}, geometry=[Point(x, y) for x in at], crs=4550)


def make_stops(*at: float, minutes: float = 10.0) -> gpd.GeoDataFrame:
    """Return shops along the street."""
    ids = pd.Index([f"t{number}" for number in range(len(at))], name="stop_id")
    names = pd.Series([f"店{number}" for number in range(len(at))], ids, dtype="str")
    frame = pd.DataFrame({"name": names, "kind": "商铺", "minutes": minutes}, ids)
    frame = frame.astype({"kind": "str", "minutes": "float64"})
    return gpd.GeoDataFrame(frame, geometry=[Point(x, 0) for x in at], crs=4550)


@pytest.fixture(scope="module")
def street() -> Plan:
    """Twenty grids in a row, 2 km of street."""
    return make_strip([[300] * 10, [100] * 10])


def test_the_least_number_of_stations_is_that_of_brute_force(street: Plan) -> None:
    """Of nine places, for several times on foot; every home that can be is covered."""
    places = make_places(*range(50, 1850, 220))
    homes = street.city.buildings.representative_point()
    walk, _ = make_walk_net(street).measure(places.geometry.to_numpy(), homes.to_numpy())
    for minutes in (4.0, 6.0, 9.0):
        siting = site_stations(street, places, minutes=minutes)
        reach = walk <= minutes * 4000 / 60
        able = reach.any(axis=0)
        least = next(
            size for size in range(1, 10)
            if any(reach[list(some)].any(axis=0)[able].all()
                   for some in combinations(range(len(places)), size))
        )  # fmt: skip
        assert (siting.proof, len(siting.stations)) == ("optimal", least)
        assert siting.homes["covered"].to_numpy().tolist() == able.tolist()


def test_a_number_of_stations_covers_most_households(street: Plan) -> None:
    """One new station goes where the larger grids are."""
    siting = site_stations(street, make_places(450, 1550), minutes=6, number=1)
    assert siting.stations.index.tolist() == ["c0"]
    assert siting.covered == siting.stations["households"].sum() == 2100
    assert siting.uncovered["households"].sum() == 4000 - 2100
    assert "1,900 are not" in siting.to_text()


def test_the_least_walk_is_that_of_brute_force(street: Plan) -> None:
    """Of nine places, with one that exists and without; the households walk least together."""
    places = make_places(*range(50, 1850, 220))
    old = make_places(1700, prefix="e")
    homes = street.city.buildings
    points = homes.representative_point().to_numpy()
    net = make_walk_net(street)
    ways, _ = net.measure(places.geometry.to_numpy(), points)
    there, _ = net.measure(old.geometry.to_numpy(), points)
    for existing in (None, old):
        for number in (1, 2, 3):
            siting = site_stations(street, places, number=number, aim="walk", existing=existing)
            base = [] if existing is None else [there]
            least = min(
                float(
                    (np.vstack([ways[list(some)], *base]).min(axis=0) * homes["households"]).sum()
                )
                for some in combinations(range(len(places)), number)
            )
            assert siting.proof == "optimal"
            assert len(siting.stations) == number + (existing is not None)
            assert siting.mean_walk * homes["households"].sum() == pytest.approx(least)


def test_the_least_walk_by_grid_where_homes_are_many(
    street: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A grid of this street is one building: its homes together give the same, and it is said."""
    places = make_places(*range(50, 1850, 220))
    whole = site_stations(street, places, number=2, aim="walk")
    monkeypatch.setattr("gridmap.staff.stations._MOST_PAIRS", 10)
    merged = site_stations(street, places, number=2, aim="walk")
    assert (whole.proof, merged.proof) == ("optimal", "optimal by grid")
    assert merged.stations.index.tolist() == whole.stations.index.tolist()


def test_the_least_walk_and_the_most_cover_differ(street: Plan) -> None:
    """Most households are within six minutes of the dense end; all walk least to the middle."""
    places = make_places(450, 850, 1550)
    cover = site_stations(street, places, minutes=6, number=1)
    walk = site_stations(street, places, minutes=6, number=1, aim="walk")
    assert (cover.stations.index[0], walk.stations.index[0]) == ("c0", "c1")
    assert cover.covered > walk.covered
    assert cover.mean_walk > walk.mean_walk


def test_no_new_station_is_an_answer(street: Plan) -> None:
    """Zero new ones leave the existing; without any the average way is not known."""
    none = site_stations(street, make_places(450), number=0, aim="walk")
    assert none.stations.empty
    assert np.isnan(none.mean_walk)
    assert len(none.uncovered) == len(street.city.buildings)


def test_existing_stations_stay_and_count(street: Plan) -> None:
    """What they reach needs no new one; none is chosen beside them."""
    old = make_places(450, prefix="e")
    siting = site_stations(street, make_places(460, 1500), existing=old, minutes=9)
    assert siting.stations.index.tolist() == ["e0", "c1"]
    assert siting.stations["existing"].tolist() == [True, False]


def test_stations_are_refused_with_what_is_wrong(street: Plan) -> None:
    """An id in both tables, a number of more than there are, no time."""
    places = make_places(450, 1550)
    with pytest.raises(StaffError, match="c0"):
        site_stations(street, places, existing=places.iloc[:1])
    with pytest.raises(StaffError, match="3 new stations"):
        site_stations(street, places, number=3)
    with pytest.raises(StaffError, match="0 minutes"):
        site_stations(street, places, minutes=0)
    with pytest.raises(StaffError, match="a number of new stations is needed"):
        site_stations(street, places, aim="walk")
    with pytest.raises(StaffError, match="'near'"):
        site_stations(street, places, aim="near", number=1)  # type: ignore[arg-type]


def test_without_the_solvers_the_error_says_what_to_install(
    street: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pip install gridmap[staff], for stations and for rounds."""
    real = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name.split(".", maxsplit=1)[0] in ("pulp", "pyvrp"):
            raise ImportError(name)
        return real(name, *rest)

    people = make_people({"x": 0.0})
    staffing = assign_workers(street, people, on=DAY)
    code = staffing.loc[staffing["worker_id"] == "w0", "grid_code"].iloc[0]
    shops = make_stops(street.grids.at[code, "geometry"].centroid.x)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(StaffError, match=r"gridmap\[staff\]"):
        site_stations(street, make_places(450))
    with pytest.raises(StaffError, match=r"gridmap\[staff\]"):
        plan_patrols(street, shops, staffing, people, on=DAY)


def test_a_round_is_the_shortest() -> None:
    """Six stops around a start on a net of streets: against every order."""
    plan = make_strip([[300] * 8] * 2, width=4)
    rng = np.random.default_rng(5)
    people = make_people({"x": 5.0})
    staffing = assign_workers(plan, people, on=DAY)
    staffing = pd.concat([staffing[staffing["worker_id"] == "w0"].head(1)] * len(plan.grids))
    staffing = staffing.assign(grid_code=plan.grids.index.to_numpy(object), role="primary")
    stops = make_stops(*range(6)).set_geometry(
        gpd.GeoSeries([Point(*xy) for xy in rng.uniform(0, 390, (6, 2))],
                      [f"t{at}" for at in range(6)], crs=4550)
    )  # fmt: skip
    rounds = plan_patrols(plan, stops, staffing, people, on=DAY)
    check_table(rounds, PATROLS)
    assert rounds["day"].unique().tolist() == [1]
    points = [people.geometry.iloc[0], *stops.geometry]
    walk, _ = make_walk_net(plan).measure(points, points)
    best = min(
        walk[[0, *order], [*order, 0]].sum() for order in permutations(range(1, len(points)))
    )
    assert rounds["walk"].sum() == pytest.approx(best, abs=8)  # whole metres a leg
    proof = rounds.attrs["proof"]
    assert (proof["days"], proof["days_bound"]) == (1, 1)
    assert proof["bound"] <= best + 1e-6
    assert proof["gap"] < 0.1
    again = plan_patrols(plan, stops, staffing, people, on=DAY)
    pd.testing.assert_frame_equal(rounds, again)


def test_days_are_no_longer_than_asked_for(street: Plan) -> None:
    """Stops of an hour each: two fit into 150 minutes, so five take three days."""
    people = make_people({"x": 100.0})
    staffing = assign_workers(street, people, on=DAY)
    code = staffing.loc[staffing["worker_id"] == "w0", "grid_code"].iloc[0]
    at = street.grids.at[code, "geometry"].centroid.x
    stops = make_stops(*np.linspace(at - 40, at + 40, 5), minutes=60.0)
    own = staffing[staffing["grid_code"] == code]
    rounds = plan_patrols(street, stops, own, people, on=DAY, day_minutes=150)
    spent = rounds.groupby("day").apply(lambda legs: (legs["arrive"] + legs["minutes"]).max())
    assert rounds["day"].max() == 3
    assert rounds.attrs["proof"]["days_bound"] == 3  # five hours at least, two and a half a day
    assert spent.max() <= 150.5
    assert sorted(rounds.loc[rounds["stop_id"] != "", "stop_id"]) == [f"t{n}" for n in range(5)]
    assert (rounds[rounds["stop_id"] == ""]["order"].to_numpy() > 1).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_no_rounds_are_shorter_than_the_bound(stops: int, days: int, seed: int) -> None:
    """Against every order of the stops, cut into so many days in every way; one day bounds all."""
    xy = np.random.default_rng(seed).uniform(0, 1000, (stops + 1, 2))
    walk = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    days = min(days, stops)
    best = min(
        sum(
            walk[[0, *part], [*part, 0]].sum()
            for part in (order[a:b] for a, b in pairwise([0, *cuts, stops]))
        )
        for order in permutations(range(1, stops + 1))
        for cuts in combinations(range(1, stops), days - 1)
    )
    assert bound_rounds(walk, days) <= best + 1e-6
    assert bound_rounds(walk) <= best + 1e-6
    assert bound_rounds(walk, days) >= 0.6 * best


def test_rounds_are_written_to_print(street: Plan, tmp_path: Path) -> None:
    """A sheet with the days, a page for each with every stop in order and a box to tick."""
    people = make_people({"x": 100.0, "name": "王/芳"})
    staffing = assign_workers(street, people, on=DAY)
    code = staffing.loc[staffing["worker_id"] == "w0", "grid_code"].iloc[0]
    x = street.grids.at[code, "geometry"].centroid.x
    stops = pd.concat([make_stops(x - 10, x + 10), make_stops(x).rename({"t0": "t9"})])
    stops.loc["t9", "minutes"] = 500.0
    own = staffing[staffing["grid_code"] == code]
    rounds = plan_patrols(street, stops, own, people, on=DAY)
    write_patrols(rounds, people, tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["走访日程", "走访路线"]
    lines = [[cell.value for cell in line] for line in book["走访路线"].iter_rows()]
    first, rest = lines[:9], lines[9:]
    assert first[0][0] == rest[0][0] == "网格员走访路线单"
    assert first[1][0] == "网格员：王/芳（w0）　　第1天"
    assert first[2][0].startswith("共2处，步行")
    assert first[3][:3] == ["序号", "名称", "类别"]
    assert [line[-1] for line in first[4:7]] == ["□", "□", None]
    assert rest[1][0] == "网格员：王/芳（w0）　　以下1处未排入路线，原因见备注"
    assert [one.id for one in book["走访路线"].row_breaks.brk] == [9, len(lines)]
    days = [[cell.value for cell in line] for line in book["走访日程"].iter_rows(min_row=3)]
    assert [(line[3], line[4]) for line in days[:-1]] == [(0, 1), (1, 2)]
    assert days[-1][4] == 3
    with pytest.raises(StaffError, match=r"a\.pdf"):
        write_patrols(rounds, people, tmp_path / "a.pdf")


def test_stops_that_fit_into_no_day_are_listed(street: Plan) -> None:
    """With the time that they take; so are those of a grid without a worker."""
    people = make_people({"x": 50.0})
    staffing = assign_workers(street, people, on=DAY).query("worker_id == 'w0'")
    code = staffing["grid_code"].iloc[0]
    x = street.grids.at[code, "geometry"].centroid.x
    other = next(each for each in street.grids.geometry.centroid.x if abs(each - x) > 150)
    stops = make_stops(x, other, minutes=500.0)
    rounds = plan_patrols(street, stops, staffing[staffing["grid_code"] == code], people, on=DAY)
    assert rounds["day"].tolist() == [0, 0]
    assert rounds.sort_values("stop_id")["worker_id"].tolist() == ["w0", ""]
    assert rounds["note"].str.len().min() > 0


@pytest.fixture(scope="module")
def staffed() -> tuple[Plan, pd.DataFrame, gpd.GeoDataFrame]:
    """Return three grids, of which one is vacant, and two workers."""
    plan = make_strip([[300, 400], [300]])
    people = make_people(
        {"x": 50.0, "name": "=甲", "phone": "0417-1", "home_unit": "财政局"},
        {"x": 250.0, "name": "乙<b>", "phone": "0417-2"},
    )
    return plan, assign_workers(plan, people, on=DAY), people


def test_every_grid_is_in_the_roster_once(staffed: Any) -> None:
    """The vacant one with "" and the reason; what is posted in public is names and phones only."""
    plan, staffing, people = staffed
    duties = list_duties(plan, staffing, people, on=DAY)
    assert duties.index.tolist() == plan.grids.index.tolist()
    vacant = duties[duties["worker_id"] == ""]
    assert len(vacant) == 1
    assert vacant["reason"].str.contains("空缺").all()
    contacts = list_contacts(plan, staffing, people, on=DAY)
    assert contacts.columns.tolist() == ["grid", "worker", "phone"]


def test_the_workbook_has_codes_as_text_and_no_formula(staffed: Any, tmp_path: Path) -> None:
    """Three sheets; a name that begins with = is text."""
    plan, staffing, people = staffed
    path = tmp_path / "名册.xlsx"
    write_staff_roster(plan, {"workers": people, "staffing": staffing}, path, on=DAY)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["网格名册", "空缺、兼管与分担", "人员", "安排依据"]
    cells = {cell.value: cell.data_type for row in book["网格名册"].iter_rows() for cell in row}
    assert cells[plan.grids.index[0]] == "s"
    assert cells["=甲"] == "s"
    assert book["空缺、兼管与分担"].max_row == 4
    assert [path.name for path in tmp_path.iterdir()] == ["名册.xlsx"]


def test_a_shared_grid_names_everybody(tmp_path: Path) -> None:
    """One row with the others and their households; each of them has it in the list of people."""
    plan = make_strip([[800]])
    people = make_people({"x": 0.0, "name": "甲"}, {"x": 10.0, "name": "乙"})
    staffing = assign_workers(plan, people, on=DAY)
    [row] = list_duties(plan, staffing, people, on=DAY).to_dict("records")
    assert {row["worker"], row["others"]} in ({"甲", "乙 400"}, {"乙", "甲 400"})
    write_staff_roster(plan, {"workers": people, "staffing": staffing}, tmp_path / "a.xlsx", on=DAY)
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["人员"]
    names = [[cell.value for cell in line] for line in sheet.iter_rows(min_row=4)]
    assert [400 in line and plan.grids["name"].iloc[0] in line for line in names[:-1]] == [
        True,
        True,
    ]
    assert "多人分担一格" in gridmap.map_staffing(plan, staffing, people, on=DAY).to_html()
    alone = assign_workers(plan, people.iloc[:1], on=DAY)
    assert list_duties(plan, alone, people, on=DAY)["others"].tolist() == ["— 400"]


def test_the_geopackage_has_the_grids_with_their_workers(staffed: Any, tmp_path: Path) -> None:
    """And another suffix is refused."""
    plan, staffing, people = staffed
    write_staff_roster(plan, {"workers": people, "staffing": staffing}, tmp_path / "a.gpkg", on=DAY)
    back = gpd.read_file(tmp_path / "a.gpkg", layer="staffing").set_index("grid_code")
    assert back.loc[plan.grids.index[0], "worker"] in ("=甲", "乙<b>", "")
    assert back.geometry.area.sum() == pytest.approx(30_000)
    with pytest.raises(StaffError, match=r"a\.doc"):
        write_staff_roster(
            plan, {"workers": people, "staffing": staffing}, tmp_path / "a.doc", on=DAY
        )


def test_maps_need_no_internet_and_name_what_they_show(staffed: Any, street: Plan) -> None:
    """Staffing with its legend, stations with homes out of reach, rounds with numbered stops."""
    plan, staffing, people = staffed
    page = gridmap.map_staffing(plan, staffing, people, on=DAY).to_html()
    assert "空缺" in page
    assert "一人兼管多格" not in page  # nobody has two
    assert "vacant" in gridmap.map_staffing(plan, staffing, people, lang="en").to_html()
    siting = site_stations(street, make_places(450), minutes=5)
    assert "未覆盖住户" in gridmap.map_stations(street, siting).to_html()
    stops = make_stops(20.0, 40.0)
    own = staffing[staffing["worker_id"] != ""]
    rounds = plan_patrols(plan, stops, own, people, on=DAY)
    assert "第1天" in gridmap.map_patrols(plan, rounds).to_html()
