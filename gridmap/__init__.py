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

import lazy_loader

# The list of verbs, which type checkers and editors read too, is `__init__.pyi`.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
