"""Mapbox Vector Tiles 2.1 (a protocol buffer) of pieces, many tiles in one go."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gridmap.compiling import kernel, routine
from gridmap.cutting.mesh import Ints
from gridmap.tiles.cutting import SIZE, SIZE_BITS, TILE_BITS, Pieces

Bytes = npt.NDArray[np.uint8]

_RING = 3
_MOVE, _LINE, _CLOSE = 1, 2, 7
_GAP = 5  # bytes kept for a length, before it is known
_ROW_MASK = (1 << TILE_BITS) - 1


class Properties(NamedTuple):
    """What is told of the features of all layers, encoded once.

    Parameters
    ----------
    starts : array of int
        Where the features of each layer begin, and where the last one's end.
    tags, keys, values : array of int
        Feature f has the properties at ``tags[f] : tags[f + 1]``: number of the key in its layer,
        number of the value.
    texts, text_heads : array
        The encoded values, and where each begins.
    heads, head_heads : array
        Of each layer version, name, keys and extent, encoded; and where each begins.
    """

    starts: Ints
    tags: Ints
    keys: Ints
    values: Ints
    texts: Bytes
    text_heads: Ints
    heads: Bytes
    head_heads: Ints


def encode_properties(
    layers: Sequence[tuple[str, Sequence[str], Sequence[Mapping[str, Any]]]],
) -> Properties:
    """Encode what is told of features.

    Parameters
    ----------
    layers : sequence
        Of each layer its name, its keys, and a mapping per feature. What is None, or no key, is
        not told.
    """
    numbers: dict[bytes, int] = {}
    tags, keys, values, starts = [0], [], [], [0]
    for _, names, features in layers:
        for told in features:
            for key, name in enumerate(names):
                if told.get(name) is not None:
                    text = _encode_value(told[name])
                    keys.append(key)
                    values.append(numbers.setdefault(text, len(numbers)))
            tags.append(len(keys))
        starts.append(len(tags) - 1)
    texts, text_heads = _join(list(numbers))
    heads, head_heads = _join([_encode_head(name, names) for name, names, _ in layers])
    tag_heads, tag_keys, tag_values = (np.array(c, np.int64) for c in (tags, keys, values))
    starts_at = np.array(starts, np.int64)
    return Properties(
        starts_at, tag_heads, tag_keys, tag_values, texts, text_heads, heads, head_heads
    )


def _encode_value(value: Any) -> bytes:
    """Return a field ``values`` of a layer."""
    if isinstance(value, str):
        text = value.encode()
        body = b"\x0a" + _varint(len(text)) + text
    elif isinstance(value, int):
        body = b"\x30" + _varint((value << 1) ^ (value >> 63))
    else:
        body = b"\x19" + struct.pack("<d", value)
    return b"\x22" + _varint(len(body)) + body


def _encode_head(name: str, keys: Sequence[str]) -> bytes:
    """Return the fields of a layer that are the same in every tile."""
    texts = [(b"\x0a", name.encode()), *((b"\x1a", key.encode()) for key in keys)]
    fields = b"".join(tag + _varint(len(text)) + text for tag, text in texts)
    return b"\x78\x02" + fields + b"\x28" + _varint(SIZE)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _join(texts: list[bytes]) -> tuple[Bytes, Ints]:
    heads = np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)
    return np.frombuffer(b"".join(texts), np.uint8), heads


def encode_pieces(pieces: Pieces, told: Properties) -> dict[int, bytes]:
    """Return the tile of each key, in order."""
    tiles, first = np.unique(pieces.tile, return_index=True)
    bounds = np.append(first, len(pieces.tile))
    out, ends = _encode(pieces, bounds, told)
    blob, starts = out.tobytes(), [0, *ends[:-1].tolist()]
    return {
        tile: blob[start:stop]
        for tile, start, stop in zip(tiles.tolist(), starts, ends.tolist(), strict=True)
    }


@kernel
def _encode(pieces: Pieces, bounds: Ints, told: Properties) -> tuple[Bytes, Ints]:
    """Write every tile after the other; return the bytes and where each tile ends."""
    out = np.empty(_bound_size(pieces, bounds, told), np.uint8)
    ends, at = np.empty(len(bounds) - 1, np.int64), 0
    local = np.full(len(told.text_heads), -1, np.int64)  # number of each value in the layer
    used = np.empty(len(told.text_heads), np.int64)
    for row in range(len(bounds) - 1):
        piece, stop = bounds[row], bounds[row + 1]
        while piece < stop:
            layer = np.searchsorted(told.starts, pieces.feature[piece], side="right") - 1
            out[at] = 0x1A
            begin = at + 1
            first, last = told.head_heads[layer], told.head_heads[layer + 1]
            at = _copy(out, begin + _GAP, told.heads, first, last)
            count = 0
            while piece < stop and pieces.feature[piece] < told.starts[layer + 1]:
                last = piece + 1
                while last < stop and pieces.feature[last] == pieces.feature[piece]:
                    last += 1
                start = told.starts[layer]
                count, at = _put_feature(
                    out, at, pieces, piece, last, told, start, local, used, count
                )
                piece = last
            for value in used[:count]:
                at = _copy(out, at, told.texts, told.text_heads[value], told.text_heads[value + 1])
                local[value] = -1
            at = _close_gap(out, begin, at)
        ends[row] = at
    return out[:at].copy(), ends


@routine
def _bound_size(pieces: Pieces, bounds: Ints, told: Properties) -> int:
    """Return more bytes than the tiles can take."""
    size = pieces.heads[-1] * 2 * _GAP
    size += len(bounds) * (told.head_heads[-1] + 64 * len(told.head_heads))
    for feature in pieces.feature:
        size += 64
        for tag in range(told.tags[feature], told.tags[feature + 1]):
            value = told.values[tag]
            size += 2 * _GAP + told.text_heads[value + 1] - told.text_heads[value]
    return size


@routine
def _put_feature(
    out: Bytes, at: int, pieces: Pieces, first: int, last: int, told: Properties, start: int,
    local: Ints, used: Ints, count: int,
) -> tuple[int, int]:  # fmt: skip
    """Write the feature of some pieces; return how many values the layer has now, and the place."""
    row = pieces.feature[first]
    out[at] = 0x12
    begin = at + 1
    at = _put_number(out, begin + _GAP, 0x08, row - start + 1)
    out[at] = 0x12
    inner = at + 1
    at = inner + _GAP
    for tag in range(told.tags[row], told.tags[row + 1]):
        value = told.values[tag]
        if local[value] < 0:
            local[value], used[count] = count, value
            count += 1
        at = _put_varint(out, _put_varint(out, at, told.keys[tag]), local[value])
    at = _close_gap(out, inner, at)
    at = _put_number(out, at, 0x18, pieces.kind[first])
    out[at] = 0x22
    inner = at + 1
    at = inner + _GAP
    x, y = _find_origin(pieces.tile[first])
    for piece in range(first, last):
        at, x, y = _put_piece(out, at, pieces, piece, x, y)
    return count, _close_gap(out, begin, _close_gap(out, inner, at))


@routine
def _find_origin(tile: int) -> tuple[int, int]:
    """Return the north-west corner of a tile."""
    return (tile >> TILE_BITS) << SIZE_BITS, (tile & _ROW_MASK) << SIZE_BITS


@routine
def _put_piece(
    out: Bytes, at: int, pieces: Pieces, piece: int, x: int, y: int
) -> tuple[int, int, int]:
    """Write the commands that draw a piece; return the place, and where the pen is."""
    first, last = pieces.heads[piece], pieces.heads[piece + 1]
    at = _put_varint(out, at, 1 << 3 | _MOVE)
    for corner in range(first, last):
        if corner == first + 1:
            at = _put_varint(out, at, (last - first - 1) << 3 | _LINE)
        dx, dy = pieces.x[corner] - x, pieces.y[corner] - y
        at = _put_varint(out, at, (dx << 1) ^ (dx >> 63))
        at = _put_varint(out, at, (dy << 1) ^ (dy >> 63))
        x, y = pieces.x[corner], pieces.y[corner]
    if pieces.kind[piece] == _RING:
        at = _put_varint(out, at, 1 << 3 | _CLOSE)
    return at, x, y


@routine
def _put_varint(out: Bytes, at: int, number: int) -> int:
    """Write a number in groups of seven bits, the lowest first, as protocol buffers have it."""
    while number > 127:
        out[at] = number & 127 | 128
        number >>= 7
        at += 1
    out[at] = number
    return at + 1


@routine
def _put_number(out: Bytes, at: int, tag: int, number: int) -> int:
    """Write a tag and a number."""
    out[at] = tag
    return _put_varint(out, at + 1, number)


@routine
def _copy(out: Bytes, at: int, texts: Bytes, first: int, last: int) -> int:
    """Copy bytes; places are unsigned, for with signs each could count from the end."""
    to, start = np.uint64(at), np.uint64(first)
    for step in range(np.uint64(last - first)):
        out[to + step] = texts[start + step]
    return at + last - first


@routine
def _close_gap(out: Bytes, begin: int, at: int) -> int:
    """Write the length of what stands behind a gap into it, and move that up to it."""
    size = at - begin - _GAP
    place = _put_varint(out, begin, size)
    for step in range(size):
        out[place + step] = out[begin + _GAP + step]
    return place + size
