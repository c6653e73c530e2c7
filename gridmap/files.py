"""Files that are whole or not there: written beside their place, then named in one step."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import geopandas as gpd

#: GeoPackages carry the time of writing; a fixed one makes the same tables the same bytes.
_WRITTEN_AT = "1970-01-01T00:00:00.000Z"
#: GDAL's settings belong to the process, so files are written one after the other in it.
_gdal_settings = threading.Lock()


@contextmanager
def write_whole(path: str | Path) -> Iterator[Path]:
    """Give a draft to write; it takes the place of ``path`` when the block ends without an error.

    Parameters
    ----------
    path : path
        The file that is wanted; one that is there already stays until the new one is whole.

    Yields
    ------
    Path
        A file of the same name in a hidden folder beside it. What else is written into that folder
        (the parts of a Shapefile) goes along, the file itself last. After an error the folder is
        gone and ``path`` is as it was.

    Raises
    ------
    FileNotFoundError
        If the folder of ``path`` does not exist.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent}; make it first")
    with TemporaryDirectory(prefix=".", suffix=".part", dir=path.parent) as folder:
        draft = Path(folder) / path.name
        yield draft
        for file in sorted(Path(folder).iterdir(), key=lambda file: (file == draft, file.name)):
            file.replace(path.parent / file.name)


def write_layers(layers: "Mapping[str, gpd.GeoDataFrame]", path: Path) -> None:
    """Write tables as the layers of a new GeoPackage; an index that has a name is a column."""
    with fixed_date():
        for name, layer in layers.items():
            layer.to_file(path, layer=name, index=layer.index.name is not None)


@contextmanager
def fixed_date() -> Iterator[None]:
    """Let GDAL write a fixed date, and restore what was set."""
    import pyogrio  # late: most files are none of GDAL's

    with _gdal_settings:
        before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _WRITTEN_AT})
        try:
            yield
        finally:
            pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})
