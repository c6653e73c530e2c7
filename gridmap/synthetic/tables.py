"""Write the tables of a city: communities with codes, named streets, numbered buildings."""

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridmap.codes import rank_positions
from gridmap.synthetic.blocks import Blocks, join_shapes
from gridmap.synthetic.communities import RELUCTANCE, divide, join_borders
from gridmap.synthetic.figures import CRS, Geometries, Ints
from gridmap.synthetic.net import MAIN, Net
from gridmap.synthetic.stock import Stock

_COMMUNITIES_PER_OFFICE = 13

#: District, street offices (街道) in it: code and name (NBS list of 2023-06-30).
_OFFICES = (
    *(
        ("210802", "001", "八田地街道"),
        ("210802", "002", "建丰街道"),
        ("210802", "003", "建设街道"),
    ),
    *(("210802", "004", "跃进街道"), ("210802", "007", "新建街道"), ("210802", "008", "东兴街道")),
    *(("210803", "002", "清华街道"), ("210803", "003", "滨海街道"), ("210803", "004", "得胜街道")),
    *(("210803", "005", "五台子街道"), ("210803", "006", "渔市街道")),
    *(("210811", "001", "老边街道"), ("210804", "001", "红海街道"), ("210804", "002", "海星街道")),
    ("210804", "003", "望海街道"),
)
_FIRST = "兴安永新春怡学银金富惠福康文光华明祥瑞和嘉景"
_SECOND = "盛园府湖民光珠平宁乐泰顺达丰苑林泉源海辰"
_ESTATE_SUFFIXES = ("小区", "花园", "家园", "新村", "嘉园", "名苑", "新城", "佳苑")
_MAIN_ROADS = (
    *(
        "渤海",
        "辽河",
        "新兴",
        "学府",
        "盼盼",
        "东升",
        "金牛山",
        "平安",
        "市府",
        "光华",
        "智泉",
        "昆仑",
    ),
    *(
        "青花",
        "新联",
        "民生",
        "体育馆",
        "营大",
        "清华",
        "得胜",
        "公园",
        "澄湖",
        "新东",
        "滨海",
        "青年",
    ),
)


def table_communities(
    rng: np.random.Generator, blocks: Blocks, community: Ints
) -> gpd.GeoDataFrame:
    """Return the communities in the order of their numbers, coded and named."""
    count = int(community.max()) + 1
    shape = join_shapes(blocks.shape, community)
    office = _group_offices(rng, blocks, community, shape)
    serial = _number_with_gaps(rng, office, shape)
    names = _compose_names(rng, count, ("社区",))
    rows = [_OFFICES[number] for number in office]
    code = [f"{row[0]}{row[1]}{place:03d}" for row, place in zip(rows, serial, strict=True)]
    table = {"code": code, "name": names, "street": [row[2] for row in rows]}
    index = pd.Index(code, name="community_id", dtype=str)
    return gpd.GeoDataFrame(pd.DataFrame(table, index=index), geometry=shape, crs=CRS)


def _group_offices(
    rng: np.random.Generator, blocks: Blocks, community: Ints, shape: Geometries
) -> Ints:
    """Put communities under street offices that are in one piece, west to east."""
    count = len(shape)
    parts = int(np.clip(round(count / _COMMUNITIES_PER_OFFICE), 1, min(count, len(_OFFICES))))
    pairs = community[blocks.pairs]
    apart = pairs[:, 0] != pairs[:, 1]
    cost = RELUCTANCE[blocks.kind[apart]]
    graph = join_borders(np.ones(count), pairs[apart], cost, blocks.length[apart])
    mean = count / parts
    office = divide(rng, graph, np.arange(count), parts, (0.6 * mean, 1.5 * mean + 1))
    middle = shapely.get_coordinates(shapely.centroid(shape))
    west = np.bincount(office, middle[:, 0]) / np.bincount(office)
    return np.argsort(np.argsort(west))[office]


def _number_with_gaps(rng: np.random.Generator, office: Ints, shape: Geometries) -> Ints:
    """Give the communities of each office numbers from north to south, with gaps."""
    middle = shapely.get_coordinates(shapely.centroid(shape))
    bounds = shapely.bounds(shape)
    height = float(np.median(bounds[:, 3] - bounds[:, 1]))
    serial = np.zeros(len(office), np.int64)
    for number in np.unique(office):
        ours = np.flatnonzero(office == number)
        steps = np.cumsum(rng.choice([1, 2, 3], len(ours), p=[0.8, 0.15, 0.05]))
        serial[ours] = steps[rank_positions(middle[ours, 0], middle[ours, 1], height)]
    return serial


def _compose_names(rng: np.random.Generator, count: int, endings: tuple[str, ...]) -> list[str]:
    """Compose ``count`` different names of two characters and an ending."""
    stems = [first + second for first in _FIRST for second in _SECOND]
    stems = [stem for stem in stems if stem[0] != stem[1]]
    pool = [stem + ending for ending in endings for stem in stems]
    rounds = -(-count // len(pool))
    draws = rng.permutation(len(pool))
    names = [pool[place] for place in draws]
    later = [name[:2] + f"第{turn}" + name[2:] for turn in range(2, rounds + 1) for name in names]
    return (names + later)[:count]


def name_roads(rng: np.random.Generator, net: Net) -> dict[tuple[str, int], str]:
    """Name each line of the lattice: 大街 and 街 run west to east, 路 north to south."""
    lines = [("north", line) for line in range(len(net.u.position))]
    lines += [("east", line) for line in range(len(net.v.position))]
    stems = [name[:-1] for name in _compose_names(rng, len(lines), ("街",))]
    main = [_MAIN_ROADS[place] for place in rng.permutation(len(_MAIN_ROADS))]
    names = {}
    for (way, line), stem in zip(lines, stems, strict=True):
        is_main = (net.u if way == "north" else net.v).role[line] == MAIN and bool(main)
        ending = ("大街" if is_main else "街") if way == "east" else "路"
        names[way, line] = (main.pop() if is_main else stem) + ending
    return names


def table_lines(
    net: Net,
    kinds: dict[int, str],
    key: str,
    prefix: str,
    names: dict[tuple[str, int], str] | None,
) -> gpd.GeoDataFrame:
    """Return the lines of some kinds, a row for each stretch of one kind along a lattice line."""
    rows, shapes = [], []
    for way, edges, nodes in (
        ("north", net.north, net.nodes),
        ("east", net.east.T, net.nodes.transpose(1, 0, 2)),
    ):
        for line, first, last in _find_stretches(edges, tuple(kinds)):
            kind = kinds[int(edges[line, first])]
            name = names[way, line] if names else {"river": "清河", "railway": "沈大铁路支线"}[kind]
            rows.append((kind, name))
            shapes.append(shapely.linestrings(nodes[line, first : last + 1]))
    index = pd.Index(
        [f"{prefix}{place + 1:05d}" for place in range(len(rows))], name=key, dtype=str
    )
    table = pd.DataFrame(rows, columns=["kind", "name"], index=index, dtype=str)
    return gpd.GeoDataFrame(table, geometry=shapes, crs=CRS)


def _find_stretches(edges: Ints, kinds: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """Yield line, first and last node of each longest run of edges of one of the kinds."""
    for line, row in enumerate(edges):
        changes = np.flatnonzero(np.diff(row)) + 1
        for first, last in zip([0, *changes], [*changes, len(row)], strict=True):
            if row[first] in kinds:
                yield line, int(first), int(last)


def table_buildings(
    rng: np.random.Generator,
    stock: Stock,
    community: Ints,
    communities: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame,
) -> gpd.GeoDataFrame:
    """Return the buildings by community, numbered, in their compounds."""
    home = community[stock.block]
    order = np.lexsort((np.arange(len(home)), communities.index.to_numpy(object)[home].astype(str)))
    stock, home = stock.pick(order), home[order]
    codes = communities.index.to_numpy(object)[home]
    serial = _count_within(home) + 1
    compound = _name_compounds(rng, stock.plot)
    table = {
        "households": stock.dwellings.astype(np.int64),
        "community_id": codes,
        "compound_id": compound,
        "name": _name_buildings(stock, compound, streets),
        "floors": stock.floors.astype(np.float64),
    }
    ids = [f"{code}B{number:05d}" for code, number in zip(codes, serial, strict=True)]
    index = pd.Index(ids, name="building_id", dtype=str)
    text = dict.fromkeys(("community_id", "compound_id", "name"), str)
    return gpd.GeoDataFrame(
        pd.DataFrame(table, index=index).astype(text), geometry=stock.shape, crs=CRS
    )


def _count_within(groups: npt.ArrayLike) -> Ints:
    """Count the rows of each group from 0, in their order."""
    series = pd.Series(np.asarray(groups))
    return np.asarray(series.groupby(series).cumcount(), np.int64)


def _name_compounds(rng: np.random.Generator, plot: Ints) -> Geometries:
    """Give each walled plot the name of an estate that no other in the city has."""
    plots, place = np.unique(plot, return_inverse=True)
    names = np.array(_compose_names(rng, len(plots), _ESTATE_SUFFIXES), object)
    return np.where(plots == -1, "", names)[place]


def _name_buildings(stock: Stock, compound: Geometries, streets: gpd.GeoDataFrame) -> list[str]:
    """Name buildings: 3号楼 of an estate, else the nearest street and a number on it."""
    middle = shapely.centroid(stock.shape)
    nearest = streets["name"].to_numpy(object)[shapely.STRtree(streets.geometry).nearest(middle)]
    walled = compound != ""
    numbers = _count_within(np.where(walled, compound, nearest)) + 1
    return [
        f"{number}号楼" if inside else f"{road}{number}号"
        for number, inside, road in zip(numbers, walled, nearest, strict=True)
    ]
