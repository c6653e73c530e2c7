"""What the parts of a made city share: its system of metres, a grid's size, kinds of arrays."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Geometry: TypeAlias = Any  # of shapely, which ships no types in the releases that we support
Geometries: TypeAlias = Any  # an array of them, or of text
CRS = "EPSG:4550"  # CGCS2000, 3-degree Gauss-Krüger, central meridian 123° E
HOUSEHOLDS = 300  # to a grid
