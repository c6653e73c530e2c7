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
from gridmap.check import (
    PlanCertificates,
    PlanComparison,
    PlanReport,
    certify_plan,
    check_plan,
    compare_plans,
    prove_plan,
)
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
from gridmap.rules import Costs, Estates, EstateSize, Rules, read_rules
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
    "PlanCertificates",
    "PlanComparison",
    "PlanReport",
    "PlanStore",
    "Rules",
    "build_adjacency",
    "building_limits",
    "certify_plan",
    "check_city",
    "check_plan",
    "compare_areas",
    "compare_plans",
    "describe_owner",
    "divide_buildings",
    "divide_communities",
    "draw_plan",
    "locate_points",
    "make_city",
    "make_locator",
    "make_plan",
    "make_units",
    "map_plan",
    "measure",
    "merge_grids",
    "move_units",
    "parse_code",
    "partition_units",
    "prove_plan",
    "read_city",
    "read_points",
    "read_rules",
    "redraw_plan",
    "summarize",
    "summarize_points",
    "to_graph",
    "unit_targets",
    "warm_up",
    "write_points",
]
