r"""Named arrays in one file that any number of processes map into memory and share.

::

    GRIDMAP-INDEX 1\n        what the file is, and the version of this layout
    8 bytes, 4 bytes         length of the header and its CRC-32, little-endian
    header                   JSON: what the arrays are made of, and where each lies
    arrays                   as they are in memory, each from a multiple of 64 bytes on

The file has its name when it is whole. Its pages are read when they are needed, and all processes
on a machine have the same ones.
"""

import json
import mmap
import os
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridmap.errors import IndexFileError
from gridmap.files import write_whole

_MAGIC = b"GRIDMAP-INDEX 1\n"
_LENGTHS = struct.Struct("<QI")
_ALIGNED = 64


def write_arrays(
    path: str | Path, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]
) -> None:
    """Write arrays, and what they are made of, into a file that is whole or not there.

    Parameters
    ----------
    path : path
        The file; one of that name is replaced, and whoever has it open keeps the old one.
    arrays : mapping of str to array
        Numbers of any shape.
    about : mapping
        Anything that JSON holds.
    """
    places: dict[str, dict[str, Any]] = {}
    end = 0
    for name, array in arrays.items():
        places[name] = {"dtype": array.dtype.str, "shape": array.shape, "at": end}
        end = _align(end + array.nbytes)
    header = json.dumps({"about": about, "arrays": places, "size": end}, ensure_ascii=False)
    text = header.encode()
    with write_whole(path) as draft, draft.open("wb") as file:
        file.write(_MAGIC + _LENGTHS.pack(len(text), zlib.crc32(text)) + text)
        start = _align(file.tell())
        for name, array in arrays.items():
            file.seek(start + places[name]["at"])
            file.write(np.ascontiguousarray(array).data)
        file.truncate(start + end)
        file.flush()
        os.fsync(file.fileno())


def open_arrays(path: str | Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Map a file of `write_arrays` into memory: what it is made of, and its arrays.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    IndexFileError
        If it is something else, of another version, or cut short.
    """
    with Path(path).open("rb") as file:
        header, start = _read_header(file, path)
        size = os.fstat(file.fileno()).st_size
        if size != start + header["size"]:
            raise IndexFileError(
                f"{path} has {size} bytes, not {start + header['size']}: it was cut short; delete "
                "it, and it is made again"
            )
        # Private to the process as soon as it writes, which none does: until then pages are shared.
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    arrays = {
        name: np.frombuffer(
            memory, place["dtype"], int(np.prod(place["shape"])), start + place["at"]
        ).reshape(place["shape"])
        for name, place in header["arrays"].items()
    }
    return header["about"], arrays


def _read_header(file: Any, path: str | Path) -> tuple[dict[str, Any], int]:
    """Return the header of a file, and where its arrays begin."""
    begin = file.read(len(_MAGIC) + _LENGTHS.size)
    if begin[: len(_MAGIC)] != _MAGIC:
        kind = "an index of another version" if begin[:13] == _MAGIC[:13] else "no index of gridmap"
        raise IndexFileError(f"{path} is {kind}; delete it, and it is made again")
    if len(begin) == len(_MAGIC) + _LENGTHS.size:
        length, checksum = _LENGTHS.unpack(begin[len(_MAGIC) :])
        text = file.read(min(length, 1 << 30))
        if len(text) == length and zlib.crc32(text) == checksum:
            return json.loads(text), _align(len(begin) + length)
    raise IndexFileError(f"{path} is damaged or cut short; delete it, and it is made again")


def _align(place: int) -> int:
    return -(-place // _ALIGNED) * _ALIGNED
