"""Grid codes: taken apart, given once, in rows from the north-west."""

import pytest

from gridmap.codes import (
    is_community_code,
    make_codes,
    make_community_codes,
    parse_code,
    rank_positions,
)
from gridmap.errors import CodeError


def test_parse_worked_example() -> None:
    """The example of the coding rule: 站前区, 建设街道, 小雨社区, first grid."""
    code = parse_code("210802003002001")
    assert (code.district, code.street, code.community, code.serial) == ("210802", "003", "002", 1)
    assert code.standard == "DB11/T 2157"


def test_parse_other_lengths() -> None:
    """12 digits are a community, 14 CJ/T 213, 20 CJ/T 349 with the object code in front."""
    assert parse_code("210802003002").serial is None
    assert parse_code("21080200300201").standard == "CJ/T 213"
    long = parse_code("01020321080200300202")
    assert (long.object_code, long.district, long.serial) == ("010203", "210802", 2)
    assert parse_code("01020321080260100200").merged is False
    assert parse_code("01020321080200360100").merged is True


@pytest.mark.parametrize(
    "text", ["", "21080200300200", "2.10802E+14", "２１０８０２００３００２００１"]
)
def test_parse_refuses_what_is_no_code(text: str) -> None:
    """A number that a spreadsheet spoilt, a wrong length or full-width digits are not codes."""
    if len(text) == 14 and text.isascii():
        assert parse_code(text).standard == "CJ/T 213"
        return
    with pytest.raises(CodeError):
        parse_code(text)


def test_parse_refuses_unknown_districts() -> None:
    """No province has 99 in front (but for 999999), and a city may name its own districts."""
    with pytest.raises(CodeError, match="990802"):
        parse_code("990802003002001")
    with pytest.raises(CodeError, match="210803"):
        parse_code("210803003002001", districts=["210802"])
    assert parse_code("999999001001001").district == "999999"


def test_codes_go_on_after_retired_ones() -> None:
    """A retired code is never given again, and gaps are not filled."""
    used = ["210802003002001", "210802003002007", "210802003003020"]
    assert make_codes("210802003002", [0, 1], used=used) == ["210802003002008", "210802003002009"]


def test_codes_end_at_999() -> None:
    """Serial 999 is the last one; a community of 1,000 grids is refused."""
    assert make_codes("210802003002", list(range(999)))[-1].endswith("999")
    with pytest.raises(CodeError, match="above 999"):
        make_codes("210802003002", list(range(1000)))


def test_codes_need_a_community_code() -> None:
    """Only a 12-digit community code can be numbered under."""
    with pytest.raises(CodeError):
        make_codes("BMSZ09", [0])
    assert not is_community_code("990802003002")


def test_placeholder_codes_fill_streets() -> None:
    """Communities without a code get one of 999999; the thousandth begins the next street."""
    codes = make_community_codes(range(1000))
    assert (codes[998], codes[999]) == ("999999001999", "999999002001")
    assert all(is_community_code(code) for code in codes)


def test_rank_rows_north_to_south() -> None:
    """Rows from the north, west to east inside a row."""
    ranks = rank_positions([0, 100, 0, 100], [100, 100, 0, 0], row_height=50)
    assert ranks.tolist() == [0, 1, 2, 3]
    assert rank_positions([], [], 10).tolist() == []
