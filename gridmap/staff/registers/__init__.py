"""Registers (名册) of who serves the grids: sheets for an office, layers for a GIS."""

from gridmap.staff.registers.patrols import write_patrols
from gridmap.staff.registers.visits import write_visits
from gridmap.staff.registers.write import REGISTERS, write_staff_roster

__all__ = ["REGISTERS", "write_patrols", "write_staff_roster", "write_visits"]
