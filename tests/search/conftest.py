"""A town whose names are those of the examples: 建设街道, 小雨社区, 幸福花园 …"""

from dataclasses import replace

import pytest

from gridmap.plan import Plan, draw_plan
from gridmap.search import SearchIndex, write_index
from gridmap.synthetic import make_city

COMMUNITIES = (("小雨社区", "建设街道"), ("第3社区", "红旗街道"), ("长征社区", "红旗街道"))


@pytest.fixture(scope="session")
def plan() -> Plan:
    """Draw three communities with names of their own.

    小雨社区 has the buildings 1号楼 … 4号楼 without a compound, 幸福花园 with 1号楼 … 12号楼, a
    building with a name and one without anything.
    """
    city = make_city(34)
    assert len(city.communities) == len(COMMUNITIES)
    names, offices = zip(*COMMUNITIES, strict=True)
    communities = city.communities.assign(name=list(names), street=list(offices))
    buildings = city.buildings.copy()
    here = buildings.index[buildings["community_id"] == communities.index[0]]
    for number, key in enumerate(here[:4], start=1):
        buildings.loc[key, ["compound_id", "name"]] = ["", f"{number}号楼"]
    for number, key in enumerate(here[4:16], start=1):
        buildings.loc[key, ["compound_id", "name"]] = ["幸福花园", f"{number}号楼"]
    buildings.loc[here[16], ["compound_id", "name"]] = ["", "建设银行大楼"]
    buildings.loc[here[17], ["compound_id", "name"]] = ["", ""]
    return draw_plan(replace(city, communities=communities, buildings=buildings), steps=5)


@pytest.fixture(scope="session")
def index(plan, tmp_path_factory) -> SearchIndex:
    """Write and open the index of the town."""
    path = tmp_path_factory.mktemp("search") / "town.search.sqlite"
    write_index(plan, path, fingerprint="town")
    return SearchIndex(path)
