"""What columns are called."""

import pytest

from gridmap.errors import GridmapError
from gridmap.words import _COLUMNS, check_language, find_columns, name_column, name_header


def test_every_name_leads_back() -> None:
    """Each name, with its unit too, finds the column that it is of."""
    for column in _COLUMNS:
        for lang in ("zh", "en"):
            assert column in find_columns(name_column(column, lang))
            assert column in find_columns(name_header(column, lang))


def test_an_unknown_language_is_refused() -> None:
    """The message names the two that there are."""
    with pytest.raises(GridmapError, match="'fr'; choose 'zh' or 'en'"):
        check_language("fr")
