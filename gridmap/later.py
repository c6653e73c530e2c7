"""Modules that take long to import and are not always needed: imported when they are first used.

A service has to be up in a second, and answers most requests without any table. So modules that it
begins with name pandas and the like this way::

    if TYPE_CHECKING:
        import pandas as pd
    else:
        pd = later("pandas")
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """Stands for a module; whatever is asked of it is the module's."""

    def __getattr__(self, name: str) -> Any:
        """Import the module, and return what of it is asked for; any number of threads may ask."""
        return getattr(import_module(self.__name__), name)


def later(name: str) -> ModuleType:
    """Return a module if it is imported already, else what imports it when it is first used.

    Examples
    --------
    >>> later("colorsys").rgb_to_hls(0.0, 0.0, 0.0)
    (0.0, 0.0, 0.0)
    """
    return sys.modules.get(name) or _Later(name)
