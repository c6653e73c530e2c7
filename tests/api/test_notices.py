"""The public page of a grid: what it tells, what it never tells, and what became of old codes."""

import re
from datetime import date
from urllib.parse import urlsplit

import pytest

from gridmap.store import PlanStore
from tests.api.test_staff import make_staffing, make_workers

DAY = date(2026, 3, 1)


@pytest.fixture(scope="module")
def posted(town, tmp_path_factory):
    """Keep spring with a worker for its first grid; return the folder and the code."""
    store = PlanStore(tmp_path_factory.mktemp("posted"))
    store.keep(town.spring, "spring")
    store.publish("spring", DAY, by="王芳", today=DAY)
    code = str(town.spring.grids.index[0])
    tables = {"workers": make_workers(), "staffing": make_staffing(code)}
    store.keep_staff("spring", tables, DAY, by="王芳", today=DAY)
    return store.folder, code


def test_notice(make_client, posted, town):
    """The page tells grid, community, worker, phone and extent, and shows a map and a code."""
    folder, code = posted
    answer = make_client(folder).get(f"/g/{code}")
    grid = town.spring.grids.loc[code]
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    for words in (
        grid["name"],
        code,
        "王芳",
        "0417-1234567",
        'href="tel:04171234567"',
        "2026年5月1日",
    ):
        assert words in answer.text
    assert re.search(r"东至[^<]+，", answer.text)
    assert answer.text.count("<svg") == 2
    assert "<script" not in answer.text


def test_nothing_private(make_client, posted, town):
    """No household count, no worker's number, no deputy and no branch is in it."""
    folder, code = posted
    text = make_client(folder).get(f"/g/{code}").text
    page = re.sub(r"<svg.*?</svg>", "", text, flags=re.S)
    assert str(town.spring.grids.at[code, "households"]) not in page.replace(code, "")
    for words in ("户", "李强", "w1", "党支部"):
        assert words not in page


def test_english(make_client, posted):
    """In English the words of the page are English, and the link goes back to Chinese."""
    folder, code = posted
    text = make_client(folder).get(f"/g/{code}?lang=en").text
    for words in ("Public notice of a grid", "Grid worker", "Office phone", "east:", "?lang=zh"):
        assert words in text
    assert "网格员" not in text
    assert re.search(r"<span>[a-z]+: [^<]+;</span> <span>", text, re.I)


def test_vacant(make_client, posted, town):
    """A grid without a worker says so instead of nothing."""
    folder, _ = posted
    text = make_client(folder).get(f"/g/{town.spring.grids.index[1]}").text
    assert "暂缺" in text
    assert "tel:" not in text


def test_retired(make_client, town):
    """A retired code answers 410 with a link to each grid that came after it, which works."""
    client = make_client(town.folder, today=lambda: date(2026, 10, 1))
    for code, after in town.autumn.lineage["successors"].items():
        answer = client.get(f"/g/{code}")
        assert answer.status_code == 410
        assert "已撤销" in answer.text
        links = re.findall(r'<li><a href="(\d+)">', answer.text)
        assert links == after.split()
        assert client.get(f"/g/{links[0]}").status_code == 200


@pytest.mark.parametrize("code", ["210802001001999", "no-code", "%3Cb%3E1"])
def test_unknown(client, code):
    """What no plan has is a page for people too, and what was typed stays text."""
    answer = client.get(f"/g/{code}")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "没有编码为" in answer.text
    assert "<b>1" not in answer.text


def test_code_leads_here(client, town):
    """The address beside the code is that of the page, without a language or day."""
    code = town.spring.grids.index[0]
    text = client.get(f"/g/{code}?lang=en").text
    [address] = re.findall(r'<span class="address">([^<]+)</span>', text)
    assert urlsplit(address)[2:4] == (f"/g/{code}", "")


def test_a_notice_may_be_kept(make_client, posted):
    """A phone asks again with the tag; another language, day or worker has another one."""
    folder, code = posted
    client = make_client(folder)
    first = client.get(f"/g/{code}")
    tag = first.headers["ETag"]
    again = client.get(f"/g/{code}", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    others = [client.get(f"/g/{code}?{query}") for query in ("lang=en", "at=2026-05-02")]
    others.append(client.get(f"/g/{code}", headers={"Host": "other.example"}))
    PlanStore(folder).keep_staff(
        "spring",
        {"workers": make_workers(), "staffing": make_staffing(code).iloc[:0]},
        date(2026, 4, 1),
        by="王芳",
        today=date(2026, 4, 1),
    )
    others.append(client.get(f"/g/{code}", headers={"If-None-Match": tag}))
    assert others[-1].status_code == 200
    assert len({tag, *(other.headers["ETag"] for other in others)}) == 5
