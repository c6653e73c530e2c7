"""Find a grid, community, compound, street, building or position by what a person types.

``spelling`` brings names to one form, ``entries`` lists what of a plan can be found, ``index``
keeps that in a SQLite file beside the plan; ``question`` reads what was typed, ``scores`` judges
what fits it, ``ask`` answers.
"""

from gridmap.search.ask import Found, Place, list_found, parse_position, search
from gridmap.search.index import SearchIndex, write_index

__all__ = ["Found", "Place", "SearchIndex", "list_found", "parse_position", "search", "write_index"]
