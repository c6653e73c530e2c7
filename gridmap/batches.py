"""Many points at once, as bytes: JSON, CSV or Arrow in, the answers in the same kind out.

Made for millions of points a second, so an answer of a batch says what a dispatcher needs: the
grid, with its name, community and street; the match; and, for a point near a border or outside, the
metres and the runner-up. A point that is farther from its border than ``near_border`` has no
number there. Grid and match, and each number that is given, are those of `Locator.locate`.

No row is dropped and none stops the others: one without coordinates, or with impossible ones, is
answered with the match ``none`` and says why. So is one that can't be read: a word for a number in
any kind, in JSON a point that is no pair, in CSV a row with more or fewer cells than the header.
A batch is refused only where its rows can't be told apart. A given column that is called as one of
an answer comes back with ``given_`` before its name.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from gridmap.arrow_streams import check_views, count_rows
from gridmap.compiling import kernel, routine
from gridmap.cutting.mesh import Floats, Ints
from gridmap.datum import settle_datum, tell_datums
from gridmap.errors import TableError
from gridmap.later import later
from gridmap.locate import MATCHES, SUSPECTED, Judged, Locator, rename_given
from gridmap.reading.layers import DATUM_NAMES, LAT_NAMES, LON_NAMES, find_column

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pa_compute
    import pyarrow.csv as pa_csv
else:
    pd = later("pandas")
    pa = later("pyarrow")
    pa_compute = later("pyarrow.compute")
    pa_csv = later("pyarrow.csv")

JSON, CSV, ARROW = "application/json", "text/csv", "application/vnd.apache.arrow.stream"
#: The kinds of batches, by their media type.
MEDIA_TYPES = (JSON, CSV, ARROW)
#: The columns of an answer, in order.
ANSWER = (
    "grid_code", "name", "community", "street", "match", "border_m", "distance_m", "runner_up",
    "suspect",
)  # fmt: skip
_TOLD = ("name", "community", "street")
#: Texts of a column that numbers of two bytes can count.
_SMALL = 1 << 15
#: Schemas whose heads are kept, and the bytes of one at most: a caller may say anything in his.
_MOST_HEADS, _LONGEST_SCHEMA = 64, 1 << 14
#: Bytes of the name of a datum at most, where a dictionary has it.
_LONGEST_NAME = 100
#: What ends an Arrow stream.
_END = b"\xff\xff\xff\xff\0\0\0\0"
_SEND = 'send {"lon": [122.2], "lat": [40.6]} or {"points": [[122.2, 40.6]]}'
#: A point in the kinds that are read and written by kernels.
_ONE = {JSON: b'{"lon": [122.2], "lat": [40.6]}', CSV: b"lon,lat\n122.2,40.6\n"}

Bytes = NDArray[np.uint8]


class Batches:
    """A locator that answers batches of bytes: built once, asked often, by any number of threads.

    Parameters
    ----------
    locator : Locator
        The grids.
    told : mapping, optional
        Code -> a mapping with ``name``, ``community`` and ``street``, as
        `gridmap.geojson.tell_grids` gives it; what is missing is empty.
    """

    def __init__(
        self, locator: Locator, told: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        self._locator = locator
        codes = locator.codes
        rows = [(told or {}).get(code, {}) for code in codes]
        columns = [codes, *([str(row.get(name) or "") for row in rows] for name in _TOLD)]
        self._columns = [_Column(column) for column in columns]
        self._matches, self._suspects = _Words(MATCHES), _Column(SUSPECTED)
        self._streams = _Streams()
        self._json = _write_fragments(_quote_json, columns, _JSON_MARKS)
        self._csv = _write_fragments(_quote_csv, columns, _CSV_MARKS)
        for kind, point in _ONE.items():  # compiles what is not compiled yet
            self.answer(point, kind)

    def answer(
        self,
        body: bytes,
        media_type: str,
        *,
        datum: str | None = None,
        most: int | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Answer a batch.

        Parameters
        ----------
        body : bytes
            The points. JSON: ``{"lon": […], "lat": […]}`` or ``{"points": [[lon, lat], …]}``, with
            ``"datum"`` beside them if you like. CSV with a header, in UTF-8 or GBK; Arrow: an IPC
            stream. Both have columns of longitudes and latitudes by one of their usual names (lon,
            lng, 经度, x …), and any others, which are given back; one called ``datum`` (坐标系)
            names it.
        media_type : str
            One of `MEDIA_TYPES`.
        datum : str, optional
            Of the degrees; by default what the batch itself names, or else WGS-84.
        most : int, optional
            Points that are answered at most.
        about : mapping, optional
            What a JSON answer has beside its ``answers``.

        Returns
        -------
        bytes
            Of the same kind, with the columns `ANSWER`; metres are ``border_m`` and ``distance_m``.

        Raises
        ------
        TableError
            If the kind is none of these, the bytes are not of it, or there are too many points.
        DatumError
            If the datum is unknown, or the batch names another one, or more than one, or one for
            some rows with coordinates and none for others.
        """
        if media_type not in _KINDS:
            raise TableError(f"{media_type!r} is no kind of batch; use {', '.join(MEDIA_TYPES)}")
        read, write = _KINDS[media_type]
        lon, lat, rest, told = read(body, most)
        judged = self._locator.judge(lon, lat, datum=settle_datum(datum, told))
        return write(self, judged, rest, dict(about or {}))


def make_batches(locator: Locator, told: Mapping[str, Mapping[str, Any]] | None = None) -> Batches:
    """Prepare a locator for batches of bytes; see `Batches`."""
    return Batches(locator, told)


def _check_count(count: int, most: int | None) -> None:
    if most is not None and count > most:
        raise TableError(f"{count} points, and {most} are answered at once: divide them")


# --- JSON --------------------------------------------------------------------------------------


def _read_json(body: bytes, most: int | None) -> tuple[Floats, Floats, None, Sequence[Any]]:
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise TableError(f"the body is no JSON ({error}); {_SEND}") from error
    if not isinstance(given, dict):
        raise TableError(f"the body is no object; {_SEND}")
    points, lon, lat = (given.get(name) for name in ("points", "lon", "lat"))
    if isinstance(points, list):
        lon, lat = _split_pairs(points)
    elif not (isinstance(lon, list) and isinstance(lat, list)):
        raise TableError(f'there are no "points", and no lists "lon" and "lat"; {_SEND}')
    elif len(lon) != len(lat):
        raise TableError(f'"lon" and "lat" are not of one length: {len(lon)} and {len(lat)}')
    _check_count(len(lon), most)
    return _to_floats(lon), _to_floats(lat), None, (given.get("datum"),)


def _split_pairs(points: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Return the longitudes and the latitudes of [lon, lat] pairs; what is no pair has neither."""
    if set(map(type, points)) - {list} or set(map(len, points)) - {2}:
        points = [
            one if isinstance(one, list) and len(one) == 2 else (None, None) for one in points
        ]
    flat = list(chain.from_iterable(points))
    return flat[0::2], flat[1::2]


def _to_floats(values: Sequence[Any]) -> Floats:
    """Return numbers as floats; None is NaN, and so is what is no number."""
    try:
        numbers = np.array(values, np.float64)
    except (ValueError, TypeError):
        numbers = None
    if numbers is not None and numbers.ndim == 1:
        return numbers
    return _read_texts([None if isinstance(one, list | dict) else one for one in values])


def _read_texts(values: Any) -> Floats:
    """Return texts as floats; what is no number is NaN."""
    return pd.to_numeric(pd.Series(values, dtype=object), errors="coerce").to_numpy(np.float64)


def _write_json(made: Batches, found: Judged, _rest: None, about: dict[str, Any]) -> bytes:
    rows = _write_rows(found, made._json, _no_lines(), np.zeros(1, np.int64))
    head = orjson.dumps(about)[:-1] + (b"," if about else b"")
    return b"".join([head, b'"answers":[', rows[:-1], b"]}"])


# --- CSV ---------------------------------------------------------------------------------------


class _Lines(NamedTuple):
    """A CSV: its header and the names in it, all its bytes, and where each row begins and ends."""

    header: str
    names: list[str]
    body: bytes
    ends: Ints


def _read_csv(body: bytes, most: int | None) -> tuple[Floats, Floats, _Lines, Sequence[Any]]:
    lines = _split_lines(_to_utf8(body))
    _check_count(len(lines.ends), most)
    columns = _find_degrees(lines.names)
    table, odd = _parse_numbers(lines, columns), None
    if table is None:
        lines, odd = _mend_rows(lines)
        table = _parse_numbers(lines, columns)
    if table is None:
        raise TableError("the rows of the CSV can't be told apart; are its quotation marks right?")
    lon, lat = (_to_array(table[name]) for name in columns)
    if odd is not None:
        lon[odd] = lat[odd] = np.nan
    naming = find_column(lines.names, DATUM_NAMES)
    told = _parse_csv(lines.body, [naming], pa.string())[naming] if naming else None
    return lon, lat, lines, _list_told(told, lon, lat)


def _split_lines(body: bytes) -> _Lines:
    heads, stops = _split_rows(np.frombuffer(body, np.uint8))
    if not len(heads):
        raise TableError("the CSV is empty; its first line must name the columns")
    if body.count(b'"') % 2:
        raise TableError(f"a quotation mark in row {len(heads) - 1} of the CSV is never closed")
    header = body[heads[0] : stops[0]].decode()
    ends = np.column_stack([heads[1:], stops[1:]])
    return _Lines(header, _split_cells(header, 0), body, ends)


def _split_cells(text: str, row: int) -> list[str]:
    try:
        return next(csv.reader([text]))
    except csv.Error as error:
        raise TableError(f"row {row} of the CSV can't be read: {error}") from error


def _parse_numbers(lines: _Lines, columns: Sequence[str]) -> pa.Table | None:
    """Read columns of numbers; None where rows have more or fewer cells than the header."""
    for kind in (pa.float64(), pa.string()):  # texts where there is one: then each is looked at
        try:
            table = _parse_csv(lines.body, columns, kind)
        except pa.ArrowInvalid:
            continue
        if len(table) != len(lines.ends):
            return None
        if kind == pa.float64():
            return table
        return pa.table({name: _read_texts(table[name].to_pylist()) for name in columns})
    return None


def _mend_rows(lines: _Lines) -> tuple[_Lines, NDArray[np.bool_]]:
    """Give every row as many cells as the header, and tell which had others.

    What is missing is empty; what is over stays in the last cell. So nothing is lost, and the
    answers stand below their names.
    """
    texts = [lines.body[first:last].decode() for first, last in lines.ends.tolist()]
    rows = [_split_cells(text, row) for row, text in enumerate(texts, 1)]
    width = len(lines.names)
    odd = np.array([len(row) != width for row in rows], np.bool_)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    out.write(lines.header + "\n")
    for text, row in zip(texts, rows, strict=True):
        if len(row) == width:
            out.write(text + "\n")
        else:
            filled = [*row, *[""] * (width - len(row))]
            writer.writerow([*filled[: width - 1], ",".join(filled[width - 1 :])])
    return _split_lines(out.getvalue().encode()), odd


def _list_told(column: pa.ChunkedArray | None, lon: Floats, lat: Floats) -> Sequence[Any]:
    """Return what a column names, each once; a batch without the column names nothing."""
    if column is None:
        return ()
    placed = column.filter(pa.array(~(np.isnan(lon) | np.isnan(lat))))
    return tell_datums(column.unique().to_pylist(), placed.unique().to_pylist())


def _parse_csv(body: bytes, columns: Sequence[str], kind: pa.DataType) -> pa.Table:
    options = pa_csv.ConvertOptions(
        include_columns=columns, column_types=dict.fromkeys(columns, kind)
    )
    return pa_csv.read_csv(
        io.BytesIO(body),
        read_options=pa_csv.ReadOptions(use_threads=False, block_size=1 << 24),
        parse_options=pa_csv.ParseOptions(newlines_in_values=b'"' in body),
        convert_options=options,
    )


def _to_utf8(body: bytes) -> bytes:
    """Return text in UTF-8 without a byte order mark; Chinese spreadsheets write GBK."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        body.decode()
    except UnicodeDecodeError:
        return body.decode("gb18030", errors="replace").encode()
    return body


def _find_degrees(names: Sequence[str]) -> list[str]:
    """Return the columns of longitudes and of latitudes."""
    return [_find(names, (*LON_NAMES, "x")), _find(names, (*LAT_NAMES, "y"))]


def _find(names: Sequence[str], usual: Sequence[str]) -> str:
    column = find_column(names, usual)
    if column is None:
        raise TableError(f"no column {', '.join(usual)}; there are: {', '.join(map(str, names))}")
    return str(column)


def _write_csv(made: Batches, found: Judged, lines: _Lines, _about: dict[str, Any]) -> bytes:
    text = np.frombuffer(lines.body, np.uint8)
    rows = _write_rows(found, made._csv, text, lines.ends.reshape(-1))
    return b"".join([f"{_rename_header(lines)},{','.join(ANSWER)}\r\n".encode(), rows])


def _rename_header(lines: _Lines) -> str:
    """Return the header as it was, but for columns that are called as those of an answer."""
    names = rename_given(lines.names, ANSWER)
    return lines.header if names == lines.names else ",".join(map(_quote_cell, names))


@kernel
def _split_rows(text: Bytes) -> tuple[Ints, Ints]:
    """Return where each line that is not empty begins and ends; quoted ones may have many lines."""
    heads, stops = np.empty(16, np.int64), np.empty(16, np.int64)
    count, begin, quoted = 0, 0, False
    for at in range(len(text) + 1):
        if at < len(text):
            if text[at] == 34:
                quoted = not quoted
            if quoted or text[at] != 10:
                continue
        stop = at
        if stop > begin and text[stop - 1] == 13:
            stop -= 1
        if stop > begin:
            if count == len(heads):
                heads, stops = np.append(heads, heads), np.append(stops, stops)
            heads[count], stops[count] = begin, stop
            count += 1
        begin = at + 1
    return heads[:count].copy(), stops[:count].copy()


# --- Arrow -------------------------------------------------------------------------------------


def _read_arrow(body: bytes, most: int | None) -> tuple[Floats, Floats, pa.Table, Sequence[Any]]:
    table, names = _open_arrow(body, most)
    lon, lat = (_read_degrees(_take_column(table, name), name) for name in _find_degrees(names))
    naming = find_column(names, DATUM_NAMES)
    told = _read_names(_take_column(table, naming), naming) if naming else None
    return lon, lat, table, _list_told(told, lon, lat)


def _open_arrow(body: bytes, most: int | None) -> tuple[pa.Table, list[str]]:
    """Return a table whose buffers hold what its heads say, and the names of its columns."""
    try:
        _check_count(count_rows(body), most)
        table = pa.ipc.open_stream(body).read_all()
        check_views(table)
        table.validate(full=True)
        names = table.column_names
    except (pa.ArrowException, ValueError, OSError, LookupError, TypeError) as error:
        # the last two are of types that pandas reads, and takes on trust
        raise TableError(f"the body is no Arrow IPC stream: {error}") from error
    return table, names


def _take_column(table: pa.Table, name: str) -> pa.ChunkedArray:
    """Return the first column of a name, as it is in CSV."""
    return table.column(table.column_names.index(name))


def _read_degrees(column: pa.ChunkedArray, name: str) -> Floats:
    """Return a column of numbers, or of texts of which some may be none."""
    try:
        if pa.types.is_dictionary(column.type):
            return _read_entries(column, name)
        if _holds_texts(column.type):
            return _read_numbers(_unfold_views(column))
        return _to_array(column.cast(pa.float64()))
    except pa.ArrowException as error:
        raise TableError(f"column {name} holds no numbers: {str(error)[:200]}") from error


def _read_entries(column: pa.ChunkedArray, name: str) -> Floats:
    """Return the numbers of a dictionary's rows; each entry is read once, however often it stands.

    Nothing here looks at the place that a row of null has: Arrow checks no such place.
    """
    parts, entries, known = [np.empty(0)], np.empty(0), None
    for chunk in column.chunks:
        if known != (known := _find_bytes(chunk.dictionary)):
            entries = np.append(_read_degrees(pa.chunked_array([chunk.dictionary]), name), np.nan)
        places = chunk.indices.cast(pa.int64()).fill_null(len(entries) - 1)
        parts.append(entries[places.to_numpy(zero_copy_only=False)])
    return np.concatenate(parts)


def _find_bytes(entries: pa.Array) -> tuple[Any, ...]:
    """Return where an array lies in memory: a dictionary is the same for many batches of rows."""
    places = (buffer and buffer.address for buffer in entries.buffers())
    return (len(entries), entries.offset, *places)


def _read_numbers(texts: pa.ChunkedArray) -> Floats:
    try:
        return _to_array(texts.cast(pa.float64()))
    except pa.ArrowInvalid:
        return _read_texts(texts.to_pylist())


def _read_names(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Return a column of names, each row's or by a dictionary."""
    kind, types = column.type, pa.types
    if types.is_dictionary(kind) and kind.value_type in (pa.string(), pa.large_string()):
        return _spell_names(column, name)
    if not (_holds_texts(kind) or types.is_null(kind)):
        raise TableError(f"column {name} holds no names of datums, but {kind}")
    return _unfold_views(column)


def _spell_names(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Return the texts of a dictionary's rows, which are short: each may stand any number of times.

    Raises
    ------
    TableError
        If one is too long to be a name.
    """
    parts, known = [], None
    for chunk in column.chunks:
        if known != (known := _find_bytes(chunk.dictionary)):
            longest = pa_compute.max(pa_compute.binary_length(chunk.dictionary)).as_py() or 0
            if longest > _LONGEST_NAME:
                raise TableError(f"column {name} holds a name of {longest} bytes")
        parts.append(chunk.dictionary.take(chunk.indices))
    return pa.chunked_array(parts, column.type.value_type)


def _holds_texts(kind: pa.DataType) -> bool:
    types = pa.types
    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def _unfold_views(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts of which many may lie in the same bytes as texts that have their own.

    One by one: Arrow's cast would follow the view that a row of null has, too, which is unchecked.
    """
    if not pa.types.is_string_view(column.type):
        return column
    return pa.chunked_array([pa.array(column.to_pylist(), pa.large_string())])


def _to_array(column: pa.ChunkedArray) -> Floats:
    """Return a column of floats; null is NaN."""
    return np.require(column.to_numpy(), np.float64, ["C", "W"])


def _write_arrow(made: Batches, found: Judged, table: pa.Table, _about: dict[str, Any]) -> bytes:
    """Write the given columns, and the answer's behind them."""
    answers = [
        *(column.name(found.grid) for column in made._columns),
        made._matches.name(found.match),
        *(_hide(metres, np.isnan(metres)) for metres in (found.border_m, found.distance_m)),
        made._columns[0].name(found.runner_up),
        made._suspects.name(found.suspect),
    ]
    names = rename_given(table.column_names, ANSWER)
    given = [field.with_name(name) for field, name in zip(table.schema, names, strict=True)]
    fields = [pa.field(name, one.type) for name, one in zip(ANSWER, answers, strict=True)]
    schema = pa.schema([*given, *fields], table.schema.metadata)
    whole = pa.Table.from_arrays([*table.columns, *answers], schema=schema)
    if len(whole) and all(_is_flat(field.type) for field in given):
        return made._streams.write(whole)
    return _write_stream(whole)


def _write_stream(whole: pa.Table | pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, whole.schema) as stream:
        stream.write(whole)
    return sink.getvalue().to_pybytes()


def _is_flat(kind: pa.DataType) -> bool:
    """Tell whether a column has all that it says in its rows, and no dictionary of its own."""
    types = pa.types
    return not (
        types.is_dictionary(kind) or types.is_nested(kind) or isinstance(kind, pa.BaseExtensionType)
    )


class _Streams:
    """Streams of which only the rows differ: what comes before them is written once.

    That is the schema and the texts of all grids, a quarter of what is sent for 10,000 points.
    """

    def __init__(self) -> None:
        self._heads: dict[bytes, bytes] = {}

    def write(self, whole: pa.Table) -> bytes:
        """Write a table of some rows, whose only dictionaries are those of the grids."""
        rows = whole.to_batches()
        key = whole.schema.serialize().to_pybytes()
        head = self._heads.get(key)
        if head is None:
            empty = rows[0].slice(0, 0)
            head = _write_stream(empty).removesuffix(empty.serialize().to_pybytes() + _END)
            if len(self._heads) >= _MOST_HEADS:
                self._heads.clear()
            if len(key) < _LONGEST_SCHEMA:
                self._heads[key] = head
        return b"".join([head, *(batch.serialize() for batch in rows), _END])


class _Column:
    """A text per number, each text once: what an Arrow column names its numbers by."""

    def __init__(self, texts: Sequence[str]) -> None:
        encoded = pa.array([text or None for text in texts], pa.string()).dictionary_encode()
        self._texts = encoded.dictionary
        places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        kind = np.int16 if len(self._texts) < _SMALL else np.int32
        self._places = np.append(places, -1).astype(kind)  # the last is: nobody

    def name(self, numbers: Ints) -> pa.DictionaryArray:
        """Return the texts of numbers."""
        places = np.take(self._places, numbers)
        return pa.DictionaryArray.from_arrays(_hide(places, places < 0), self._texts, safe=False)


class _Words:
    """A few words by their places: numbers that are all told as they are."""

    def __init__(self, words: Sequence[str]) -> None:
        self._texts = pa.array(words)

    def name(self, numbers: Ints) -> pa.DictionaryArray:
        """Return the words of numbers."""
        places = pa.array(numbers.astype(np.int8, copy=False))
        return pa.DictionaryArray.from_arrays(places, self._texts, safe=False)


def _hide(values: Ints | Floats, missing: NDArray[np.bool_]) -> pa.Array:
    """Return values as they lie in memory, with null where one is missing."""
    count = int(np.count_nonzero(missing))
    held = pa.py_buffer(np.packbits(~missing, bitorder="little")) if count else None
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [held, pa.py_buffer(values)], count)


# --- writing text ------------------------------------------------------------------------------


class _Fragments(NamedTuple):
    """Everything that a row of text is put together of, written once.

    ``heads`` says where each fragment begins in ``text``: for each grid and for nobody what a row
    begins with; then for each and for nobody the runner-up; the matches; the suspects; and between
    the fields: before distance, before the runner-up, no number, the end of a row, and what is
    between the row that was given and the answer.
    """

    text: Bytes
    heads: Ints
    grids: int


_JSON_MARKS = (',"distance_m":', ',"runner_up":', "null", "},", "")
_CSV_MARKS = (",", ",", "", "\r\n", ",")


def _quote_json(texts: Sequence[str | None], name: str) -> list[str]:
    start = "{" if name == ANSWER[0] else ("" if name == "runner_up" else ",")
    key = "" if name == "runner_up" else f'"{name}":'
    tail = ',"border_m":' if name == "match" else ""
    return [f"{start}{key}{orjson.dumps(text or None).decode()}{tail}" for text in texts]


def _quote_csv(texts: Sequence[str | None], name: str) -> list[str]:
    tail = "" if name in ("runner_up", "suspect") else ","
    lead = "," if name == "suspect" else ""
    return [f"{lead}{_quote_cell(text or '')}{tail}" for text in texts]


def _quote_cell(text: str) -> str:
    if any(mark in text for mark in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _write_fragments(
    quote: Callable[[Sequence[str | None], str], list[str]],
    columns: Sequence[Sequence[str]],
    marks: Sequence[str],
) -> _Fragments:
    fields = [
        quote([*column, None], name)
        for name, column in zip(ANSWER[: len(columns)], columns, strict=True)
    ]
    texts = ["".join(parts) for parts in zip(*fields, strict=True)]
    texts += quote([*columns[0], None], "runner_up")
    texts += quote(MATCHES, "match") + quote(SUSPECTED, "suspect") + list(marks)
    encoded = [text.encode() for text in texts]
    heads = np.concatenate([[0], np.cumsum([len(text) for text in encoded])])
    return _Fragments(np.frombuffer(b"".join(encoded), np.uint8), heads, len(columns[0]) + 1)


def _no_lines() -> Bytes:
    return np.frombuffer(b"", np.uint8)


def _write_rows(found: Judged, fragments: _Fragments, text: Bytes, heads: Ints) -> memoryview:
    """Write the answers, each behind what was given of its row."""
    return _put_rows(found, fragments, text, heads).data


@kernel
def _put_rows(found: Judged, fragments: _Fragments, text: Bytes, heads: Ints) -> Bytes:
    """Write the answers into one array, which grows where they need more. O(bytes)."""
    rows, grids = len(found.grid), fragments.grids
    matches, suspects = 2 * grids, 2 * grids + 4
    marks = len(fragments.heads) - 6
    most = 64  # bytes of a row's answer at most, numbers and what is between them
    for one in range(len(fragments.heads) - 1):
        most = max(most, 64 + 5 * (fragments.heads[one + 1] - fragments.heads[one]))
    out, at = np.empty(len(text) + rows * 256 + most, np.uint8), 0
    given = len(heads) > 1
    for row in range(rows):
        need = most + (heads[2 * row + 1] - heads[2 * row] if given else 0)
        if at + need > len(out):
            out = np.concatenate((out, np.empty(len(out) + need, np.uint8)))
        if given:
            at = _copy(out, at, text, heads[2 * row], heads[2 * row + 1])
            at = _put(out, at, fragments, marks + 4)
        at = _put(out, at, fragments, found.grid[row])
        at = _put(out, at, fragments, matches + found.match[row])
        at = _put_metres(out, at, fragments, marks + 2, found.border_m[row])
        at = _put(out, at, fragments, marks)
        at = _put_metres(out, at, fragments, marks + 2, found.distance_m[row])
        at = _put(out, at, fragments, marks + 1)
        at = _put(out, at, fragments, grids + found.runner_up[row])
        at = _put(out, at, fragments, suspects + found.suspect[row])
        at = _put(out, at, fragments, marks + 3)
    return out[:at]


@routine
def _put(out: Bytes, at: int, fragments: _Fragments, number: int) -> int:
    """Write a fragment by its number; give where the next one goes. O(bytes)."""
    first, last = fragments.heads[number], fragments.heads[number + 1]
    return _copy(out, at, fragments.text, first, last)


@routine
def _copy(out: Bytes, at: int, text: Bytes, first: int, last: int) -> int:
    """Copy bytes; places are unsigned, for with signs each could count from the end."""
    to, start = np.uint64(at), np.uint64(first)
    for step in range(np.uint64(last - first)):
        out[to + step] = text[start + step]
    return at + last - first


@routine
def _put_metres(out: Bytes, at: int, fragments: _Fragments, nothing: int, metres: float) -> int:
    """Write metres with three decimals at most, as Python writes the same float."""
    if np.isnan(metres):
        return _put(out, at, fragments, nothing)
    whole = np.int64(np.rint(metres * 1000))
    high, low = whole // 1000, whole % 1000
    digits, size = high, 1
    while digits >= 10:
        digits //= 10
        size += 1
    for place in range(size - 1, -1, -1):
        out[at + place] = 48 + high % 10
        high //= 10
    at += size
    out[at], out[at + 1] = 46, 48 + low // 100
    at += 2
    if low % 100:
        out[at] = 48 + low // 10 % 10
        at += 1
        if low % 10:
            out[at] = 48 + low % 10
            at += 1
    return at


_KINDS: dict[str, tuple[Callable[[bytes, int | None], Any], Callable[..., bytes]]] = {
    JSON: (_read_json, _write_json),
    CSV: (_read_csv, _write_csv),
    ARROW: (_read_arrow, _write_arrow),
}
