"""The font that is carried along has what Chinese places are called."""

from gridmap.maps.fonts import font_path, known_characters, printable


def test_it_is_a_file_of_a_package() -> None:
    """The font comes from an installed package under the Open Font Licence."""
    path = font_path()
    assert path.name == "NotoSansSC-Regular.ttf"
    assert "SIL OPEN FONT LICENSE" in (path.parent / "OFL.txt").read_text().upper()


def test_it_has_every_usual_character() -> None:
    """All of GB 2312 and the 20,902 of the first Unicode block, and what maps print."""
    gb2312 = "".join(
        bytes([high, low]).decode("gb2312", errors="ignore")
        for high in range(0xB0, 0xF8)
        for low in range(0xA1, 0xFF)
    )
    basic = "".join(map(chr, range(0x4E00, 0x9FA6)))
    for text in (gb2312, basic, "±−·–—…①㎡〓"):
        assert printable(text) == text
    assert len(known_characters()) == 30_890
