"""Whatever way it is typed, what is meant comes first."""

from dataclasses import replace

import pytest

from gridmap.locate import make_locator
from gridmap.search import Place, SearchIndex, list_found, parse_position, search, write_index

XIAOYU_3 = "建设街道小雨社区3号楼"
XINGFU_3 = "建设街道小雨社区幸福花园3号楼"


def find(index, text, **options):
    """Return the address that comes first, or None."""
    found = search(index, text, **options)
    return found[0].place.address if found else None


@pytest.mark.parametrize(
    "text",
    [
        "建设街道小雨社区3号楼",
        "小雨社区3#楼",
        "小雨社区3#",
        "小雨社区3栋",
        "小雨社区3幢",
        "小雨社区三号楼",
        "小雨社区第三栋",
        "小雨社区 ３号楼",
        "小雨社区３＃",
        "小雨社区03号楼",
        "建设小雨3",
        "小雨3号楼",
        "小雨3",
        "建设街小雨社区3号楼",
        "建设街道小社区3号楼",
        "建设街道小鱼社区3号楼",
        "建没街道小雨社区3号楼",
        "建设街道小雨社区3号楼2单元501室",
        "小雨社区3-2-501",
        "辽宁省营口市站前区建设街道小雨社区3号楼",
        "xiaoyushequ3haolou",
        "xiaoyu3",
        "jianshexiaoyu3",
        "xysq3hl",
        "jsjdxysq3",
        "xy3",
        "XIAOYU3",
    ],
)
def test_building_of_a_community(index, text):
    """An address with the usual abbreviations, slips and pinyin finds the building first."""
    assert find(index, text) == XIAOYU_3


@pytest.mark.parametrize(
    "text",
    [
        "幸福花园3号楼",
        "幸福3",
        "小雨社区幸福花园三号楼",
        "辛福花园3栋",
        "幸富花园3号楼",
        "幸福园3号楼",
        "幸福花3号楼",
        "xingfuhuayuan3",
        "xfhy3",
        "xfhy3hl",
    ],
)
def test_building_of_a_compound(index, text):
    """A compound with a number finds its building, one wrong or missing character or not."""
    assert find(index, text) == XINGFU_3


@pytest.mark.parametrize("number", [1, 2, 10, 11, 12])
def test_numbers_are_whole(index, number):
    """1 is not 11 or 12: a number counts as a whole."""
    assert find(index, f"幸福花园{number}号楼").endswith(f"幸福花园{number}号楼")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("小雨社区", "建设街道小雨社区"),
        ("小雨", "建设街道小雨社区"),
        ("建设街道小雨社区", "建设街道小雨社区"),
        ("xiaoy", "建设街道小雨社区"),
        ("xysq", "建设街道小雨社区"),
        ("小雨社区第2网格", "建设街道小雨社区第2网格"),
        ("小雨二网格", "建设街道小雨社区第2网格"),
        ("xysqd2wg", "建设街道小雨社区第2网格"),
        ("hqjdd3", "红旗街道第3社区"),
        ("hqjdd3sq", "红旗街道第3社区"),
        ("红旗街道第3社区", "红旗街道第3社区"),
        ("hqjdd3sqd2wg", "红旗街道第3社区第2网格"),
        ("红旗街道第3社区第2网格", "红旗街道第3社区第2网格"),
        ("红旗街道", "红旗街道"),
        ("红旗街道办事处", "红旗街道"),
        ("hqjd", "红旗街道"),
        ("hongqi", "红旗街道"),
        ("changzheng", "红旗街道长征社区"),
        ("幸福花园", "建设街道小雨社区幸福花园"),
        ("建设银行", "建设街道小雨社区建设银行大楼"),
    ],
)
def test_names(index, text, address):
    """Grids, communities, street offices, compounds and named buildings come first by name."""
    assert find(index, text) == address


def test_streets(index, plan):
    """A street is found by its name, and a house on it by its number."""
    name = plan.city.streets["name"].loc[lambda names: names != ""].iloc[0]
    place = search(index, name)[0].place
    assert (place.kind, place.name, place.score) == ("street", name, 1.0)
    house = plan.city.buildings["name"].loc[lambda names: names.str.startswith(name)].iloc[0]
    assert search(index, house)[0].place.name == house


def test_codes(index, plan):
    """Any beginning and any end of a code finds the grid; the whole code finds it alone."""
    code = plan.grids.index[5]
    for length in range(3, 16):
        found = [one.place for one in search(index, code[-length:], most=50)]
        assert code in [place.code for place in found if place.kind == "grid"], length
    begun = [one.place.code for one in search(index, code[:12], most=50)]
    assert begun[0] == code[:12]
    assert set(begun[1:]) >= {one for one in plan.grids.index if one.startswith(code[:12])}
    [alone] = search(index, code)
    assert (alone.place.code, alone.place.score) == (code, 1.0)
    building = plan.city.buildings.index[3]
    assert search(index, building)[0].place.code == building


def test_grid_of_an_answer(index, plan):
    """The grid of a building is the one that owns its place; of a compound in several, none."""
    locator = make_locator(plan)
    for found in search(index, "幸福花园", most=50):
        place = found.place
        if place.kind == "building":
            assert place.grid_code == locator.locate(place.lon, place.lat).grid_code
            assert place.grid_name == plan.grids.at[place.grid_code, "name"]
    inside = plan.city.buildings["compound_id"] == "幸福花园"
    points = plan.city.buildings.loc[inside].representative_point().to_crs("EPSG:4326")
    owners = {locator.locate(point.x, point.y).grid_code for point in points}
    compound = search(index, "幸福花园")[0].place
    assert compound.grid_code == (owners.pop() if len(owners) == 1 else "")


def test_scores(index):
    """What was typed exactly scores 1; the order is that of the scores; slips cost something."""
    scores = [one.place.score for one in search(index, XINGFU_3, most=50)]
    assert scores[0] == 1.0
    assert scores == sorted(scores, reverse=True)
    slip = search(index, "幸富花园3号楼")[0].place.score
    assert 0.7 < slip < 1.0


@pytest.mark.parametrize(
    "text", ["", " ", "zzzzzz", "今天天气很好啊", "'", '"*(', "99999999", "🏠"]
)
def test_nothing(index, text):
    """What is nothing of the town finds nothing, and breaks nothing."""
    assert search(index, text) == []


def test_long_texts(index):
    """A text of any length is an answer; what is typed after a hundred characters is not read."""
    assert find(index, "小雨社区3号楼" + " " * 100_000) == XIAOYU_3
    assert search(index, "喵" * 5000) == []


def test_most(index):
    """No more answers than are asked for."""
    assert len(search(index, "3号楼", most=2)) == 2


def test_positions(index, plan):
    """A position finds its grid; one far away finds none and is an answer all the same."""
    locator = make_locator(plan)
    inside = search(index, "小雨社区第1网格")[0].place
    [found] = search(index, f"{inside.lon}，{inside.lat}", locator=locator)
    assert (found.place.kind, found.place.grid_code) == ("position", inside.code)
    [swapped] = search(index, f"{inside.lat} {inside.lon}", locator=locator)
    assert (swapped.place.grid_code, "swapped" in swapped.place.hint) == ("", True)
    assert parse_position("3.5-2.1") is None
    assert parse_position("999.5,40.5") is None


def test_no_counts_in_public(index, plan):
    """The public part of an answer has no field for households; the office's has."""
    assert "households" not in Place.__dataclass_fields__
    community = search(index, "小雨社区")[0]
    grids = plan.grids["community_id"] == community.place.code
    assert community.households == plan.grids.loc[grids, "households"].sum() > 0


def test_list_found(index):
    """For a terminal: a line each, with the grid; or what to do."""
    text = list_found(search(index, XINGFU_3, most=3))
    assert text.splitlines()[0].startswith(
        "1.00  building   建设街道小雨社区幸福花园3号楼  小雨社区第"
    )
    assert "nothing fits" in list_found([])


def test_a_community_that_there_is_not_is_named(index):
    """What was typed and is nowhere in an answer is told; of what was found exactly nothing is."""
    elsewhere = search(index, "海棠社区幸福花园3号楼")
    assert elsewhere
    assert all("海棠" in found.place.missing for found in elsewhere)
    assert elsewhere[0].place.missing == "海棠社区"
    assert "without 海棠社区" in list_found(elsewhere)
    assert {found.place.missing for found in search(index, XINGFU_3)[:1]} == {""}
    assert search(index, "幸富花园3号楼")[0].place.missing == ""


@pytest.mark.parametrize(
    "text", ["建设街道海棠社区3号楼", "海棠街道小雨社区3号楼", "海棠社区3号楼", "小鱼社区3号楼"]
)
def test_no_such_office_or_community(index, text):
    """A street office or community that there is not is told, and nothing fits exactly."""
    found = [one.place for one in search(index, text)]
    there_is_not = text[:4] if "小雨" in text else text.removeprefix("建设街道")[:4]
    assert all(place.missing == there_is_not for place in found if place.kind == "building")
    assert not any(place.sure or place.score == 1.0 for place in found)


def test_a_named_community_constrains(index):
    """What lies in another community than the one that was named says so, and is never first."""
    found = [one.place for one in search(index, "长征社区幸福花园3号楼", most=50)]
    assert found[0].address == XINGFU_3
    assert found[0].missing == "长征社区"
    assert not found[0].sure
    assert all(place.community == "长征社区" or place.missing for place in found)
    inside = [one.place for one in search(index, "小雨社区3号楼", most=50)]
    assert {place.community for place in inside if not place.missing} == {"小雨社区"}


def test_one_of_several_is_not_sure(index):
    """小雨社区3号楼 is the name of a building without a compound; 红旗街道1号楼 fits several."""
    assert [one.place.sure for one in search(index, "小雨社区3号楼")][:2] == [True, False]
    several = [one.place for one in search(index, "红旗街道1号楼")]
    assert len([place for place in several if place.score == several[0].score]) > 1
    assert not any(place.sure or place.score == 1.0 for place in several)


def test_names_shared_by_two(index, plan, tmp_path):
    """Two compounds of one name, each with a building 3: neither scores 1, and none is sure."""
    buildings = plan.city.buildings.copy()
    there = buildings.index[buildings["community_id"] == plan.city.communities.index[2]][:3]
    buildings.loc[there, "compound_id"] = "幸福花园"
    buildings.loc[there, "name"] = ["1号楼", "2号楼", "3号楼"]
    write_index(
        replace(plan, city=replace(plan.city, buildings=buildings)), tmp_path / "x", fingerprint="x"
    )
    both = [one.place for one in search(SearchIndex(tmp_path / "x"), "幸福花园3号楼")]
    assert [place.score for place in both[:2]] == [0.95, 0.95]
    assert {place.community for place in both[:2]} == {"小雨社区", "长征社区"}
    assert not any(place.sure for place in both)
    sure = search(SearchIndex(tmp_path / "x"), "小雨社区幸福花园3号楼")[0].place
    assert (sure.community, sure.score, sure.sure) == ("小雨社区", 1.0, True)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("XFHY 3号楼", XINGFU_3),
        ("xfhy3号楼2单元501", XINGFU_3),
        ("xfhy3hl2dy501", XINGFU_3),
        ("幸福花园3号楼2单元501", XINGFU_3),
        ("幸福花园3-2-501", XINGFU_3),
        ("幸福花园小区3号楼2门5楼", XINGFU_3),
        ("小雨居委会3号楼", XIAOYU_3),
        ("建设街道办小雨社区居委会三号楼", XIAOYU_3),
        ("XYSQ第2网格", "建设街道小雨社区第2网格"),
    ],
)
def test_ordinary_spellings(index, text, address):
    """A home without 室, initials before 号楼, and other words for a community find the same."""
    assert find(index, text) == address
