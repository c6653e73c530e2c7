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

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gridmap.adjacency import build_adjacency, to_graph
    from gridmap.audit import AuditHead, AuditLog, AuditReport
    from gridmap.batches import Batches, make_batches
    from gridmap.casebook.book import Casebook
    from gridmap.casebook.courier import (
        add_hook,
        deliver_hooks,
        list_deliveries,
        list_hooks,
        remove_hook,
    )
    from gridmap.casebook.lists import CaseQuery
    from gridmap.casebook.opening import open_casebook
    from gridmap.change_maps import map_changes
    from gridmap.check import certify_plan, check_plan, prove_plan
    from gridmap.city import City, CityReport, check_city, divide_communities, read_city
    from gridmap.codes import parse_code
    from gridmap.compare import PlanComparison, compare_plans
    from gridmap.edit import (
        assign_units,
        lock_grids,
        merge_grids,
        move_units,
        rebalance,
        rename_grid,
        split_grid,
        swap_units,
        unlock_grids,
    )
    from gridmap.editor import edit_plan
    from gridmap.entrances import divide_buildings
    from gridmap.exports import export_plan, export_public, write_comparison
    from gridmap.fixes import apply_fix, find_fixes, fix_plan
    from gridmap.history import history, redo, undo
    from gridmap.incident_rules import Category, Incidents
    from gridmap.incidents.clocks import Notice, breach_times, list_notices
    from gridmap.incidents.desk import Desk, make_desk
    from gridmap.incidents.figures import (
        find_hot_spots,
        find_repeats,
        measure_load,
        rate_dispatch,
        rate_on_time,
        rate_workers,
        write_evaluation,
    )
    from gridmap.incidents.model import (
        Actor,
        Case,
        Entry,
        Location,
        PublicCase,
        Report,
        Reporter,
        Step,
        Whistle,
        hide_case,
    )
    from gridmap.incidents.stages import list_actions
    from gridmap.kernels import warm_up
    from gridmap.keys import Key, KeyStore, Role
    from gridmap.locate import (
        Locator,
        Owner,
        describe_owner,
        locate_points,
        make_locator,
        open_locator,
        read_points,
        summarize_points,
        write_points,
    )
    from gridmap.maps import PlanMap, map_plan
    from gridmap.maps.atlas import make_atlas
    from gridmap.maps.figures import figure_balance, figure_plan
    from gridmap.measure import explain_cost, measure, summarize
    from gridmap.partition import partition_units
    from gridmap.plan import Plan, draw_plan, make_plan, redraw_plan
    from gridmap.reading.alignment import compare_areas
    from gridmap.reading.estimates import Estimate
    from gridmap.reports import Fix, Objection, PlanCertificates, PlanReport
    from gridmap.rosters import make_roster, read_roster, write_roster
    from gridmap.rules import (
        Costs,
        Estates,
        EstateSize,
        Party,
        Rules,
        Staffing,
        Workload,
        read_rules,
    )
    from gridmap.search import Found, Place, SearchIndex, list_found, search
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
        read_stations,
        read_stops,
        read_workers,
        replace_worker,
        site_stations,
        summarize_staffing,
        write_patrols,
        write_rotation,
        write_staff_roster,
        write_staffing,
        write_stations,
    )
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
        basic_duties,
        extend_visits,
        list_tasks,
        measure_visits,
        read_visits,
    )
    from gridmap.staff.liaisons import find_liaison_gaps, liaisons_for, read_liaisons
    from gridmap.staff.members import make_members, read_members
    from gridmap.staff_maps import map_patrols, map_staffing, map_stations
    from gridmap.store import PlanStore
    from gridmap.synthetic import make_city
    from gridmap.targets import building_limits, unit_targets
    from gridmap.tiles import Tiles, export_tiles, make_tiles
    from gridmap.trace import list_periods, locate_on, trace_code
    from gridmap.units import make_units
    from gridmap.workload import unit_workload

__all__ = [
    "Actor",
    "AuditHead",
    "AuditLog",
    "AuditReport",
    "Batches",
    "Branches",
    "Case",
    "CaseQuery",
    "Casebook",
    "Category",
    "City",
    "CityReport",
    "Costs",
    "Desk",
    "Entry",
    "EstateSize",
    "Estates",
    "Estimate",
    "Fix",
    "Found",
    "Incidents",
    "Key",
    "KeyStore",
    "Location",
    "Locator",
    "MatchWeights",
    "Notice",
    "Objection",
    "Owner",
    "Party",
    "Place",
    "Plan",
    "PlanCertificates",
    "PlanComparison",
    "PlanMap",
    "PlanReport",
    "PlanStore",
    "PublicCase",
    "Report",
    "Reporter",
    "Role",
    "Rules",
    "SearchIndex",
    "Siting",
    "Staffing",
    "Step",
    "Tiles",
    "Whistle",
    "Workload",
    "add_hook",
    "apply_fix",
    "assign_units",
    "assign_workers",
    "basic_duties",
    "breach_times",
    "build_adjacency",
    "building_limits",
    "certify_plan",
    "check_city",
    "check_plan",
    "check_staffing",
    "check_workers",
    "compare_areas",
    "compare_plans",
    "deliver_hooks",
    "describe_contact",
    "describe_owner",
    "describe_staff",
    "divide_buildings",
    "divide_communities",
    "draw_plan",
    "edit_plan",
    "explain_cost",
    "export_plan",
    "export_public",
    "export_tiles",
    "extend_visits",
    "figure_balance",
    "figure_plan",
    "find_fixes",
    "find_gaps",
    "find_hot_spots",
    "find_leaders",
    "find_liaison_gaps",
    "find_repeats",
    "fix_plan",
    "form_branches",
    "hide_case",
    "hide_members",
    "history",
    "liaisons_for",
    "list_actions",
    "list_contacts",
    "list_deliveries",
    "list_duties",
    "list_found",
    "list_hooks",
    "list_notices",
    "list_periods",
    "list_tasks",
    "locate_on",
    "locate_points",
    "lock_grids",
    "make_atlas",
    "make_batches",
    "make_city",
    "make_desk",
    "make_locator",
    "make_members",
    "make_plan",
    "make_roster",
    "make_tiles",
    "make_units",
    "make_workers",
    "map_changes",
    "map_patrols",
    "map_plan",
    "map_staffing",
    "map_stations",
    "match_branches",
    "match_communities",
    "measure",
    "measure_load",
    "measure_need",
    "measure_visits",
    "merge_grids",
    "move_units",
    "open_casebook",
    "open_locator",
    "parse_code",
    "partition_units",
    "plan_patrols",
    "plan_rotation",
    "prove_plan",
    "rate_dispatch",
    "rate_on_time",
    "rate_workers",
    "read_city",
    "read_contacts",
    "read_liaisons",
    "read_members",
    "read_points",
    "read_roster",
    "read_rules",
    "read_staffing",
    "read_stations",
    "read_stops",
    "read_visits",
    "read_workers",
    "rebalance",
    "redo",
    "redraw_plan",
    "remove_hook",
    "rename_grid",
    "replace_worker",
    "search",
    "site_stations",
    "split_grid",
    "summarize",
    "summarize_points",
    "summarize_staffing",
    "swap_units",
    "to_graph",
    "trace_code",
    "undo",
    "unit_targets",
    "unit_workload",
    "unlock_grids",
    "warm_up",
    "write_comparison",
    "write_evaluation",
    "write_patrols",
    "write_points",
    "write_roster",
    "write_rotation",
    "write_staff_roster",
    "write_staffing",
    "write_stations",
]


#: Where each verb lives: module -> names that are imported from it when they are asked for.
_HOMES = {
    "gridmap.adjacency": (
        "build_adjacency",
        "to_graph",
    ),
    "gridmap.audit": (
        "AuditHead",
        "AuditLog",
        "AuditReport",
    ),
    "gridmap.batches": (
        "Batches",
        "make_batches",
    ),
    "gridmap.casebook.book": ("Casebook",),
    "gridmap.casebook.lists": ("CaseQuery",),
    "gridmap.casebook.opening": ("open_casebook",),
    "gridmap.casebook.courier": (
        "add_hook",
        "deliver_hooks",
        "list_deliveries",
        "list_hooks",
        "remove_hook",
    ),
    "gridmap.change_maps": ("map_changes",),
    "gridmap.check": (
        "certify_plan",
        "check_plan",
        "prove_plan",
    ),
    "gridmap.city": (
        "City",
        "CityReport",
        "check_city",
        "divide_communities",
        "read_city",
    ),
    "gridmap.codes": ("parse_code",),
    "gridmap.compare": (
        "PlanComparison",
        "compare_plans",
    ),
    "gridmap.edit": (
        "assign_units",
        "lock_grids",
        "merge_grids",
        "move_units",
        "rebalance",
        "rename_grid",
        "split_grid",
        "swap_units",
        "unlock_grids",
    ),
    "gridmap.editor": ("edit_plan",),
    "gridmap.entrances": ("divide_buildings",),
    "gridmap.exports": (
        "export_plan",
        "export_public",
        "write_comparison",
    ),
    "gridmap.fixes": (
        "apply_fix",
        "find_fixes",
        "fix_plan",
    ),
    "gridmap.history": (
        "history",
        "redo",
        "undo",
    ),
    "gridmap.incident_rules": (
        "Category",
        "Incidents",
    ),
    "gridmap.incidents.clocks": (
        "Notice",
        "breach_times",
        "list_notices",
    ),
    "gridmap.incidents.desk": (
        "Desk",
        "make_desk",
    ),
    "gridmap.incidents.figures": (
        "find_hot_spots",
        "find_repeats",
        "measure_load",
        "rate_dispatch",
        "rate_on_time",
        "rate_workers",
        "write_evaluation",
    ),
    "gridmap.incidents.model": (
        "Actor",
        "Case",
        "Entry",
        "Location",
        "PublicCase",
        "Report",
        "Reporter",
        "Step",
        "Whistle",
        "hide_case",
    ),
    "gridmap.incidents.stages": ("list_actions",),
    "gridmap.kernels": ("warm_up",),
    "gridmap.keys": (
        "Key",
        "KeyStore",
        "Role",
    ),
    "gridmap.locate": (
        "Locator",
        "Owner",
        "describe_owner",
        "locate_points",
        "make_locator",
        "open_locator",
        "read_points",
        "summarize_points",
        "write_points",
    ),
    "gridmap.maps": (
        "PlanMap",
        "map_plan",
    ),
    "gridmap.maps.atlas": ("make_atlas",),
    "gridmap.maps.figures": (
        "figure_balance",
        "figure_plan",
    ),
    "gridmap.measure": (
        "explain_cost",
        "measure",
        "summarize",
    ),
    "gridmap.partition": ("partition_units",),
    "gridmap.plan": (
        "Plan",
        "draw_plan",
        "make_plan",
        "redraw_plan",
    ),
    "gridmap.reading.alignment": ("compare_areas",),
    "gridmap.reading.estimates": ("Estimate",),
    "gridmap.reports": (
        "Fix",
        "Objection",
        "PlanCertificates",
        "PlanReport",
    ),
    "gridmap.rosters": (
        "make_roster",
        "read_roster",
        "write_roster",
    ),
    "gridmap.rules": (
        "Costs",
        "Estates",
        "EstateSize",
        "Party",
        "Rules",
        "Staffing",
        "Workload",
        "read_rules",
    ),
    "gridmap.search": (
        "Found",
        "Place",
        "SearchIndex",
        "list_found",
        "search",
    ),
    "gridmap.staff": (
        "Siting",
        "assign_workers",
        "check_staffing",
        "check_workers",
        "find_gaps",
        "list_contacts",
        "list_duties",
        "make_workers",
        "plan_patrols",
        "plan_rotation",
        "read_staffing",
        "read_workers",
        "replace_worker",
        "site_stations",
        "summarize_staffing",
        "write_patrols",
        "write_staff_roster",
        "read_stations",
        "read_stops",
        "write_rotation",
        "write_stations",
        "write_staffing",
    ),
    "gridmap.staff.branches": (
        "Branches",
        "find_leaders",
        "form_branches",
    ),
    "gridmap.staff.cards": (
        "describe_contact",
        "describe_staff",
        "hide_members",
    ),
    "gridmap.staff.contacts": (
        "MatchWeights",
        "match_branches",
        "match_communities",
        "measure_need",
        "read_contacts",
    ),
    "gridmap.staff.duties": (
        "basic_duties",
        "extend_visits",
        "list_tasks",
        "measure_visits",
        "read_visits",
    ),
    "gridmap.staff.liaisons": (
        "find_liaison_gaps",
        "liaisons_for",
        "read_liaisons",
    ),
    "gridmap.staff.members": (
        "make_members",
        "read_members",
    ),
    "gridmap.staff_maps": (
        "map_patrols",
        "map_staffing",
        "map_stations",
    ),
    "gridmap.store": ("PlanStore",),
    "gridmap.synthetic": ("make_city",),
    "gridmap.targets": (
        "building_limits",
        "unit_targets",
    ),
    "gridmap.tiles": (
        "Tiles",
        "export_tiles",
        "make_tiles",
    ),
    "gridmap.trace": (
        "list_periods",
        "locate_on",
        "trace_code",
    ),
    "gridmap.units": ("make_units",),
    "gridmap.workload": ("unit_workload",),
}
#: The same by name.
_MODULES = {name: module for module, names in _HOMES.items() for name in names}


class _Package(ModuleType):
    """A package in which a verb comes before the module of its name, always."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _MODULES or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    """List what is imported when asked for, too."""
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    """Import a verb when it is asked for: a program waits for what it uses, and nothing else."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value
