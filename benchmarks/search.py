"""What people type, and whether the search finds what they mean, on a city of 2,157 grids.

    python benchmarks/search.py [--json FILE] [--grids 2157] [--count 150]

So many blocks of compounds and houses of roads are drawn at random and typed in every form
(`tests/search/forms.py`): by community, by compound, in full, abbreviated, with a home, with a
slip, in pinyin … A line for each form says how often what was meant came first; others how often
the search was sure of something else, and the CPU that a search takes. The plan itself is drawn
without effort: what is searched are names.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests know how people type
sys.path.insert(0, str(Path(__file__).parent))

from report import make_bar, make_limit, make_parser, report  # the script beside this one

from gridmap import draw_plan, make_city
from gridmap.search import SearchIndex, search, write_index
from gridmap.search.entries import list_entries
from tests.search.forms import list_typed, measure

#: Forms in which nothing is wrong and nothing is left out that another building may have, too.
WHOLE = ("community", "office, community", "compound", "address", "number", "home", "road")
LEAST = 0.98
MOST_MS = 20


def main() -> None:
    """Run, print, and write the bars."""
    parser = make_parser(__doc__)
    parser.add_argument("--grids", type=int, default=2157)
    parser.add_argument("--count", type=int, default=150, help="blocks, and houses")
    options = parser.parse_args()
    plan = draw_plan(make_city(options.grids), steps=0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "city.search.sqlite"
        write_index(plan, path, fingerprint="city")
        typed = list_typed(list_entries(plan), options.count)
        index = SearchIndex(path)
        search(index, "a")  # reads the dictionary of sounds
        begun = time.process_time()
        rates = measure(index, typed)
        took = 1000 * (time.process_time() - begun) / len(typed)
    bars = []
    for form, rate in rates.items():
        share, least = rate.first / rate.asked, 1.0 if form in WHOLE else LEAST
        goal = "all" if form in WHOLE else f">= {LEAST:g}"
        bars.append(make_bar(f"first, {form}", share, goal=goal, met=share >= least))
    wrong = sum(rate.wrong for rate in rates.values())
    bars.append(make_limit(f"sure of something else, of {len(typed)}", wrong, 0))
    bars.append(make_limit("ms CPU a search", took, MOST_MS))
    report(bars, options.json)


if __name__ == "__main__":
    main()
