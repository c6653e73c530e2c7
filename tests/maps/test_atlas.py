"""The atlas has a page for everything, its text is text, and it says what it may be used for."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from pypdf import PdfReader

from gridmap.errors import GridmapError, TableError
from gridmap.maps.atlas import make_atlas
from gridmap.plan import Plan, draw_plan
from gridmap.synthetic import make_city

STAFF = {"worker": "王芳", "phone": "0417-2860000", "branch": "小雨社区第一网格党支部"}


@pytest.fixture(scope="module")
def town() -> Plan:
    """Return a town of eight grids with streets and buildings."""
    return draw_plan(make_city(8, seed=2))


def pages_of(path: Path) -> list[str]:
    """Return the text of each page."""
    return [page.extract_text() for page in PdfReader(path).pages]


def test_a_page_for_each_grid_and_community(four_by_two: Plan, tmp_path: Path) -> None:
    """Overview, index, then each community and its grids in the order of their codes."""
    make_atlas(four_by_two, tmp_path / "atlas.pdf")
    pages = pages_of(tmp_path / "atlas.pdf")
    heads = ["四乘二", "社区索引", *("小雨社区", "小雨社区第1网格", "小雨社区第2网格")]
    heads += ["东新社区", "东新社区第1网格", "东新社区第2网格"]
    assert len(pages) == len(heads)
    for number, (head, text) in enumerate(zip(heads, pages, strict=True), start=1):
        assert text.strip().startswith(head)
        assert f"第 {number} / 8 页" in text
        assert "内部使用（未经地图审核）" in text


def test_a_grid_is_told(four_by_two: Plan, tmp_path: Path) -> None:
    """Code, households, staff, neighbours with their pages, street, buildings, scale."""
    staff = pd.DataFrame(STAFF, index=pd.Index(four_by_two.grids.index[:1], name="grid_code"))
    make_atlas(four_by_two, tmp_path / "atlas.pdf", staff=staff, attribution="© 市测绘院")
    first, second = pages_of(tmp_path / "atlas.pdf")[3:5]
    for words in ("210802003002001", "180（+20%）", "2.00 公顷", "建设大街", *STAFF.values()):
        assert words in first
    assert "王芳" not in second
    assert "© 市测绘院" in first
    assert "1:1 250" in first
    [south] = [line for line in first.splitlines() if line.startswith("南")]
    assert "小雨社区第2网格" in first
    assert "210802003002002" in first
    assert south is not None
    assert "4号楼" in first
    assert "90" in first


def test_an_approved_atlas_may_leave_the_house(four_by_two: Plan, tmp_path: Path) -> None:
    """With an approval number no building's households and no small count is printed."""
    plan = replace(four_by_two, rules=replace(four_by_two.rules, min_cell=121))
    make_atlas(plan, tmp_path / "atlas.pdf", approval="辽S(2026)01号")
    pages = pages_of(tmp_path / "atlas.pdf")
    whole = "\n".join(pages)
    assert "内部使用" not in whole
    assert whole.count("审图号：辽S(2026)01号") == len(pages)
    assert "楼栋（户数）" not in whole
    assert "120" not in whole.replace("0120", "")
    assert "未公布" in pages[4]
    assert "600" not in pages[0]


def test_a_legend_lists_what_is_on_its_page(four_by_two: Plan, tmp_path: Path) -> None:
    """A class that only another community has is in the overview, not on this sheet."""
    rules = replace(four_by_two.rules, target=180)
    grids = four_by_two.grids.assign(households=[180, 180, 180, 60])
    few = four_by_two.units["grid_code"] == grids.index[3]
    units = four_by_two.units.assign(households=few.map({True: 30, False: 90}))
    plan = replace(four_by_two, rules=rules, grids=grids, units=units)
    make_atlas(plan, tmp_path / "atlas.pdf")
    pages = pages_of(tmp_path / "atlas.pdf")
    assert "少 40% 以上" in pages[0]
    assert "少 40% 以上" not in pages[2]
    assert "少 40% 以上" in pages[5]


def test_links_and_outline(four_by_two: Plan, tmp_path: Path) -> None:
    """The outline goes from streets to grids; neighbours lead to their pages; codes are there."""
    make_atlas(four_by_two, tmp_path / "atlas.pdf", base_url="https://wangge.example.cn/")
    book = PdfReader(tmp_path / "atlas.pdf")
    outline = book.outline
    titles = [item.title for item in outline if not isinstance(item, list)]
    assert titles == ["四乘二 · 网格图册", "社区索引", "建设街道"]
    assert outline[3][1][0].title == "小雨社区第1网格"
    assert book.get_destination_page_number(outline[3][1][0]) == 3
    links = [one.get_object() for one in book.pages[3]["/Annots"]]
    urls = [link["/A"]["/URI"] for link in links if "/A" in link]
    assert urls == ["https://wangge.example.cn/g/210802003002001"]
    targets = {
        link["/Dest"][0].get_object().indirect_reference.idnum for link in links if "/Dest" in link
    }
    pages = {page.indirect_reference.idnum: number for number, page in enumerate(book.pages)}
    assert {pages[target] for target in targets} == {4, 6}


def test_paper_and_language(town: Plan, tmp_path: Path) -> None:
    """A3 in English: no Chinese but names of places; the frame is larger, so the scale may be."""
    make_atlas(town, tmp_path / "a3.pdf", paper="A3", lang="en")
    book = PdfReader(tmp_path / "a3.pdf")
    assert [round(float(side)) for side in book.pages[0].mediabox[2:]] == [1191, 842]
    text = book.pages[-1].extract_text()
    for words in ("Internal use – not for publication", "Neighbours", "Part of", "page"):
        assert words in text
    assert "户数" not in text
    assert not re.search("（[+−±]", text)
    with pytest.raises(GridmapError, match="'A5'; choose A4 or A3"):
        make_atlas(town, tmp_path / "a5.pdf", paper="A5")
    with pytest.raises(TableError, match="not in the plan"):
        make_atlas(town, tmp_path / "x.pdf", staff=pd.DataFrame({"grid_code": ["1"], "x": [1]}))
    assert [file.name for file in tmp_path.iterdir()] == ["a3.pdf"]


def test_same_bytes(town: Plan, tmp_path: Path) -> None:
    """The same plan is the same file, without a date, and small: it was clipped before."""
    for name in ("one.pdf", "two.pdf"):
        make_atlas(town, tmp_path / name, base_url="https://wangge.example.cn")
    data = (tmp_path / "one.pdf").read_bytes()
    assert data == (tmp_path / "two.pdf").read_bytes()
    book = PdfReader(tmp_path / "one.pdf")
    assert book.metadata is not None
    assert book.metadata.creation_date is None or book.metadata.creation_date.year == 2000
    sizes = [len(page.get_contents().get_data()) for page in book.pages]
    assert max(sizes) < 120_000


def test_many_grids_go_on_over_the_page(four_by_two: Plan, tmp_path: Path) -> None:
    """A community of more grids than its sheet has rows gets another sheet."""
    city = make_city(60, seed=1)
    one = city.communities.dissolve().set_index(city.communities.index[:1])
    one = one.assign(code=city.communities["code"].iloc[0])
    buildings = city.buildings.assign(community_id=one.index[0])
    plan = draw_plan(replace(city, communities=one, buildings=buildings), steps=0)
    make_atlas(plan, tmp_path / "atlas.pdf")
    pages = pages_of(tmp_path / "atlas.pdf")
    assert len(pages) == 2 + 2 + len(plan.grids)
    assert "（续）" in pages[3]
    assert f"第 {len(pages)} / {len(pages)} 页" in pages[-1]
