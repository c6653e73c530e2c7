"""Layers as a city office has them: GeoPackage, Shapefile, Excel, CSV …, in any encoding.

A layer is read as it is; what its columns mean is found in `gridmap.reading.columns`.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from gridmap.errors import TableError
from gridmap.later import later
from gridmap.reading.sheets import list_sheets, plain_name, read_sheet

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq
    import pyogrio
else:
    gpd = later("geopandas")
    pd = later("pandas")
    pa = later("pyarrow")
    pq = later("pyarrow.parquet")
    pyogrio = later("pyogrio")

#: Names of the columns of degrees, best first; compared without case and spaces.
LON_NAMES = ("lon", "lng", "long", "longitude", "经度", "东经", "x_lon", "wgs84_lon", "gps_lon")
LAT_NAMES = ("lat", "latitude", "纬度", "北纬", "y_lat", "wgs84_lat", "gps_lat")
#: Names of the column that says of which datum they are.
DATUM_NAMES = ("datum", "坐标系")
#: Names of columns that hold degrees or metres.
X_NAMES, Y_NAMES = ("x", "x坐标", "坐标x"), ("y", "y坐标", "坐标y")
WKT_NAMES = ("wkt", "geometry", "geom", "the_geom", "几何", "图形")

#: Suffixes of the files that are read, and looked for in a folder.
FORMATS = (
    *(".gpkg", ".geojson", ".json", ".shp", ".zip", ".parquet", ".geoparquet"),
    *(".csv", ".csv.gz", ".xlsx"),
)
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"))
_NUMBER = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
#: A number of 12 digits and more as Excel shows it: 2.10802E+14. Its last digits are lost.
SHORTENED = r"[0-9](\.[0-9]+)?[eE]\+?(1[1-9]|[2-9][0-9])"
#: Digits that are a key rather than an amount: with leading zeros, or 12 and more of them.
_CODE = rf"0[0-9]+|[0-9]{{12,}}|{SHORTENED}"


@dataclass(frozen=True)
class Source:
    """A layer that can be read.

    Parameters
    ----------
    name : str
        The layer's name, else the file's without suffix. Of several sheets of a workbook, or
        several Shapefiles in an archive, both: 楼栋台账/小雨社区.
    path : Path
        The file that holds it.
    part : str
        The sheet, or the Shapefile inside of an archive; "" in other formats.
    plain : bool
        Whether it is a table without geometry in a GeoPackage.
    """

    name: str
    path: Path
    part: str = ""
    plain: bool = False


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
        Rows in the file's order, index 0 … n-1 (of a sheet, its row numbers less 1). A geometry
        that can't be read is None; the CRS is the file's, EPSG:4326 for columns of degrees, None
        where the file says none.
    positions : bool
        Whether it has any columns of positions; False is a list to be joined to footprints.
    """

    name: str
    source: str
    encoding: str
    frame: gpd.GeoDataFrame
    positions: bool = True


def list_layers(path: str | Path, *, plain: bool = False) -> tuple[Source, ...]:
    """List the layers of a file, or of every file in a folder, by file name.

    A table without geometry in a GeoPackage is a layer only if ``plain`` is set. Every sheet of a
    workbook that holds anything is one, and so is every Shapefile in a .zip. Folders inside a
    folder are not opened, nor are files whose names begin with a dot or ~$ (which Excel leaves
    beside an open workbook).

    Raises
    ------
    TableError
        If there is no such file or folder, its format is unknown, or it can't be opened.
    """
    path = Path(path)
    if not path.exists():
        raise TableError(f"{path}: no such file or folder")
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if _is_layer_file(file))
        return tuple(source for file in files for source in list_layers(file, plain=plain))
    suffix = _find_suffix(path)
    if suffix not in FORMATS:
        hint = "; save it as .xlsx" if suffix == ".xls" else ""
        raise TableError(f"{path.name}: {path.suffix!r} is none of {', '.join(FORMATS)}{hint}")
    stem = path.name[: -len(suffix)]
    if suffix == ".xlsx":
        return _name_parts(stem, path, list_sheets(path))
    if suffix == ".zip":
        return _name_parts(stem, path, _list_archive(path))
    if suffix != ".gpkg":
        return (Source(stem, path),)
    try:
        return tuple(
            Source(name, path, plain=not kind)
            for name, kind in pyogrio.list_layers(path)
            if kind or plain
        )
    except pyogrio.errors.DataSourceError as error:
        raise TableError(f"{path.name}: not a readable GeoPackage: {error}") from error


def read_layer(source: Source, names: Iterable[str] = (), *, lists: bool = False) -> Layer:
    """Read one layer.

    Parameters
    ----------
    source : Source
        As `list_layers` gives it.
    names : iterable of str
        Column names that the header of an Excel sheet may hold; see `sheets.read_sheet`.
    lists : bool
        Whether a table without columns of positions is read too, with no geometry in any row.

    Raises
    ------
    TableError
        If the file can't be read, its text is neither UTF-8 nor GB18030, or it has no positions.
    """
    try:
        layer = _read_any(source, _find_suffix(source.path), names)
    except TableError as error:
        raise TableError(f"{source.path.name}: {error}") from error
    except _unreadable() as error:
        raise TableError(f"{source.path.name}: not readable: {error}") from error
    if not (layer.positions or lists):
        columns = layer.frame.columns.drop("geometry")
        raise TableError(f"{source.path.name}: {explain_positions(columns)}")
    return layer


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


def _unreadable() -> tuple[type[Exception], ...]:
    """Return what the readers raise for a file that is damaged."""
    return (
        *(pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError),
        *(pa.ArrowInvalid, OSError, EOFError, zipfile.BadZipFile),
    )


def find_column(columns: Iterable[Any], names: Iterable[str]) -> str | None:
    """Find the column that has one of ``names``, the best name first; see `plain_name`.

    Examples
    --------
    >>> find_column(["OBJECTID", " 经度 ", "LAT"], LON_NAMES)
    ' 经度 '
    """
    known: dict[str, str] = {}
    for column in columns:
        known.setdefault(plain_name(column), str(column))
    return next((known[name] for name in map(plain_name, names) if name in known), None)


def place_rows(frame: pd.DataFrame) -> gpd.GeoDataFrame:
    """Give a plain table the geometry that its columns hold: longitude and latitude, WKT, X and Y.

    Returns
    -------
    GeoDataFrame
        With all columns. Degrees get EPSG:4326; WKT gets no CRS, for it doesn't say one, nor do X
        and Y unless all of them are within 180. A row whose position is missing or no number has
        no geometry.

    Raises
    ------
    TableError
        If there are no such columns.
    """
    lon, lat = find_column(frame.columns, LON_NAMES), find_column(frame.columns, LAT_NAMES)
    wkt = find_column(frame.columns, WKT_NAMES)
    x, y = find_column(frame.columns, X_NAMES), find_column(frame.columns, Y_NAMES)
    if lon is not None and lat is not None:
        shapes, crs = _make_points(frame[lon], frame[lat]), "EPSG:4326"
    elif wkt is not None:
        texts = frame[wkt].astype(object).where(frame[wkt].notna(), None)
        shapes, crs = shapely.from_wkt(texts.to_numpy(), on_invalid="ignore"), None
        frame = frame.drop(columns=wkt)
    elif x is not None and y is not None:
        shapes = _make_points(frame[x], frame[y])
        crs = None if (np.abs(shapely.get_coordinates(shapes)) > 180).any() else "EPSG:4326"
    else:
        raise TableError(explain_positions(frame.columns))
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes, frame.index, crs=crs))


def explain_positions(columns: Iterable[Any]) -> str:
    """Say that there are no positions, and how to give some."""
    return (
        f"no positions among the columns {', '.join(map(str, columns))}: "
        "name two of them lon and lat (经度, 纬度), or one WKT"
    )


def _read_any(source: Source, suffix: str, names: Iterable[str]) -> Layer:
    """Read a layer of any format, a list too."""
    if suffix == ".xlsx":
        sheet = read_sheet(source.path, source.part, names)
        return _place_layer(source, sheet.apply(convert_numbers))
    readers = {
        **dict.fromkeys((".csv", ".csv.gz"), _read_table),
        ".shp": lambda source: _read_shapefile(source, source.path),
        ".zip": _read_archive,
        **dict.fromkeys((".geojson", ".json"), _read_geojson),
        **dict.fromkeys((".parquet", ".geoparquet"), _read_parquet),
        ".gpkg": _read_geopackage,
    }
    return readers[suffix](source)


def _read_table(source: Source) -> Layer:
    """Read a CSV file as a layer."""
    return _place_layer(source, *_read_csv(source.path))


def _read_geopackage(source: Source) -> Layer:
    if source.plain:
        return _place_layer(source, pyogrio.read_dataframe(source.path, layer=source.name))
    return Layer(source.name, source.path.name, "", _read_ogr(source.path, source.name))


def _find_suffix(path: Path) -> str:
    name = path.name.lower()
    return ".csv.gz" if name.endswith(".csv.gz") else path.suffix.lower()


def _is_layer_file(path: Path) -> bool:
    return _find_suffix(path) in FORMATS and not path.name.startswith((".", "~$"))


def _name_parts(stem: str, path: Path, parts: Sequence[str]) -> tuple[Source, ...]:
    """Name the parts of a file: by the file alone if there is one, else with the part's name."""
    if len(parts) == 1:
        return (Source(stem, path, parts[0]),)
    return tuple(Source(f"{stem}/{part}", path, part) for part in parts)


def _place_layer(source: Source, frame: pd.DataFrame, encoding: str = "") -> Layer:
    """Make a layer of a plain table; without columns of positions it is a list."""
    pairs = ((LON_NAMES, LAT_NAMES), (X_NAMES, Y_NAMES), (WKT_NAMES, WKT_NAMES))
    found = [[find_column(frame.columns, names) for names in pair] for pair in pairs]
    positions = any(None not in pair for pair in found)
    nowhere = gpd.GeoSeries([None] * len(frame), frame.index)
    placed = place_rows(frame) if positions else gpd.GeoDataFrame(frame, geometry=nowhere)
    return Layer(source.name, source.path.name, encoding, placed, positions)


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
    data = path.read_bytes()
    text, encoding = decode_text(gzip.decompress(data) if path.suffix.lower() == ".gz" else data)
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
    return frame.apply(convert_numbers), encoding


def convert_numbers(values: pd.Series) -> pd.Series:
    """Convert a column of text to numbers where each value is one and none a code: `read_csv`."""
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


def _read_parquet(source: Source) -> Layer:
    """Read GeoParquet, or a plain table with columns of positions."""
    if b"geo" not in (pq.read_schema(source.path).metadata or {}):
        return _place_layer(source, pd.read_parquet(source.path).reset_index(drop=True))
    frame = gpd.read_parquet(source.path).reset_index(drop=True)
    frame = frame.rename_geometry("geometry") if frame.geometry.name != "geometry" else frame
    return Layer(source.name, source.path.name, "", frame)


def _read_shapefile(source: Source, path: Path) -> Layer:
    """Read a Shapefile in the encoding of its .cpg if its text fits that, else UTF-8 or GB18030."""
    table = path.with_suffix(".dbf")
    text = _cut_text(table.read_bytes()) if table.exists() else b""
    _, encoding = _decode(text, (*_declared_encoding(path), "utf-8", "gb18030"))
    frame = _read_ogr(path, None, encoding)
    return Layer(source.name, source.path.name, encoding, frame)


def _list_archive(path: Path) -> list[str]:
    """List the Shapefiles in an archive, without suffix."""
    try:
        members = _open_members(path)
    except zipfile.BadZipFile as error:
        raise TableError(f"{path.name}: not a readable archive: {error}") from error
    names = sorted(name[:-4] for name in members if name.lower().endswith(".shp"))
    if not names:
        raise TableError(f"{path.name}: no Shapefile in the archive")
    return names


def _open_members(path: Path) -> dict[str, zipfile.ZipInfo]:
    """Return the files in an archive by name; Windows writes Chinese names in GBK."""
    members = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            unicode = member.flag_bits & 0x800 or member.filename.isascii()
            raw = b"" if unicode else member.orig_filename.encode("cp437")
            members[member.filename if unicode else decode_text(raw)[0]] = member
    return members


def _read_archive(source: Source) -> Layer:
    """Read a Shapefile out of an archive."""
    files = _open_members(source.path)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(source.path) as archive:
        for name, member in files.items():
            stem, dot, suffix = name.rpartition(".")
            if stem == source.part:
                file = Path(folder) / f"layer{dot}{suffix.lower()}"
                file.write_bytes(archive.read(member))
        return _read_shapefile(source, Path(folder) / "layer.shp")


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
