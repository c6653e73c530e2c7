"""Layers as a city office has them: GeoPackage, GeoJSON, Shapefile, Parquet, CSV, in any encoding.

A layer is read as it is; what its columns mean is found in `gridmap.columns`.
"""

import codecs
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely

from gridmap.errors import TableError

#: Names of the columns of degrees, best first; compared without case and spaces.
LON_NAMES = ("lon", "lng", "long", "longitude", "经度", "x_lon", "wgs84_lon", "gps_lon")
LAT_NAMES = ("lat", "latitude", "纬度", "y_lat", "wgs84_lat", "gps_lat")
WKT_NAMES = ("wkt", "geometry", "geom", "the_geom", "几何", "图形")

#: Suffixes of the files that are read, and looked for in a folder.
FORMATS = (".gpkg", ".geojson", ".json", ".shp", ".parquet", ".geoparquet", ".csv")
#: What the readers raise for a file that is damaged.
_UNREADABLE = (
    *(pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError),
    *(pa.ArrowInvalid, OSError),
)
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"))
_NUMBER = r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?"
#: Digits that are a key rather than an amount: with leading zeros, or 12 and more of them.
_CODE = r"0\d+|\d{12,}"


@dataclass(frozen=True)
class Source:
    """A layer that can be read: its name, and the file that holds it."""

    name: str
    path: Path


@dataclass(frozen=True)
class Layer:
    """A layer as it was read.

    Parameters
    ----------
    name : str
        Its name in the file, or the file's name without suffix.
    source : str
        The file's name.
    encoding : str
        Of its text, where the format leaves that open (CSV, Shapefile, GeoJSON); else "".
    frame : GeoDataFrame
        Rows in the file's order, index 0 … n-1. A geometry that can't be read is None; the CRS is
        the file's, EPSG:4326 for columns of degrees, None where the file says none.
    """

    name: str
    source: str
    encoding: str
    frame: gpd.GeoDataFrame


def list_layers(path: str | Path) -> tuple[Source, ...]:
    """List the layers of a file, or of every file in a folder, by file name.

    Tables without geometry in a GeoPackage are no layers; folders inside a folder are not opened.

    Raises
    ------
    TableError
        If there is no such file or folder, its format is unknown, or it can't be opened.
    """
    path = Path(path)
    if not path.exists():
        raise TableError(f"{path}: no such file or folder")
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in FORMATS)
        return tuple(source for file in files for source in list_layers(file))
    if path.suffix.lower() not in FORMATS:
        raise TableError(f"{path.name}: {path.suffix!r} is none of {', '.join(FORMATS)}")
    if path.suffix.lower() != ".gpkg":
        return (Source(path.stem, path),)
    try:
        return tuple(Source(name, path) for name, kind in pyogrio.list_layers(path) if kind)
    except pyogrio.errors.DataSourceError as error:
        raise TableError(f"{path.name}: not a readable GeoPackage: {error}") from error


def read_layer(source: Source) -> Layer:
    """Read one layer.

    Raises
    ------
    TableError
        If the file can't be read, its text is neither UTF-8 nor GB18030, or it has no positions.
    """
    suffix = source.path.suffix.lower()
    try:
        if suffix == ".csv":
            frame, encoding = _read_csv(source.path)
            return Layer(source.name, source.path.name, encoding, place_rows(frame))
        if suffix == ".shp":
            return _read_shapefile(source)
        if suffix in (".geojson", ".json"):
            return _read_geojson(source)
        if suffix in (".parquet", ".geoparquet"):
            return Layer(source.name, source.path.name, "", _read_parquet(source.path))
        return Layer(source.name, source.path.name, "", _read_ogr(source.path, source.name))
    except TableError as error:
        raise TableError(f"{source.path.name}: {error}") from error
    except _UNREADABLE as error:
        raise TableError(f"{source.path.name}: not readable: {error}") from error


def read_csv(path: str | Path) -> pd.DataFrame:
    """Read a CSV file in the encoding that it turns out to have; codes stay text.

    The encoding is that of the byte order mark, else UTF-8 if every byte fits, else GB18030 (of
    which GBK, Excel's choice on Chinese Windows, is a part). The separator is the comma, semicolon
    or tab that the header has most of.

    Returns
    -------
    DataFrame
        A column becomes numbers only if each value is a number and none is a code: digits with
        leading zeros, or 12 digits and more (a 15-digit code as a number would lose digits).
        Everything else is text; empty cells are missing.

    Raises
    ------
    TableError
        If the bytes are neither UTF-8 nor GB18030, or the rows don't fit the header.
    """
    try:
        return _read_csv(Path(path))[0]
    except TableError as error:
        raise TableError(f"{Path(path).name}: {error}") from error


def decode_text(data: bytes) -> tuple[str, str]:
    """Return the text and the encoding found: byte order mark, else UTF-8, else GB18030.

    Raises
    ------
    TableError
        If neither fits.

    Examples
    --------
    >>> decode_text("社区".encode("gbk"))
    ('社区', 'gb18030')
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _decode(data, (encoding,))
    return _decode(data, ("utf-8", "gb18030"))


def find_column(columns: Iterable[Any], names: Iterable[str]) -> str | None:
    """Find the column that has one of ``names``, the best name first, without case and spaces.

    Examples
    --------
    >>> find_column(["OBJECTID", " 经度 ", "LAT"], LON_NAMES)
    ' 经度 '
    """
    known: dict[str, str] = {}
    for column in columns:
        known.setdefault(str(column).strip().casefold(), str(column))
    return next((known[name] for name in map(str.casefold, names) if name in known), None)


def place_rows(frame: pd.DataFrame) -> gpd.GeoDataFrame:
    """Give a plain table the geometry that its columns hold: WKT, or longitude and latitude.

    Returns
    -------
    GeoDataFrame
        With all columns. Degrees get EPSG:4326; WKT gets no CRS, for it doesn't say one. A row
        whose position is missing or no number has no geometry.

    Raises
    ------
    TableError
        If there are no such columns.
    """
    lon, lat = find_column(frame.columns, LON_NAMES), find_column(frame.columns, LAT_NAMES)
    wkt = find_column(frame.columns, WKT_NAMES)
    if lon is not None and lat is not None:
        shapes, crs = _make_points(frame[lon], frame[lat]), "EPSG:4326"
    elif wkt is not None:
        texts = frame[wkt].astype(object).where(frame[wkt].notna(), None)
        shapes, crs = shapely.from_wkt(texts.to_numpy(), on_invalid="ignore"), None
        frame = frame.drop(columns=wkt)
    else:
        raise TableError(
            f"no positions among the columns {', '.join(map(str, frame.columns))}: "
            "name two of them lon and lat (经度, 纬度), or one WKT"
        )
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes, frame.index, crs=crs))


def _make_points(lon: pd.Series, lat: pd.Series) -> Any:
    """Make a point of each pair of numbers, None of what is none."""
    east, north = (pd.to_numeric(values, errors="coerce").to_numpy(float) for values in (lon, lat))
    known = np.isfinite(east) & np.isfinite(north)
    shapes = np.full(len(known), None, dtype=object)
    shapes[known] = shapely.points(east[known], north[known])
    return shapes


def _decode(data: bytes, encodings: Iterable[str]) -> tuple[str, str]:
    """Decode with the first encoding that every byte fits."""
    tried = []
    for encoding in encodings:
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError as error:
            tried.append(f"{encoding} (byte {data[error.start]:#04x} at {error.start})")
    raise TableError(f"text is not {' nor '.join(tried)}: save it as UTF-8")


def _read_csv(path: Path) -> tuple[pd.DataFrame, str]:
    text, encoding = decode_text(path.read_bytes())
    header = text.partition("\n")[0]
    if not header.strip():
        raise TableError("no header in the first line")
    separator = max(",;\t", key=header.count)
    try:
        frame = pd.read_csv(
            io.StringIO(text), sep=separator, dtype=str, keep_default_na=False, na_values=[""]
        )
    except pd.errors.ParserError as error:
        raise TableError(f"rows don't fit the header: {error}") from error
    frame.columns = frame.columns.str.strip()
    return frame.apply(_convert_numbers), encoding


def _convert_numbers(values: pd.Series) -> pd.Series:
    """Convert a column of text to numbers if each value is one and none is a code."""
    given = values.dropna().str.strip()
    if given.empty or not given.str.fullmatch(_NUMBER).all() or given.str.fullmatch(_CODE).any():
        return values
    return pd.to_numeric(values.str.strip())


def _read_ogr(path: Path | io.BytesIO, layer: str | None, encoding: str | None = None) -> Any:
    """Read with GDAL; a broken geometry (an open ring, say) becomes None instead of an error."""
    frame = pyogrio.read_dataframe(path, layer=layer, encoding=encoding, on_invalid="ignore")
    if not isinstance(frame, gpd.GeoDataFrame):
        raise TableError("a table without geometry is no layer")
    return frame.rename_geometry("geometry") if frame.geometry.name != "geometry" else frame


def _read_geojson(source: Source) -> Layer:
    """Read GeoJSON, which ought to be UTF-8 and at times is not."""
    text, encoding = decode_text(source.path.read_bytes())
    plain = source.path if encoding == "utf-8" else io.BytesIO(text.encode("utf-8"))
    frame = _read_ogr(plain, None)
    return Layer(source.name, source.path.name, encoding, frame)


def _read_parquet(path: Path) -> gpd.GeoDataFrame:
    """Read GeoParquet, or a plain table with columns of positions."""
    if b"geo" in (pq.read_schema(path).metadata or {}):
        frame = gpd.read_parquet(path)
        frame = frame.rename_geometry("geometry") if frame.geometry.name != "geometry" else frame
    else:
        frame = place_rows(pd.read_parquet(path))
    return frame.reset_index(drop=True)


def _read_shapefile(source: Source) -> Layer:
    """Read a Shapefile in the encoding of its .cpg if its text fits that, else UTF-8 or GB18030."""
    table = source.path.with_suffix(".dbf")
    text = _cut_text(table.read_bytes()) if table.exists() else b""
    _, encoding = _decode(text, (*_declared_encoding(source.path), "utf-8", "gb18030"))
    frame = _read_ogr(source.path, None, encoding)
    return Layer(source.name, source.path.name, encoding, frame)


def _declared_encoding(path: Path) -> tuple[str, ...]:
    """Return the encoding that the .cpg beside a Shapefile names, if Python knows it."""
    for file in (path.with_suffix(".cpg"), path.with_suffix(".CPG")):
        if file.exists():
            name = file.read_text(encoding="ascii", errors="ignore").strip().lower()
            name = re.sub(r"^(ansi|oem|cp|windows)?[ -]?(\d{3,5})$", r"cp\2", name)
            try:
                return (codecs.lookup(name).name,)
            except LookupError:
                return ()
    return ()


def _cut_text(dbf: bytes) -> bytes:
    """Cut the names and the values of the text columns out of a dBASE file, line by line.

    The header is 32 bytes and 32 for each column: its name in 11, its type, at byte 16 its width.
    """
    rows = int.from_bytes(dbf[4:8], "little")
    start, width = (int.from_bytes(dbf[at : at + 2], "little") for at in (8, 10))
    body = np.frombuffer(dbf[start : start + rows * width], np.uint8)
    cells = body[: len(body) // max(width, 1) * width].reshape(-1, max(width, 1))
    texts, left = [], 1  # the first byte of a row says whether it is deleted
    for at in range(32, start - 31, 32):
        column = dbf[at : at + 32]
        right = left + column[16]
        texts.append(column[:11].partition(b"\0")[0])
        if column[11:12] == b"C":
            texts += [row.tobytes() for row in cells[:, left:right]]
        left = right
    return b"\n".join(texts)
