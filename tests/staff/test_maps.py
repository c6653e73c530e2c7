"""Maps of branches, contacts and rounds of visits: offline, in two languages, without members."""

import json
import re
from datetime import date

import geopandas as gpd
import pandas as pd
import pytest

from gridmap.maps import PlanMap
from gridmap.plan import Plan
from gridmap.staff.branches import form_branches
from gridmap.staff.contacts import match_branches, match_communities
from gridmap.staff.visits import measure_visits
from gridmap.staff_maps import map_branches, map_contacts, map_visits
from gridmap.tables import CONTACTS, VISITS
from tests.staff.blocks import CRS, code_of, count_members, make_blocks

START, END = date(2026, 3, 1), date(2026, 3, 10)


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Four grids in two communities."""
    return make_blocks("AABBCCDD", communities=(3, 1))


def read_shading(page: PlanMap) -> dict:
    """Return what fills the grids, as the page was told."""
    text = re.search(r'<script id="plan" type="application/json">(.*?)</script>', page.to_html())
    assert text is not None
    [shading] = json.loads(text[1].replace("<\\/", "</"))["shadings"]
    return shading


def words_of(shading: dict, lang: int) -> list[str]:
    """Return the words of each grid's class."""
    return [shading["labels"][at][lang] for at in shading["classes"]]


def test_branches_by_what_covers_a_grid(plan: Plan) -> None:
    """Its own, a joint one of two, none; the joint land has a line; members are not told."""
    members = count_members(plan, A=9, B=2, C=2, D=0)
    tables = form_branches(plan, members).tables
    page = map_branches(plan, tables)
    shading = read_shading(page)
    assert words_of(shading, 0) == ["单独支部", "联合支部", "联合支部", "未覆盖"]
    assert ["联合支部范围", "land of a joint branch"] in shading["labels"]
    html = page.to_html()
    assert "MultiLineString" in html or "LineString" in html
    assert "probationary" not in html
    own = form_branches(plan, count_members(plan, A=9, B=9, C=9, D=9)).tables
    assert ["联合支部范围", "land of a joint branch"] not in read_shading(map_branches(plan, own))[
        "labels"
    ]


def make_contacts(placed: bool) -> pd.DataFrame:
    """Return a leader and two units, with or without offices."""
    table = pd.DataFrame(
        {
            "kind": ["leader", "unit", "unit"],
            "name": ["甲<b>", "乙", "丙"],
            "scope": "",
            "points": 1,
        },
        index=pd.Index(["K1", "K2", "K3"], name=CONTACTS.index),
    ).assign(scope="")[list(CONTACTS.columns)]
    if not placed:
        return table
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy([0, 300, 900], [50] * 3), crs=CRS)


@pytest.mark.parametrize(("placed", "lines"), [(True, 3), (False, 0)])
def test_contacts_have_lines_from_their_offices(plan: Plan, placed: bool, lines: int) -> None:
    """A line for each match whose office is known; the colours are explained; names are text."""
    contacts = make_contacts(placed)
    tables = {"contacts": contacts, "contact_matches": match_communities(plan, contacts)}
    page = map_contacts(plan, tables)
    shading = read_shading(page)
    assert set(words_of(shading, 0)) == {"1", "2"}
    assert [words[0] for words in shading["labels"][-2:]] == ["领导联系点", "共建单位"]
    html = page.to_html()
    assert html.count('"type": "LineString"') == lines
    assert html.count('"size": ') == lines
    escaped = json.dumps("甲&lt;b&gt;").strip('"').replace("&", "\\u0026")
    assert (escaped in html) is placed
    again, once_more = (map_contacts(plan, tables).to_html() for _ in range(2))
    assert again == once_more


def test_contacts_of_branches(plan: Plan) -> None:
    """Matches with branches count for the communities of these."""
    branches = form_branches(plan, count_members(plan, A=9, B=9, C=9, D=9))
    contacts = make_contacts(placed=True)
    matches = match_branches(plan, branches, contacts)
    tables = {"contacts": contacts, "contact_matches": matches, **branches.tables}
    shading = read_shading(map_contacts(plan, tables))
    counts = matches["target_id"].map(branches.branches["community_id"]).value_counts()
    told = [int(words) for words in words_of(shading, 1)]
    assert told == plan.grids["community_id"].map(counts).fillna(0).astype(int).tolist()


def test_a_round_of_visits(plan: Plan) -> None:
    """Full marks, on pace, behind and not begun are told apart; who is behind has a dot."""
    visited = {"A": 60, "B": 35, "C": 8}
    rows = [(pd.Timestamp(START), code_of(plan, one), "", n, n) for one, n in visited.items()]
    log = pd.DataFrame(rows, columns=list(VISITS.columns))
    log = log.astype({"day": "datetime64[s]", "grid_code": "str", "worker_id": "str"})
    half = date(2026, 3, 5)
    coverage = measure_visits(plan, log, starts=START, ends=END, today=half)
    page = map_visits(plan, coverage, lang="en")
    shading = read_shading(page)
    assert words_of(shading, 1) == [
        "full marks (from 95 %)",
        "on pace",
        "behind by more",
        "nobody visited yet",
    ]
    html = page.to_html()
    assert html.count('"size": ') == 2
    assert "22 households behind" in html
    done = measure_visits(plan, log, starts=START, ends=END, today=START)
    assert "households behind" not in map_visits(plan, done.assign(behind=False)).to_html()
