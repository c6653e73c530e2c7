"""Figures of cases, on counts that can be done by hand."""

from datetime import timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import box

from gridmap.casebook.book import Casebook
from gridmap.errors import CaseError
from gridmap.incidents.figures import (
    find_hot_spots,
    find_repeats,
    measure_load,
    rate_dispatch,
    rate_on_time,
    rate_workers,
)
from tests.incidents.town import (
    CITIZEN,
    COMMUNITY,
    NE,
    SATURDAY,
    STREET,
    SW,
    WATER,
    WORKER,
    make_town_desk,
    report,
    step,
)

NOW = SATURDAY + timedelta(hours=30)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """Keep five cases of Saturday.

    Two in the south-west (K1): one all in time, one inspected late and then nothing. One in the
    north-east (K4) that nobody touched; one withdrawn; one refused and sent on, then suspended.
    """
    path: Path = tmp_path_factory.mktemp("figures") / "cases.sqlite"
    with Casebook(path, make_town_desk()) as book:
        good, late, idle, gone, sent = (
            book.open(report(*place), CITIZEN).case_id
            for place in ((50, 50), (55, 50), (350, 150), (350, 150), (190, 50))
        )
        book.step(good, step("note", WORKER, 0.5))
        for hour, (action, actor) in enumerate(
            [("inspect", WORKER), ("resolve", WATER), ("answer", COMMUNITY), ("accept", STREET)], 1
        ):
            book.step(good, step(action, actor, hour))
        book.step(late, step("inspect", WORKER, 4))
        book.step(gone, step("withdraw", STREET, 1))
        book.step(sent, step("whistle", WORKER, 1, departments=("供水",)))
        book.step(sent, step("refuse", WATER, 2, reason="jurisdiction"))
        book.step(sent, step("arrive", WATER, 2.5))
        book.step(sent, step("suspend", STREET, 2.6))
        assert idle
        for day, (worker, score) in enumerate([("K1", 5), ("K1", 5), ("K4", 1)]):
            book.vote(worker, f"device-{day}", score, at=SATURDAY)
        return book.tables()


def test_on_time_by_duty(tables: dict[str, pd.DataFrame]) -> None:
    """Inspection: good in time, late not, idle not; the others are not decided."""
    rates = rate_on_time(tables["cases"], now=NOW)
    assert rates.index.tolist() == ["inspect", "resolve", "answer", "accept"]
    assert rates["decided"].tolist() == [3, 3, 1, 1]
    assert rates["on_time"].tolist() == [1, 1, 1, 1]
    assert rates.loc["inspect", "rate"] == pytest.approx(1 / 3)


def test_on_time_by_group(tables: dict[str, pd.DataFrame]) -> None:
    """By grid: one of two in the south-west, none of one in the north-east; by a wrong word."""
    rates = rate_on_time(tables["cases"], "grid_code", now=NOW)["rate"]
    assert rates[(SW, "inspect")] == 0.5 and rates[(NE, "inspect")] == 0
    assert np.isnan(rates[(NE, "accept")])
    with pytest.raises(CaseError, match="by 'colour'"):
        rate_on_time(tables["cases"], "colour", now=NOW)


def test_dispatch_figures(tables: dict[str, pd.DataFrame]) -> None:
    """Four of five stayed where they were sent; 6 hops for 5; one of two calls was refused."""
    found = rate_dispatch(tables["cases"], tables["whistles"])
    expected = {"cases": 5, "first_right": 0.8, "hops": 1.2, "whistles": 2}
    assert found == {**expected, "arrived": 0.5, "returned": 0.5}
    empty = rate_dispatch(tables["cases"][:0], tables["whistles"][:0])
    assert np.isnan(empty["first_right"]) and np.isnan(empty["returned"])


def test_load_of_workers(tables: dict[str, pd.DataFrame]) -> None:
    """K1 has one open in breach and one closed, K4 one in breach, K3 one that is paused."""
    load = measure_load(tables["cases"], now=NOW)
    assert load.loc["K1"].tolist() == [1, 1, 0, 1]
    assert load.loc["K4"].tolist() == [1, 1, 0, 0]
    assert load.loc["K3"].tolist() == [0, 0, 1, 0]


def test_places_that_come_back(tables: dict[str, pd.DataFrame]) -> None:
    """Two cases 5 m apart are a place from two on; the withdrawn one counts nowhere."""
    [place] = find_repeats(tables["cases"], least=2).to_dict("records")
    assert (place["cases"], place["grid_code"], place["open"]) == (2, SW, 1)
    assert find_repeats(tables["cases"]).empty
    assert len(find_repeats(tables["cases"], radius=4, least=1)) == 4


def test_the_table_of_workers(tables: dict[str, pd.DataFrame]) -> None:
    """K1 has notes, votes and a duty in time; visits count where they are told."""
    table = rate_workers(tables, now=NOW)
    assert table.index.tolist()[0] == "K1" and table["rank"].iloc[0] == 1
    first = table.loc["K1"]
    assert (first["cases"], first["notes"], first["votes"], first["vote"]) == (2, 1, 2, 5)
    assert first["on_time"] == pytest.approx(4 / 6)
    mean = 11 / 3
    vote = ((2 * 5 + 10 * mean) / 12 - 1) / 4
    duties = (4 + 10 * 4 / 8) / (6 + 10)  # of all eight that are decided, four were in time
    assert first["score"] == pytest.approx(100 * (40 * duties + 30 * vote) / 70, abs=0.06)
    visits = pd.DataFrame({"worker_id": ["K4", "K9"], "visits": [10, 100]})
    told = rate_workers(tables, visits, now=NOW, weights={"on_time": 0, "visits": 1, "votes": 0})
    assert told["score"].to_dict() == {"K9": 100.0, "K4": 10.0, "K1": 0.0, "K3": 0.0}
    with pytest.raises(CaseError, match="weights are"):
        rate_workers(tables, now=NOW, weights={"beauty": 1})


def test_hot_spots_are_found_where_they_were_put() -> None:
    """A block of nine cells with ten cases each in a field of 400 with one: these nine, no more."""
    cells = [box(x, y, x + 1, y + 1) for x in range(20) for y in range(20)]
    codes = pd.Index([f"g{number:03}" for number in range(400)], name="grid_code")
    grids = gpd.GeoDataFrame({"households": 300}, index=codes, geometry=cells, crs=4550)
    hot = {f"g{x * 20 + y:03}" for x in (9, 10, 11) for y in (9, 10, 11)}
    owners = [code for code in codes for _ in range(10 if code in hot else 1)]
    cases = pd.DataFrame({"grid_code": owners})
    table = find_hot_spots(cases, grids)
    assert hot <= set(table.index[table["hot"]]) and table["hot"].sum() <= 25
    assert table.index[0] == "g210" and not table["cold"].any()
    per_home = find_hot_spots(cases, grids.assign(households=[300] * 399 + [0]), per_household=True)
    assert len(per_home) == 399 and per_home.index[0] == "g210"


def test_an_even_field_has_no_hot_spot() -> None:
    """All the same, or nothing at all: no variance, no finding, no warning."""
    grids = gpd.GeoDataFrame(
        {"households": 300},
        index=pd.Index(["a", "b", "c"], name="grid_code"),
        geometry=[box(x, 0, x + 1, 1) for x in range(3)],
        crs=4550,
    )
    table = find_hot_spots(pd.DataFrame({"grid_code": ["a", "b", "c"]}), grids)
    assert not table["hot"].any() and (table["z"] == 0).all()
    assert (
        find_hot_spots(pd.DataFrame({"grid_code": pd.Series([], dtype="str")}), grids)[
            "cases"
        ].sum()
        == 0
    )


def test_figures_know_no_reporter(tables: dict[str, pd.DataFrame]) -> None:
    """No table has a column for one; the phone of a whistle is the liaison's office."""
    columns = {name for table in tables.values() for name in table.columns}
    assert not columns & {"name", "email", "device", "reporter"}
    assert "phone" not in tables["cases"].columns
