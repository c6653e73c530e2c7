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
from gridmap.rules import Costs, Estates, EstateSize, Rules, Staffing, read_rules
from gridmap.staff import (
    Siting,
    assign_workers,
    check_staffing,
    check_workers,
    find_gaps,
    list_contacts,
    list_duties,
    make_workers,
    plan_patrols,
    plan_rotation,
    read_staffing,
    read_workers,
    replace_worker,
    site_stations,
    summarize_staffing,
    write_roster,
    write_staffing,
)
from gridmap.staff_maps import map_patrols, map_staffing, map_stations
from gridmap.store import PlanStore
from gridmap.synthetic import make_city
from gridmap.targets import building_limits, unit_targets
from gridmap.units import make_units

__all__ = [
    "City",
    "CityReport",
    "Costs",
    "EstateSize",
    "Estates",
    "Estimate",
    "Locator",
    "Owner",
    "Plan",
    "PlanComparison",
    "PlanReport",
    "PlanStore",
    "Rules",
    "Siting",
    "Staffing",
    "assign_workers",
    "build_adjacency",
    "building_limits",
    "check_city",
    "check_plan",
    "check_staffing",
    "check_workers",
    "compare_areas",
    "compare_plans",
    "describe_owner",
    "divide_buildings",
    "divide_communities",
    "draw_plan",
    "find_gaps",
    "list_contacts",
    "list_duties",
    "locate_points",
    "make_city",
    "make_locator",
    "make_plan",
    "make_units",
    "make_workers",
    "map_patrols",
    "map_plan",
    "map_staffing",
    "map_stations",
    "measure",
    "merge_grids",
    "move_units",
    "parse_code",
    "partition_units",
    "plan_patrols",
    "plan_rotation",
    "prove_plan",
    "read_city",
    "read_points",
    "read_rules",
    "read_staffing",
    "read_workers",
    "redraw_plan",
    "replace_worker",
    "site_stations",
    "summarize",
    "summarize_points",
    "summarize_staffing",
    "to_graph",
    "unit_targets",
    "warm_up",
    "write_points",
    "write_roster",
    "write_staffing",
]
