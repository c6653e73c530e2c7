"""Maps of who serves what: workers and rounds, stations and homes, branches and who helps them."""

from gridmap.staff_maps.party import map_branches, map_contacts
from gridmap.staff_maps.rounds import map_patrols, map_visits
from gridmap.staff_maps.staffing import map_staffing
from gridmap.staff_maps.stations import map_stations

__all__ = [
    "map_branches",
    "map_contacts",
    "map_patrols",
    "map_staffing",
    "map_stations",
    "map_visits",
]
