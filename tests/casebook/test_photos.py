"""Photos: known by content, stripped, never larger than allowed; the position is a hint."""

import io
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from gridmap.casebook.book import Casebook
from gridmap.casebook.photos import read_picture
from gridmap.errors import CasebookError, CaseError, PhotoError, RoleError
from gridmap.incidents.desk import Desk
from gridmap.incidents.model import Actor, Step
from tests.incidents.town import CITIZEN, DISTRICT, SATURDAY, WATER, WORKER, report


def draw(kind: str = "JPEG", *, where: bool = False, size: tuple[int, int] = (40, 30)) -> bytes:
    """Return a picture; ``where`` writes 40°40'12" N, 122°15' E and the owner's name into it."""
    image, out = Image.new("RGB", size, (200, 40, 40)), io.BytesIO()
    image.putpixel((0, 0), (0, 0, 255))
    exif = Image.Exif()
    if where:
        exif[ExifTags.Base.Artist] = "Zhang San"
        exif[ExifTags.Base.Orientation] = 6
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(
            {
                ExifTags.GPS.GPSLatitudeRef: "N",
                ExifTags.GPS.GPSLatitude: (40.0, 40.0, 12.0),
                ExifTags.GPS.GPSLongitudeRef: "E",
                ExifTags.GPS.GPSLongitude: (122.0, 15.0, 0.0),
            }
        )
    image.save(out, kind, **({"exif": exif} if where else {}))
    return out.getvalue()


def test_the_position_is_read_and_nothing_else_survives() -> None:
    """The hint is there; the stored file has neither EXIF nor the owner; the picture is upright."""
    sent = draw(where=True)
    assert b"Zhang San" in sent
    picture = read_picture(sent)
    assert picture.hint == (122.25, 40.67)
    assert b"Zhang San" not in picture.data and b"Exif" not in picture.data
    with Image.open(io.BytesIO(picture.data)) as stored:
        assert stored.format == "JPEG" and not stored.getexif() and stored.size == (30, 40)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_usual_kinds_are_taken_by_content(kind: str) -> None:
    """Whatever the file is called."""
    picture = read_picture(draw(kind))
    assert (picture.width, picture.height, picture.hint) == (40, 30, None)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a photo"),
        (b"%PDF-1.7 this is not a picture", "not a photo"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a photo"),
        (draw("TIFF"), "not a photo"),
        (draw()[:200], "not a photo|damaged"),
        (draw("PNG")[:60], "not a photo|damaged"),
    ],
)
def test_other_files_are_refused(data: bytes, words: str) -> None:
    """No type that a browser would run, nothing cut off."""
    with pytest.raises(PhotoError, match=words):
        read_picture(data)


def test_limits_of_size() -> None:
    """Bytes and pixels; a large picture is stored smaller."""
    with pytest.raises(PhotoError, match=r"bytes; 100 at most"):
        read_picture(draw(), 100)
    with pytest.raises(PhotoError, match="too many"):
        read_picture(draw("GIF", size=(10_000, 6_100)))
    assert read_picture(draw(size=(5120, 64))).width == 2560


def test_a_photo_of_a_case(book: Casebook, tmp_path: Path) -> None:
    """Stored by its hash beside the database, in the log, once; who has no business is refused."""
    number = book.open(report(), CITIZEN).case_id
    sent = draw(where=True)
    case = book.add_photo(number, sent, CITIZEN, at=SATURDAY, key="p")
    assert case.version == 2
    assert book.add_photo(number, sent, WORKER) == case  # the same picture
    [photo] = book.photos_of(number)
    path = book.photo_path(number, photo.sha256)
    assert path.read_bytes() == read_picture(sent).data and path.is_relative_to(tmp_path)
    assert photo.hint == (122.25, 40.67)
    assert dict(book.log(number)[-1].facts) == {"sha256": photo.sha256}
    book.add_photo(number, draw("PNG"), WATER)
    assert len(book.photos_of(number)) == 2
    with pytest.raises(RoleError, match="供电"):
        book.add_photo(number, draw(size=(9, 9)), Actor("department", "p", "供电"))
    with pytest.raises(PhotoError, match="no photo"):
        book.photo_path(number, "../" + "0" * 61)
    with pytest.raises(CaseError, match="verb of its own: add_photo"):
        book.step(number, Step("photo", WORKER))


def test_erasing_takes_the_file_that_no_other_case_has(book: Casebook) -> None:
    """A shared picture stays for the other case."""
    one, two = (book.open(report(), CITIZEN).case_id for _ in range(2))
    for number in (one, two):
        book.add_photo(number, draw(), CITIZEN)
    book.add_photo(one, draw("PNG"), CITIZEN)
    paths = [book.photo_path(one, photo.sha256) for photo in book.photos_of(one)]
    book.erase(one, DISTRICT, photos=True)
    assert book.photos_of(one) == []
    kept = book.photo_path(two, book.photos_of(two)[0].sha256)
    assert [path.exists() for path in paths] == [path == kept for path in paths]
    assert kept.exists() and len(paths) == 2


def test_a_casebook_without_a_folder_says_so(book: Casebook, desk: Desk) -> None:
    """A database by URL has no folder beside it: one is named."""
    book.photos = None
    number = book.open(report(), CITIZEN).case_id
    with pytest.raises(CasebookError, match="name one"):
        book.add_photo(number, draw(), CITIZEN)
