"""The collections of features that are told: what they are called, what they hold, who may see."""

from collections.abc import Mapping
from dataclasses import dataclass

#: The property by which every feature can be found, besides those of its collection.
ID = "id"


@dataclass(frozen=True)
class Collection:
    """One collection.

    Parameters
    ----------
    id : str
        What its address says.
    title, description : str
        For people.
    properties : mapping of str to str
        Each property that a query may ask for, and its type of JSON.
    internal : bool
        Whether only the office may see it.
    """

    id: str
    title: str
    description: str
    properties: Mapping[str, str]
    internal: bool = False

    @property
    def queryables(self) -> dict[str, str]:
        """Return each property that a filter may name, and its type of JSON."""
        return {ID: "string", **self.properties}


_NAMED = {"kind": "string", "name": "string"}
COLLECTIONS = {
    collection.id: collection
    for collection in (
        Collection(
            "grids",
            "网格 Grids",
            "The grids in force, each in one community. Counts below the plan's limit are null.",
            {
                "name": "string",
                "grid_type": "string",
                "community_id": "string",
                "community": "string",
                "street": "string",
                "households": "integer",
                "deviation": "number",
                "area": "integer",
            },
        ),
        Collection(
            "communities",
            "社区 Communities",
            "The communities that the grids divide.",
            {"code": "string", "name": "string", "street": "string"},
        ),
        Collection(
            "stations",
            "党群服务站 Service stations",
            "Service stations (驿站) that are kept with the plan in force.",
            {"name": "string"},
        ),
        Collection("streets", "道路 Streets", "Streets of the base map.", _NAMED),
        Collection("barriers", "屏障 Barriers", "Rivers, railways and other barriers.", _NAMED),
        Collection(
            "buildings",
            "建筑 Buildings",
            "Footprints, without counts of households.",
            {"name": "string", "floors": "integer"},
        ),
        Collection(
            "units",
            "单元 Units",
            "What grids are made of, with households: for the office.",
            {
                "unit_id": "integer",
                "households": "integer",
                "community_id": "string",
                "compound_id": "string",
                "building_id": "string",
                "grid_code": "string",
            },
            internal=True,
        ),
    )
}
