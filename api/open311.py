"""Open311 GeoReport v2 in both of its forms: what is told of services and requests, JSON and XML.

GeoReport knows an account of nobody: what it is told is `gridmap.PublicCase`, without words,
position or pictures.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from xml.etree import ElementTree

from fastapi import Response
from starlette.types import Scope

from api.access import Caller, Role
from gridmap.incident_rules import Incidents
from gridmap.incidents.model import STAGE_NAMES, Case, hide_case

PREFIX = "/open311/v2"
Form = Literal["json", "xml"]
_TYPES = {"json": "application/json; charset=utf-8", "xml": "text/xml; charset=utf-8"}
#: What a stage or the end of a case is called.
_NOTES = {"suspended": "挂账", "withdrawn": "撤回"}
#: GeoReport has no 401 and no 422.
_STATUS = {401: 403, 422: 400}
#: A community's part of a grid code.
_COMMUNITY = 12
Row = Mapping[str, Any]


def write_rows(
    form: Form, rows: Sequence[Row], root: str, item: str, *, status: int = 200
) -> Response:
    """Answer with a list of things: in XML the root has one element each."""
    if form == "json":
        body = json.dumps(rows, ensure_ascii=False).encode()
    else:
        tree = ElementTree.Element(root)
        for row in rows:
            _fill(ElementTree.SubElement(tree, item), row)
        body = _print(tree)
    return _answer(form, body, status)


def write_one(form: Form, row: Row, root: str) -> Response:
    """Answer with one thing."""
    if form == "json":
        return _answer(form, json.dumps(row, ensure_ascii=False).encode())
    tree = ElementTree.Element(root)
    _fill(tree, row)
    return _answer(form, _print(tree))


def put_in_form(scope: Scope, problem: Response) -> Response:
    """Return a problem as whoever asks can read it: GeoReport has a form of its own.

    What is not about the body stays as it is: when to come back, what is allowed, the end of the
    connection.
    """
    if not _is_open311(scope):
        return problem
    told = json.loads(bytes(problem.body))
    status = _STATUS.get(problem.status_code, problem.status_code)
    form: Form = "xml" if scope["path"].endswith(".xml") else "json"
    row = {"code": status, "description": told["detail"]}
    answer = write_rows(form, [row], "errors", "error", status=status)
    for name, value in problem.headers.items():
        if name != "www-authenticate":  # it is for a 401
            answer.headers.setdefault(name, value)
    return answer


def describe_services(rules: Incidents) -> list[Row]:
    """Return what can be reported."""
    return [
        {
            "service_code": name,
            "service_name": name,
            "description": category.english or name,
            "metadata": True,
            "type": "realtime",
            "keywords": category.english,
            "group": category.department,
        }
        for name, category in rules.categories.items()
    ]


def define_service(rules: Incidents, code: str) -> Row:
    """Return the definition of a service: nothing is asked, the hours are told."""
    hours = ", ".join(f"{duty} {span:g} h" for duty, span in rules.hours_of(code).items())
    attribute = {
        "variable": False,
        "code": "hours",
        "datatype": "text",
        "required": False,
        "datatype_description": "",
        "order": 1,
        "description": f"{hours} ({rules.clock_of(code)} time)",
        "values": [],
    }
    return {"service_code": code, "attributes": [attribute]}


def describe_request(case: Case, caller: Caller, rules: Incidents) -> Row:
    """Return what is told of a case; its grid to keys that cover it, else its community."""
    hidden = hide_case(case)
    known = caller.role >= Role.VIEWER and caller.covers(hidden.grid_code)
    area = hidden.grid_code if known else hidden.grid_code[:_COMMUNITY]
    return {
        "service_request_id": str(hidden.case_id),
        "status": "open" if hidden.standing in ("open", "suspended") else "closed",
        "status_notes": _NOTES.get(hidden.standing, STAGE_NAMES[hidden.stage]),
        "service_name": hidden.category,
        "service_code": hidden.category,
        "description": None,
        "agency_responsible": f"{hidden.department} {area}".strip(),
        "service_notice": None,
        "requested_datetime": _write_time(hidden.reported_at, rules),
        "updated_datetime": _write_time(hidden.updated_at, rules),
        "expected_datetime": _write_time(hidden.expected_at, rules),
        "address": None,
        "address_id": area or None,
        "zipcode": None,
        "lat": None,
        "long": None,
        "media_url": None,
    }


def describe_endpoint(url: str, changeset: str) -> Row:
    """Return the discovery document."""
    endpoint = {
        "specification": "http://wiki.open311.org/GeoReport_v2",
        "url": url,
        "changeset": changeset,
        "type": "production",
        "formats": ["application/json", "text/xml"],
    }
    return {
        "changeset": changeset,
        "contact": "",
        "key_service": "Keys are given by the office.",
        "endpoints": [endpoint],
    }


def _is_open311(scope: Scope) -> bool:
    """Tell whether a request is one of Open311's, wherever the service is mounted."""
    mount = scope.get("root_path", "").rstrip("/")
    path: str = scope["path"]
    return path.removeprefix(mount).startswith(PREFIX + "/")


def _write_time(moment: datetime, rules: Incidents) -> str:
    return moment.astimezone(rules.zone).isoformat(timespec="seconds")


def _answer(form: Form, body: bytes, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store", "Content-Type": _TYPES[form]}
    return Response(body, status, headers)


def _fill(element: ElementTree.Element, row: Row) -> None:
    """Write a thing's members as elements; a list has one in it for each of its own."""
    for name, value in row.items():
        child = ElementTree.SubElement(element, name)
        if isinstance(value, list):
            for one in value:
                part = ElementTree.SubElement(child, name.removesuffix("s"))
                if isinstance(one, Mapping):
                    _fill(part, one)
                else:
                    part.text = str(one)
        elif isinstance(value, bool):
            child.text = str(value).lower()
        elif value is not None:
            child.text = str(value)


def _print(tree: ElementTree.Element) -> bytes:
    body: bytes = ElementTree.tostring(tree, encoding="utf-8", xml_declaration=True)
    return body
