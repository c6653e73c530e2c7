"""Photos of a case: known by their content, stripped of what the camera wrote, kept in a folder.

A photo is decoded and written anew as JPEG: nothing of the file that was sent survives but the
picture. Where the camera noted its position, that is read first, as a hint for the dispatcher; the
public never sees it. Files are named by the SHA-256 of what is stored::

    folder/3f/3f9a….jpg
"""

import hashlib
import io
import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from sqlalchemy import Connection, delete, insert, select

from gridmap.casebook.schema import photos
from gridmap.errors import PhotoError
from gridmap.files import write_whole

#: What is taken, by the names that Pillow gives to contents.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
#: Longest side of what is stored, and most pixels of what is decoded.
_LONGEST, _MOST_PIXELS = 2560, 60_000_000
_QUALITY = 85


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo as it is stored, and where the camera said that it was (WGS-84)."""

    data: bytes
    width: int
    height: int
    hint: tuple[float, float] | None

    @property
    def sha256(self) -> str:
        """The name of the file."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Photo:
    """What is said of a stored photo; ``hint`` is (longitude, latitude) in WGS-84, internal."""

    case_id: int
    sha256: str
    added_at: datetime
    width: int
    height: int
    size: int
    hint: tuple[float, float] | None


def read_picture(data: bytes, most: int = 10_000_000) -> Picture:
    """Decode a photo and write it anew.

    Parameters
    ----------
    data : bytes
        The file as it was sent; its name and declared type do not count.
    most : int
        Bytes that are taken at most.

    Raises
    ------
    PhotoError
        If it is larger, no photo, damaged, or of too many pixels.
    """
    if len(data) > most:
        raise PhotoError(f"the photo has {len(data):,} bytes; {most:,} at most")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata, which is dropped
            return _convert(data)
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise PhotoError("not a photo: JPEG, PNG, WEBP, GIF and BMP are taken") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise PhotoError(f"the photo is damaged: {error}") from error


def _convert(data: bytes) -> Picture:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.width * image.height > _MOST_PIXELS:
            raise PhotoError(f"the photo has {image.width} × {image.height} pixels: too many")
        hint = _read_hint(image)
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((_LONGEST, _LONGEST))
    bare = Image.frombytes("RGB", upright.size, upright.tobytes())  # nothing but its pixels
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return Picture(out.getvalue(), *bare.size, hint)


def _read_hint(image: Image.Image) -> tuple[float, float] | None:
    """Return longitude and latitude of the EXIF data, where they are there and make sense."""
    gps = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    try:
        lat = _degrees(gps[ExifTags.GPS.GPSLatitude], gps[ExifTags.GPS.GPSLatitudeRef] == "S")
        lon = _degrees(gps[ExifTags.GPS.GPSLongitude], gps[ExifTags.GPS.GPSLongitudeRef] == "W")
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    possible = abs(lon) <= 180 and abs(lat) <= 90 and (lon, lat) != (0, 0)
    return (round(lon, 7), round(lat, 7)) if possible else None


def _degrees(parts: Iterable[float], negative: bool) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    size = degrees + minutes / 60 + seconds / 3600
    return -size if negative else size


def find_file(folder: Path, sha256: str) -> Path:
    """Return the file of a photo.

    Raises
    ------
    PhotoError
        If the name is none.
    """
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        raise PhotoError(f"{sha256!r} is no photo")
    return folder / sha256[:2] / f"{sha256}.jpg"


def store_picture(folder: Path, picture: Picture) -> Path:
    """Write a photo and wait for the disk; one that is there already stays."""
    path = find_file(folder, picture.sha256)
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with write_whole(path) as draft, draft.open("wb") as file:
        file.write(picture.data)
        file.flush()
        os.fsync(file.fileno())
    return path


def add_row(connection: Connection, case_id: int, picture: Picture, at: datetime) -> None:
    """Note a photo of a case."""
    lon, lat = picture.hint or (None, None)
    row = {"width": picture.width, "height": picture.height, "size": len(picture.data)}
    place = {"hint_lon": lon, "hint_lat": lat, "added_at": at}
    connection.execute(
        insert(photos), {"case_id": case_id, "sha256": picture.sha256, **row, **place}
    )


def list_rows(connection: Connection, case_id: int) -> list[Photo]:
    """Return the photos of a case, in the order in which they came."""
    statement = select(photos).where(photos.c.case_id == case_id)
    rows = connection.execute(statement.order_by(photos.c.added_at, photos.c.sha256))
    return [
        Photo(
            row.case_id,
            row.sha256,
            row.added_at,
            row.width,
            row.height,
            row.size,
            None if row.hint_lon is None else (row.hint_lon, row.hint_lat),
        )
        for row in rows
    ]


def drop_rows(connection: Connection, case_id: int) -> list[str]:
    """Forget the photos of a case; return those that no other case has."""
    names = [photo.sha256 for photo in list_rows(connection, case_id)]
    connection.execute(delete(photos).where(photos.c.case_id == case_id))
    kept = select(photos.c.sha256).where(photos.c.sha256.in_(names))
    shared = set(connection.execute(kept).scalars())
    return [name for name in names if name not in shared]
