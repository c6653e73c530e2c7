"""How often what is typed finds what is meant, over many buildings and every form of an address.

Communities, compounds and roads of the made city are named of the same few characters, so that each
name resembles dozens of others: harder than a city is.
"""

import pytest

from gridmap.plan import draw_plan
from gridmap.search import SearchIndex, write_index
from gridmap.search.entries import list_entries
from gridmap.synthetic import make_city
from tests.search.forms import Rate, list_typed, measure

#: In these something is wrong, left out or in letters, which may fit another name as well.
LOOSE = {"slip", "gap", "pinyin", "initials"}


@pytest.fixture(scope="module")
def rates(tmp_path_factory) -> dict[str, Rate]:
    """Ask for 60 blocks and 60 houses of a city of 400 grids, in every form."""
    plan = draw_plan(make_city(400), steps=0)
    path = tmp_path_factory.mktemp("forms") / "city.search.sqlite"
    write_index(plan, path, fingerprint="city")
    return measure(SearchIndex(path), list_typed(list_entries(plan), 60))


def test_what_is_meant_comes_first(rates):
    """Whatever is typed whole comes first, always; with a slip, a gap or in letters nearly so."""
    late = {form: rate for form, rate in rates.items() if rate.first < rate.asked}
    assert {form.split(",")[0] for form in late} <= LOOSE
    assert all(rate.first >= 0.95 * rate.asked for rate in late.values()), late
    assert min(rate.asked for rate in rates.values()) > 50


def test_never_sure_of_something_else(rates):
    """It is never sure of what was not meant, nor of one of several that fit alike."""
    assert {form: rate for form, rate in rates.items() if rate.wrong} == {}


@pytest.mark.parametrize("form", ["compound", "address", "number", "home", "road", "abbreviated"])
def test_sure_of_what_is_plain(rates, form):
    """It is sure wherever the building was named whole, so that nobody is asked for nothing."""
    assert rates[form].sure == rates[form].asked


@pytest.mark.parametrize("form", ["slip", "another community"])
def test_asks_where_something_is_wrong(rates, form):
    """With a wrong character, or a community that is not the building's, somebody is asked."""
    assert rates[form].sure <= 0.05 * rates[form].asked
