"""A page of features and what is said of it; the route and the express write it alike."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from api.caching import cache_headers, make_tag
from api.collections import Collection
from api.ogc import CRS84, GEOJSON, JSON, link
from api.shelf import InForce

#: Features of a page: by default, and at most.
PAGE, MOST = 1_000, 10_000


@dataclass(frozen=True)
class Page:
    """Which page of which features.

    Parameters
    ----------
    base : str
        Address of the service, without a slash at its end.
    collection : Collection
        What the features are of.
    given : mapping of str to str
        The parameters of the request.
    offset, limit : int
        The first feature, and how many at most.
    """

    base: str
    collection: Collection
    given: Mapping[str, str]
    offset: int
    limit: int

    def cut(self, found: Sequence[int]) -> Sequence[int]:
        """Return the positions that are on the page, of all that were found."""
        return found[self.offset : self.offset + self.limit]

    def write(self, texts: Sequence[str], found: int) -> tuple[bytes, str]:
        """Return the page, of features as JSON, and its ``Link`` header."""
        links = self._link(found)
        head = json.dumps(
            {
                "type": "FeatureCollection",
                "numberMatched": found,
                "numberReturned": len(texts),
                "links": links,
            },
            ensure_ascii=False,
        )
        header = [f'<{one["href"]}>; rel="{one["rel"]}"; type="{one["type"]}"' for one in links]
        return f'{head[:-1]},"features":[{",".join(texts)}]}}'.encode(), ", ".join(header)

    def _link(self, found: int) -> list[dict[str, Any]]:
        here = f"{self.base}/collections/{self.collection.id}"
        items, after = f"{here}/items", self.offset + self.limit
        links = [
            link(with_query(items, self.given), "self", GEOJSON, "This page"),
            link(here, "collection", JSON, self.collection.title),
        ]
        if after < found:
            address = with_query(items, self.given, offset=after)
            links.append(link(address, "next", GEOJSON, "Next page"))
        if self.offset:
            address = with_query(items, self.given, offset=max(self.offset - self.limit, 0))
            links.append(link(address, "prev", GEOJSON, "Page before"))
        return links


def with_query(address: str, given: Mapping[str, str], *, offset: int | None = None) -> str:
    """Return an address with parameters, from another feature on where one is given."""
    told = dict(given) if offset is None else {**given, "offset": str(offset)}
    return f"{address}?{urlencode(told)}" if told else address


def tag_items(
    collection: Collection, in_force: InForce, stamp: int, *parts: object, crs: str = CRS84
) -> dict[str, str]:
    """Return what lets a client keep an answer; those for the office are not kept.

    Parameters
    ----------
    collection : Collection
        What is told.
    in_force : InForce
        Of which plan.
    stamp : int
        Of what is kept beside the plan, where that is told.
    *parts : object
        What makes this question another than the next.
    crs : str
        URI of the system of the answer.
    """
    tag = make_tag(*parts, collection.id, in_force.plan.name, stamp)
    # What is kept beside a plan changes without a publication: there is no day of it.
    changed = None if collection.internal or stamp else in_force.changed
    headers = {**cache_headers(tag, changed), "Content-Crs": f"<{crs}>"}
    return {**headers, "Cache-Control": "no-store"} if collection.internal else headers
