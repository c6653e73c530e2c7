"""The command line: each command is a verb of the library.

Exit codes, the same for every command: 0 done and nothing to object to; 1 done, with repairs or
objections that the report names; 2 refused: nothing was written, and the error says why.
"""

import sys

import typer
from rich.console import Console

from gridmap.cli import access, cases, flow, hooks, output, registers, rota, staff
from gridmap.errors import GridmapError

app = typer.Typer(
    help="Draw grids for community governance, publish them, find the grid that owns a place.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _group in (flow, output, staff, registers, rota, cases, hooks, access):
    app.add_typer(_group.app)


def main() -> None:
    """Run a command; a refusal is one line on standard error and exit code 2."""
    try:
        app()
    except (GridmapError, OSError) as error:
        console = Console(stderr=True)
        console.print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)
