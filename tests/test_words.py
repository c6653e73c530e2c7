"""What columns are called."""

import pytest

from gridmap.errors import GridmapError
from gridmap.words import _COLUMNS, _PRINTED, check_language, find_columns, name_column, name_header


def test_every_name_leads_back() -> None:
    """Each name, with its unit too, finds the column that it is of."""
    for column in _COLUMNS:
        for lang in ("zh", "en"):
            assert column in find_columns(name_column(column, lang))
            assert column in find_columns(name_header(column, lang))


def test_what_is_only_printed_is_not_read() -> None:
    """备注 and 问题 are columns of many rosters: they lead to nothing of a round's."""
    assert not set(_PRINTED) & set(_COLUMNS)
    for column in _PRINTED:
        for lang in ("zh", "en"):
            assert name_column(column, lang) != column
            assert column not in find_columns(name_column(column, lang))


def test_an_unknown_language_is_refused() -> None:
    """The message names the two that there are."""
    with pytest.raises(GridmapError, match="'fr'; choose 'zh' or 'en'"):
        check_language("fr")
