"""Files that are whole or not there: written beside their place, then named in one step."""

import os
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
    with _make_draft(path) as draft:
        yield draft
        for file in sorted(draft.parent.iterdir(), key=lambda file: (file == draft, file.name)):
            file.replace(path.parent / file.name)


@contextmanager
def write_secret(path: str | Path) -> Iterator[Path]:
    """Give a draft of a new file that only its owner may read; one that is there stays.

    Parameters
    ----------
    path : path
        The file that is wanted.

    Yields
    ------
    Path
        A file of the same name in a hidden folder beside it; it gets its place when the block ends
        without an error, whole and on the disk. After an error nothing is left.

    Raises
    ------
    FileExistsError
        If there is a file of that name, or there is one when the block ends.
    FileNotFoundError
        If the folder of ``path`` does not exist.
    """
    path = Path(path)
    taken = f"{path} is there already; name another file, or move that one away"
    if path.exists():
        raise FileExistsError(taken)
    with _make_draft(path) as draft:
        yield draft
        draft.chmod(0o600)
        sync_file(draft)
        try:
            _name_first(draft, path)
        except FileExistsError as error:
            raise FileExistsError(taken) from error
        try:
            sync_folder(path.parent)  # its name is on the disk, too
        except OSError:
            path.unlink()
            raise


def sync_file(path: Path) -> None:
    """Wait until a file is on the disk."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    if os.name == "nt":  # Windows opens no folder, and writes names through
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _name_first(draft: Path, path: Path) -> None:
    """Give a draft its name, unless another file has it by now."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:  # a disk that knows no links: a USB stick
        path.touch(mode=0o600, exist_ok=False)
        draft.replace(path)


@contextmanager
def _make_draft(path: Path) -> Iterator[Path]:
    """Give a place for a draft in a folder that only its owner may read, gone afterwards."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent}; make it first")
    with TemporaryDirectory(prefix=".", suffix=".part", dir=path.parent) as folder:
        yield Path(folder) / path.name


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
