"""Who serves each grid: workers and their deputies, their rotation, stations and rounds."""

from gridmap.staff.assign import assign_workers
from gridmap.staff.examples import make_workers
from gridmap.staff.walking import WalkNet, make_walk_net

__all__ = [
    "WalkNet",
    "assign_workers",
    "make_walk_net",
    "make_workers",
]
