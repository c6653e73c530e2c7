"""The target of a unit is that of its compound's kind, else its community's, else the usual one."""

from dataclasses import fields, replace

import pandas as pd
import pytest

from gridmap.city import City
from gridmap.errors import TableError
from gridmap.plan import Plan
from gridmap.rules import Estates, EstateSize, Rules
from gridmap.tables import ESTATE_TYPES
from gridmap.targets import building_limits, find_estate_types, unit_targets


def add_types(plan: Plan, compound: str, communities: list[str] | None = None) -> City:
    """Give the compound "west" (units 0 and 4) a kind, and perhaps both communities one each."""
    index = pd.Index(["west"], name="compound_id")
    city = replace(plan.city, compounds=pd.DataFrame({"estate_type": [compound]}, index=index))
    if communities:
        city = replace(city, communities=city.communities.assign(estate_type=communities))
    return city


def test_without_kinds_every_unit_has_the_usual_target(four_by_two: Plan) -> None:
    """A city that says nothing of its estates has one target."""
    targets = unit_targets(four_by_two.units, four_by_two.city, Rules(target=280))
    assert targets.tolist() == [280.0] * 8
    assert (targets.name, targets.index.name) == ("target", "unit_id")


def test_a_compound_goes_before_its_community(four_by_two: Plan) -> None:
    """Units 0 and 4 lie in the compound; units 2, 3, 6 and 7 in a rural community."""
    city = add_types(four_by_two, "managed_estate", ["old_estate", "rural"])
    targets = unit_targets(four_by_two.units, city, Rules())
    assert targets.tolist() == [400, 250, 50, 50, 400, 250, 50, 50]


def test_a_compound_of_unknown_kind_is_as_its_community(four_by_two: Plan) -> None:
    """An empty kind says nothing; nor does that of a community."""
    city = add_types(four_by_two, "", ["old_estate", ""])
    types = find_estate_types(four_by_two.units, city)
    assert types.tolist() == ["old_estate", "old_estate", "", ""] * 2
    targets = unit_targets(four_by_two.units, city, Rules(target=150))
    assert targets.tolist() == [250, 250, 150, 150] * 2


def test_sizes_are_those_of_the_rules(four_by_two: Plan) -> None:
    """The target is the middle of the range that the rules say."""
    rules = Rules(estates=Estates(rural=EstateSize(41, 60)))
    targets = unit_targets(four_by_two.units, add_types(four_by_two, "rural"), rules)
    assert targets[[0, 4]].tolist() == [50.5, 50.5]
    assert targets[[1, 2, 3]].tolist() == [300, 300, 300]


def test_units_of_another_city_are_refused(four_by_two: Plan) -> None:
    """A community that the city does not have is named."""
    with pytest.raises(TableError, match="no such community: elsewhere"):
        unit_targets(four_by_two.units.assign(community_id="elsewhere"), four_by_two.city, Rules())


def test_rules_know_every_kind() -> None:
    """Each kind of estate that a table may hold has a size."""
    assert tuple(item.name for item in fields(Estates)) == ESTATE_TYPES


def test_which_buildings_are_divided(four_by_two: Plan) -> None:
    """Above the band of the rules or of the kind of estate, or above what is set; or none."""
    city = add_types(four_by_two, "managed_estate", ["", "rural"])
    assert building_limits(city, Rules()).tolist() == [480, 360, 60, 60] * 2
    assert building_limits(city, Rules(target=280, tolerance=0.1))["b1"] == 308
    assert building_limits(city, Rules(divide_above=500)).tolist() == [500] * 8
    assert building_limits(city, Rules(divide_above=0)).empty
