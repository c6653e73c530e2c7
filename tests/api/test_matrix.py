"""Who may ask what: every operation of the OpenAPI document under every role."""

import shutil
from datetime import date

import pytest

from gridmap.keys import Role

#: What each operation that is not public needs. An operation that needs a role and is not here, or
#: is here and needs another, fails: who may ask is decided here, not by forgetting.
NEEDS: dict[tuple[str, str], Role] = {
    ("get", "/internal/key"): Role.WORKER,
    ("get", "/internal/grids/{code}"): Role.VIEWER,
    ("get", "/internal/grids/{code}/tasks"): Role.VIEWER,
    ("get", "/internal/visits"): Role.VIEWER,
    ("get", "/internal/cases"): Role.VIEWER,
    ("get", "/internal/cases.csv"): Role.DISPATCHER,
    ("get", "/internal/cases/due"): Role.VIEWER,
    ("get", "/internal/cases/stream"): Role.VIEWER,
    ("get", "/internal/cases/{case_id}"): Role.VIEWER,
    ("get", "/internal/cases/{case_id}/reporter"): Role.DISPATCHER,
    ("post", "/internal/cases/{case_id}/steps"): Role.DISPATCHER,
    ("get", "/internal/departments"): Role.VIEWER,
    ("get", "/internal/figures"): Role.VIEWER,
    ("get", "/internal/screen"): Role.VIEWER,
    ("get", "/internal/workers/{worker_id}/cases"): Role.VIEWER,
    ("get", "/cases/{case_id}/photos/{number}"): Role.DISPATCHER,
    ("get", "/internal/hooks"): Role.ADMIN,
    ("post", "/internal/hooks"): Role.ADMIN,
    ("get", "/internal/hooks/deliveries"): Role.ADMIN,
    ("delete", "/internal/hooks/{number}"): Role.ADMIN,
    ("get", "/internal/locate"): Role.DISPATCHER,
    ("post", "/internal/locate"): Role.DISPATCHER,
    ("get", "/internal/search"): Role.DISPATCHER,
    ("post", "/internal/search"): Role.DISPATCHER,
}
#: What a grid worker's key opens beside that, as far as cases are his own.
OWN = {
    ("get", "/internal/cases/{case_id}"),
    ("post", "/internal/cases/{case_id}/steps"),
    ("get", "/internal/departments"),
    ("get", "/internal/workers/{worker_id}/cases"),
    ("get", "/cases/{case_id}/photos/{number}"),
}
#: Whose paths are open to the public; any other path needs a line above.
PUBLIC = (
    *("/", "/conformance", "/collections", "/grids", "/layers", "/plans", "/health", "/locate"),
    *("/search", "/point", "/area", "/areas", "/code", "/generations", "/generation", "/types"),
    *("/tiles", "/tiles.json", "/tileMatrixSets", "/g", "/cases"),
    "/categories",
)


@pytest.fixture(scope="module")
def operations(town):
    """Return every operation: method, path and what the document says of it."""
    from api.app import create_app

    schema = create_app(town.folder).openapi()
    return [
        (method, path, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


def begins_publicly(path: str) -> bool:
    """Tell whether a path is below one that is open."""
    first = "/" + path.split("/")[1].split("{", maxsplit=1)[0]
    return first in PUBLIC


def test_every_operation_has_a_rule(operations):
    """An operation is public by its path, or its role stands in the table."""
    for method, path, operation in operations:
        role = NEEDS.get((method, path))
        if role is None:
            assert operation["x-role"] == "public", (method, path)
            assert begins_publicly(path), f"{method} {path}: who may? write it into NEEDS or PUBLIC"
        else:
            assert operation["x-role"] == role.word, (method, path)
        assert operation.get("x-or-worker", False) == ((method, path) in OWN), (method, path)
    known = {(method, path) for method, path, _ in operations}
    assert set(NEEDS) <= known, "a rule for what is not there"


def fill(path: str, code: str) -> str:
    """Put something into every parameter of a path."""
    while "{" in path:
        before, _, rest = path.partition("{")
        path = before + code + rest.partition("}")[2]
    return path


def test_every_operation_under_every_role(make_client, town, tmp_path, operations, bearer):
    """Below its role an operation is 401 without a key and 403 with one; from it on neither."""
    folder = shutil.copytree(town.folder, tmp_path / "town")
    options = {"rate": 0, "key_rate": 0, "stream_seconds": 0.1}
    client = make_client(folder, **options, today=lambda: date(2026, 5, 1))
    keys = {role: bearer(folder, role.word) for role in Role if role > Role.WORKER}
    keys |= {Role.PUBLIC: {}, Role.WORKER: bearer(folder, "worker", worker_id="w1")}
    code = town.spring.grids.index[0]
    for method, path, _ in operations:
        needed = NEEDS.get((method, path), Role.PUBLIC)
        for role, headers in keys.items():
            answer = client.request(method, fill(path, code), headers=headers)
            if role == Role.WORKER and (method, path) in OWN:
                assert answer.status_code < 500, (method, path)
                assert '"not-allowed"' not in answer.text, (method, path)
            elif role >= needed:
                assert answer.status_code not in (401, 403), (method, path, role)
                assert answer.status_code < 500, (method, path, role)
            else:
                expected = 401 if role == Role.PUBLIC else 403
                assert answer.status_code == expected, (method, path, role)


def test_a_wrong_key_opens_nothing(make_client, town, operations):
    """A wrong key is refused by every operation, public ones too."""
    client = make_client(town.folder, rate=0, wrong_keys=10_000)
    code = town.spring.grids.index[0]
    for method, path, _ in operations:
        answer = client.request(method, fill(path, code), headers={"X-API-Key": "gm_wrong"})
        assert (answer.status_code, answer.json()["code"]) == (401, "bad-key"), (method, path)
