"""Maps: pages that work offline, figures for reports, and the printed atlas.

``pages`` is folium, ``figures`` matplotlib, ``atlas`` PDF; ``look`` colours the grids of all three.
"""

from gridmap.maps.pages import PlanMap, map_plan, map_shading

__all__ = ["PlanMap", "map_plan", "map_shading"]
