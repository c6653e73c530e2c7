"""Who serves each grid: workers and their deputies, their rotation, stations and rounds."""

from gridmap.staff.assign import assign_workers
from gridmap.staff.audit import check_staffing, summarize_staffing
from gridmap.staff.calendars import write_rotation
from gridmap.staff.examples import make_workers
from gridmap.staff.gaps import find_gaps
from gridmap.staff.patrols import plan_patrols
from gridmap.staff.places import read_stations, read_stops, write_stations
from gridmap.staff.registers import write_patrols, write_staff_roster
from gridmap.staff.replace import replace_worker
from gridmap.staff.roster import (
    list_contacts,
    list_duties,
    read_staffing,
    write_staffing,
)
from gridmap.staff.rotation import plan_rotation
from gridmap.staff.stations import Siting, site_stations
from gridmap.staff.walking import WalkNet, make_walk_net
from gridmap.staff.workers import check_workers, read_workers

__all__ = [
    "Siting",
    "WalkNet",
    "assign_workers",
    "check_staffing",
    "check_workers",
    "find_gaps",
    "list_contacts",
    "list_duties",
    "make_walk_net",
    "make_workers",
    "plan_patrols",
    "plan_rotation",
    "read_staffing",
    "read_stations",
    "read_stops",
    "read_workers",
    "replace_worker",
    "site_stations",
    "summarize_staffing",
    "write_patrols",
    "write_rotation",
    "write_staff_roster",
    "write_staffing",
    "write_stations",
]
