"""The casebook of a store: the plan in force, its people, addresses by its own search."""

from pathlib import Path

import pandas as pd
import pytest

import gridmap
from gridmap.days import today_in_china
from gridmap.errors import PlanNotFoundError
from tests.incidents.town import CITIZEN, NE, SW, WORKER, at
from tests.towns import make_four_by_two


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> gridmap.PlanStore:
    """Keep and publish the small town, with a worker and a liaison."""
    store = gridmap.PlanStore(tmp_path_factory.mktemp("opening") / "plans")
    store.keep(make_four_by_two(), "spring")
    liaisons = pd.DataFrame(
        {"community_id": [SW[:12]], "department": ["供水"], "post": ["水务岗"], "name": [""],
         "phone": ["0417"]}
    ).astype("str")  # fmt: skip
    store.keep_staff("spring", {"liaisons": liaisons}, today_in_china(), by="planner")
    store.publish("spring", today_in_china(), by="planner")
    return store


def test_addresses_are_those_of_the_plan(store: gridmap.PlanStore) -> None:
    """A building is a place; a street, the moon and a community that there is not are none."""
    nowhere = ("建设大街", "月球路1号", "冬新社区7号楼", "小雨社区7号楼")
    with gridmap.open_casebook(store) as book:
        for address, grid in (("东新社区7号楼", NE), *((address, "") for address in nowhere)):
            report = gridmap.Report("供水", gridmap.Location(address=address))
            case = book.open(report, CITIZEN)
            assert (case.grid_code, bool(case.flag)) == (grid, not grid), address
        point = at(50, 50)
        both = gridmap.Location(point.lon, point.lat, address="东新社区7号楼")
        case = book.open(gridmap.Report("供水", both), CITIZEN)
        assert case.grid_code == SW and "m apart" in case.flag


def test_a_whistle_finds_the_liaison_that_was_kept(store: gridmap.PlanStore) -> None:
    """The staff tables of the day count; photos lie beside the plans."""
    with gridmap.open_casebook(store, store.folder / "other.sqlite") as book:
        case = book.open(gridmap.Report("供水", at(50, 50)), CITIZEN)
        book.step(case.case_id, gridmap.Step("whistle", WORKER, departments=("供水",)))
        assert [(call.post, call.phone) for call in book.whistles(case.case_id)] == [
            ("水务岗", "0417")
        ]
        assert book.photos == Path(store.folder) / "cases.photos"


def test_without_a_plan_in_force_there_is_no_casebook(tmp_path: Path) -> None:
    """Nothing could be located."""
    empty = gridmap.PlanStore(tmp_path / "plans")
    with pytest.raises(PlanNotFoundError):
        gridmap.open_casebook(empty)
