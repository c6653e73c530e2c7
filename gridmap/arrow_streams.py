"""What an Arrow stream says of itself, before anything of it is unpacked.

A few bytes can stand for any number: compressed ones, rows of a column of nothing, columns that all
lie in the same place, texts that are views of one another, additions to a dictionary that each
batch of rows has whole. What is read for that is the head of each message, a flatbuffer that Arrow
has checked, and the lengths of views.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from gridmap.errors import TableError
from gridmap.later import later

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = later("pyarrow")

#: The fields of the heads that are read, by their places in Arrow's Message.fbs.
_HEADER = 2
_LENGTH, _BUFFERS, _COMPRESSION = 0, 2, 3
_DATA, _IS_DELTA = 1, 2
#: How Arrow 0.17 named the compression.
_OLD_COMPRESSION = b"ARROW:experimental_compression"

#: Bytes of all views of a table at most: each is looked at, though they may lie in the same place.
_MOST_VIEWED = 1 << 28


def count_rows(body: bytes) -> int:
    """Return how many rows an Arrow IPC stream says it has.

    Raises
    ------
    TableError
        If it is compressed, columns share their bytes, or a dictionary is added to or has more
        entries than its bytes can.
    ValueError
        If it is no such stream; from Arrow, or because a head is damaged.
    """
    rows = 0
    for message in pa.ipc.MessageReader.open_stream(pa.py_buffer(body)):
        if message.type == "record batch":
            rows += _measure(message, _follow_head(message.metadata))
        elif message.type == "dictionary":
            _check_dictionary(message)
    return rows


def check_views(table: pa.Table) -> None:
    """Refuse views of far more bytes than were sent.

    Raises
    ------
    TableError
        If there are such, or views within lists and the like.
    ValueError
        If their buffers are too short.
    """
    types, viewed = pa.types, 0
    for field, column in zip(table.schema, table.columns, strict=True):
        if types.is_string_view(field.type) or types.is_binary_view(field.type):
            viewed += sum(map(_measure_views, filter(len, column.chunks)))
        elif "_view" in str(field.type):
            raise TableError(f"a column of the Arrow stream holds {field.type}: send it as lists")
    if viewed > _MOST_VIEWED:
        raise TableError("texts of the Arrow stream lie in one another: send each apart")


def _measure_views(chunk: pa.Array) -> int:
    """Return the bytes of the texts of a chunk; each view begins with its length."""
    chunk.validate()
    views = np.frombuffer(chunk.buffers()[1], np.int32, 4 * (chunk.offset + len(chunk)))
    held = chunk.is_valid().to_numpy(zero_copy_only=False)
    return int(views[4 * chunk.offset :: 4].sum(dtype=np.int64, where=held))


def _check_dictionary(message: pa.Message) -> None:
    head, start = message.metadata, _follow_head(message.metadata)
    added = _find(head, start, _IS_DELTA)
    if added and memoryview(head)[added]:
        raise TableError("a dictionary of the Arrow stream is added to: send each whole")
    if _measure(message, _follow(head, _find(head, start, _DATA))) > 8 * message.body.size:
        raise TableError("a dictionary of the Arrow stream has more entries than bytes")


def _measure(message: pa.Message, batch: int) -> int:
    """Return the rows of a batch whose own head begins there."""
    head = message.metadata
    if _find(head, batch, _COMPRESSION) or _OLD_COMPRESSION in head.to_pybytes():
        raise TableError(
            "the Arrow stream is compressed: send it without (in pyarrow, compression=None)"
        )
    if _count_bytes(head, batch) > message.body.size:
        raise TableError("columns of the Arrow stream lie in the same bytes: send each apart")
    place = _find(head, batch, _LENGTH)
    rows = _read(head, "<q", place) if place else 0
    if rows < 0:
        raise ValueError(f"a record batch of {rows} rows")
    return rows


def _count_bytes(head: pa.Buffer, batch: int) -> int:
    """Return the bytes of all buffers of a batch; each has its place and then its length."""
    place = _find(head, batch, _BUFFERS)
    if not place:
        return 0
    start = _follow(head, place)
    count = 2 * _read(head, "<I", start)
    return sum(_unpack(head, f"<{count}q", start + 4)[1::2])


def _follow_head(head: pa.Buffer) -> int:
    """Return where that begins which a message is about."""
    return _follow(head, _find(head, _follow(head, 0), _HEADER))


def _follow(head: pa.Buffer, place: int) -> int:
    return place + _read(head, "<I", place)


def _find(head: pa.Buffer, table: int, field: int) -> int:
    """Return where a field of a table lies; 0 where the table has none."""
    kept = table - _read(head, "<i", table)
    slot = 4 + 2 * field
    offset = _read(head, "<H", kept + slot) if slot < _read(head, "<H", kept) else 0
    return table + offset if offset else 0


def _read(head: pa.Buffer, kind: str, place: int) -> int:
    """Read a number; errors are those of `_unpack`."""
    return int(_unpack(head, kind, place)[0])


def _unpack(head: pa.Buffer, kind: str, place: int) -> tuple[int, ...]:
    """Read numbers.

    Raises
    ------
    ValueError
        If they would not lie in the head.
    """
    if not 0 <= place <= head.size - struct.calcsize(kind):
        raise ValueError("the head of a message is damaged")
    return struct.unpack_from(kind, head, place)
