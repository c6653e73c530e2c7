"""A map of what changes between two plans."""

import folium

from gridmap.compare import PlanComparison
from gridmap.crs import to_degrees
from gridmap.maps import PlanMap, map_plan
from gridmap.plan import Plan

_FIELDS = {"old": "原网格", "new": "新网格", "households": "户数", "buildings": "楼栋"}


def map_changes(plan: Plan, comparison: PlanComparison) -> PlanMap:
    """Draw the land that changes grid, over the grids of a plan.

    Parameters
    ----------
    plan : Plan
        What is drawn below: the new plan, or the old one.
    comparison : PlanComparison
        As `compare_plans` gives it.

    Returns
    -------
    PlanMap
        Pointing at an area shows its grid before and after, and how many households change.
    """
    page = map_plan(plan, color="community")
    areas = comparison.areas
    if areas.empty:
        return page
    names = plan.grids["name"]
    labels = {
        side: areas[side].map(names).fillna("") + " " + areas[side] for side in ("old", "new")
    }
    folium.GeoJson(
        to_degrees(areas.assign(**labels)).to_json(drop_id=True),
        name="变更",
        smooth_factor=0,
        style_function=lambda _: {
            "color": "#8a2c0d",
            "weight": 2,
            "fillColor": "#e4572e",
            "fillOpacity": 0.75,
        },
        tooltip=folium.GeoJsonTooltip(list(_FIELDS), list(_FIELDS.values()), sticky=True),
    ).add_to(page)
    return page
