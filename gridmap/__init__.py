"""Grids for community governance: read a city, draw its grids, publish, find who owns a place.

The verbs in the order of the flow::

    city = gridmap.read_city("city.gpkg")
    plan = gridmap.draw_plan(city)
    print(gridmap.check_plan(plan).to_text())
    store = gridmap.PlanStore("plans")
    store.keep(plan, "2025")
    store.publish("2025", date(2025, 3, 1), by="planner")
    gridmap.make_locator(plan).locate(122.235, 40.672)
"""

from gridmap.adjacency import build_adjacency, to_graph
from gridmap.alignment import compare_areas
from gridmap.check import PlanComparison, PlanReport, check_plan, compare_plans, prove_plan
from gridmap.city import City, CityReport, check_city, divide_communities, read_city
from gridmap.codes import parse_code
from gridmap.edit import merge_grids, move_units
from gridmap.entrances import divide_buildings
from gridmap.estimates import Estimate
from gridmap.kernels import warm_up
from gridmap.locate import (
    Locator,
    Owner,
    describe_owner,
    locate_points,
    make_locator,
    read_points,
    summarize_points,
    write_points,
)
from gridmap.maps import map_plan
from gridmap.measure import measure, summarize
from gridmap.partition import partition_units
from gridmap.plan import Plan, draw_plan, make_plan, redraw_plan
from gridmap.rules import Costs, Estates, EstateSize, Party, Rules, read_rules
from gridmap.staff.branches import Branches, find_leaders, form_branches
from gridmap.staff.cards import describe_contact, describe_staff, hide_members
from gridmap.staff.contacts import (
    MatchWeights,
    match_branches,
    match_communities,
    measure_need,
    read_contacts,
)
from gridmap.staff.duties import (
    extend_visits,
    list_duties,
    list_tasks,
    measure_visits,
    read_visits,
)
from gridmap.staff.liaisons import find_liaison_gaps, liaisons_for, read_liaisons
from gridmap.staff.members import make_members, read_members
from gridmap.store import PlanStore
from gridmap.synthetic import make_city
from gridmap.targets import building_limits, unit_targets
from gridmap.units import make_units

__all__ = [
    "Branches",
    "City",
    "CityReport",
    "Costs",
    "EstateSize",
    "Estates",
    "Estimate",
    "Locator",
    "MatchWeights",
    "Owner",
    "Party",
    "Plan",
    "PlanComparison",
    "PlanReport",
    "PlanStore",
    "Rules",
    "build_adjacency",
    "building_limits",
    "check_city",
    "check_plan",
    "compare_areas",
    "compare_plans",
    "describe_contact",
    "describe_owner",
    "describe_staff",
    "divide_buildings",
    "divide_communities",
    "draw_plan",
    "extend_visits",
    "find_leaders",
    "find_liaison_gaps",
    "form_branches",
    "hide_members",
    "liaisons_for",
    "list_duties",
    "list_tasks",
    "locate_points",
    "make_city",
    "make_locator",
    "make_members",
    "make_plan",
    "make_units",
    "map_plan",
    "match_branches",
    "match_communities",
    "measure",
    "measure_need",
    "measure_visits",
    "merge_grids",
    "move_units",
    "parse_code",
    "partition_units",
    "prove_plan",
    "read_city",
    "read_contacts",
    "read_liaisons",
    "read_members",
    "read_points",
    "read_rules",
    "read_visits",
    "redraw_plan",
    "summarize",
    "summarize_points",
    "to_graph",
    "unit_targets",
    "warm_up",
    "write_points",
]
