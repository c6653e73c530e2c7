"""Duties, tasks from what is in a grid, and the round of visits."""

from dataclasses import replace

import geopandas as gpd
import pandas as pd
import pytest
from shapely import Point

from gridmap.errors import TableError
from gridmap.plan import draw_plan
from gridmap.staff.duties import TASK_KINDS, basic_duties, list_tasks
from gridmap.staff.members import place_counts
from gridmap.synthetic import make_city
from gridmap.tables import DUTIES, TASKS, check_table
from tests.staff.blocks import CRS, code_of, make_blocks


@pytest.fixture(scope="module")
def plan():
    """Two grids of 120 and 240 households."""
    return make_blocks("AAAABBBBBBBB")


def test_ten_basic_duties():
    """Ten, numbered, each with a name in both languages."""
    duties = basic_duties()
    check_table(duties, DUTIES)
    assert duties.index.tolist() == list(range(1, 11))
    assert duties["name"].is_unique


def test_tasks_belong_to_duties():
    """Each kind of task is part of a duty, and has a place for its number."""
    for kind in TASK_KINDS.values():
        assert kind.duty in basic_duties().index
        assert all("{}" in words for words in kind.words.values())


def test_tasks_come_from_what_is_there(plan):
    """Households always; shops, elderly and stations where they are counted; zeros make none."""
    ids = plan.city.buildings.index
    features = pd.DataFrame({"shops": 0, "elderly": 0, "colour": 7}, ids)
    features.loc["A1", ["shops", "elderly"]] = [3, 1]
    features.loc["A2", "shops"] = 2
    stations = pd.Series({code_of(plan, "B"): 1})
    tasks = list_tasks(plan, features=features, stations=stations)
    check_table(tasks, TASKS)
    told = tasks.groupby("grid_code")["subject"].agg(list)
    assert told[code_of(plan, "A")] == ["households", "elderly", "shops"]
    assert told[code_of(plan, "B")] == ["households", "stations"]
    assert tasks.loc[tasks["subject"] == "shops", "amount"].tolist() == [5]
    assert "5 家" in tasks.loc[tasks["subject"] == "shops", "task"].iloc[0]


def test_counts_of_the_citys_own_buildings_count(plan):
    """What a list of buildings counts and what a list of features adds are one sum."""
    counted = plan.city.buildings.assign(elderly_alone=0, disputes=0)
    counted.loc["A0", ["elderly_alone", "disputes"]] = [4, 1]
    town = replace(plan, city=replace(plan.city, buildings=counted))
    more = pd.DataFrame({"elderly_alone": [3]}, ["A1"])
    tasks = list_tasks(town, features=more, lang="en").set_index("subject")
    assert tasks.at["elderly_alone", "amount"] == 7
    assert tasks.at["disputes", "duty_id"] == 2
    assert tasks.at["disputes", "task"] == "watch 1 places of repeated disputes"


def test_what_was_counted_before_counts_on(plan):
    """Without a new list the kept counts by building stay, in the other language, too.

    What the plan knows is counted anew, and a new list takes the place of the old one.
    """
    features = pd.DataFrame({"shops": [3], "hydrants": [2]}, ["A1"])
    kept = list_tasks(plan, features=features, stations=pd.Series({code_of(plan, "A"): 1}))
    again = list_tasks(plan, kept=kept, lang="en")
    assert again.loc[again["subject"] == "shops", "task"].item().startswith("call at 3 shops")
    assert set(again["subject"]) == {"households", "shops", "hydrants"}
    new = list_tasks(plan, features=features[["hydrants"]], kept=kept)
    assert set(new["subject"]) == {"households", "hydrants"}
    assert set(list_tasks(plan, kept=kept.iloc[:0])["subject"]) == {"households"}


def test_buildings_are_placed_once(plan, monkeypatch):
    """The city's own counts and those of a list go to their units together."""
    calls = []
    monkeypatch.setattr(
        "gridmap.staff.duties.place_counts",
        lambda *given: calls.append(given) or place_counts(*given),
    )
    list_tasks(plan, features=pd.DataFrame({"shops": [3]}, ["A1"]))
    assert len(calls) == 1


def test_buildings_without_a_unit_of_their_own_count(plan):
    """A building that shares its unit with a larger one is not lost."""
    buildings = plan.city.buildings
    guest = buildings.loc[["B1"]].set_axis(["guest"], axis=0).rename_axis(buildings.index.name)
    guest = guest.assign(households=0, geometry=guest.geometry.buffer(-5))
    both = pd.concat([buildings, guest])
    town = replace(plan, city=replace(plan.city, buildings=both))
    tasks = list_tasks(town, features=pd.DataFrame({"shops": [2]}, ["guest"]))
    [row] = tasks[tasks["subject"] == "shops"].to_dict("records")
    assert (row["grid_code"], row["amount"]) == (code_of(plan, "B"), 2)


def test_stations_may_be_places(plan):
    """Points are counted in the grid that they are in; one outside of all counts in none."""
    spots = {"in": plan.grids.geometry.loc[code_of(plan, "B")].centroid, "out": Point(-900, 0)}
    places = gpd.GeoDataFrame({"name": list(spots)}, geometry=list(spots.values()), crs=CRS)
    tasks = list_tasks(plan, stations=places)
    [row] = tasks[tasks["subject"] == "stations"].to_dict("records")
    assert (row["grid_code"], row["amount"]) == (code_of(plan, "B"), 1)


def test_tasks_of_a_city():
    """High-rises and main roads of a drawn city are found; sums are those of the buildings."""
    town = draw_plan(make_city(12), steps=1)
    tasks = list_tasks(town)
    assert {"households", "main_roads"} <= set(tasks["subject"])
    high = tasks.loc[tasks["subject"] == "high_rises", "amount"].sum()
    buildings = town.city.buildings
    assert high == ((buildings["floors"] >= 11) & (buildings["households"] > 0)).sum()


@pytest.mark.parametrize(
    ("features", "match"),
    [
        (pd.DataFrame({"shops": [1]}, ["nowhere"]), "no such building: nowhere"),
        (pd.DataFrame({"shops": [-1]}, ["A0"]), "shops of A0"),
        (pd.DataFrame({"shops": [1.5]}, ["A0"]), "shops of A0"),
    ],
)
def test_wrong_counts_are_refused(plan, features, match):
    """A building that is not there and a count that is none are named."""
    with pytest.raises(TableError, match=match):
        list_tasks(plan, features=features)


def test_stations_of_other_grids_are_refused(plan):
    """A station in a grid that is not there is named."""
    with pytest.raises(TableError, match="no such grid: 1"):
        list_tasks(plan, stations=pd.Series({"1": 1}))
