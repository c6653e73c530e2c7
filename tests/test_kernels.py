"""Warming up leaves no kernel to compile for the first user; each says what it does."""

import ast
import re
from pathlib import Path

from gridmap.cells import answer_point, answer_points, own_points
from gridmap.kernels import warm_up

#: What says how long a kernel takes.
KNOWN = re.compile(r"O\(|[Nn]ear (linear|constant)|[Ss]ee `|costs what `")


def test_the_locator_is_compiled() -> None:
    """After it, the kernels that answer users have been compiled or loaded."""
    warm_up()
    for kernel in (answer_point, answer_points, own_points):
        assert kernel.signatures


def list_kernels(path: Path) -> list[ast.FunctionDef]:
    """Return the functions of a module that are compiled."""
    marks = ("kernel", "routine")
    return [
        each
        for each in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(each, ast.FunctionDef)
        and any(ast.unparse(one).split(".")[-1] in marks for one in each.decorator_list)
    ]


def test_every_kernel_says_what_it_does() -> None:
    """Each has a docstring; in the engine one that loops says how long, or what says so for it."""
    count = 0
    for path in sorted((Path(__file__).parents[1] / "gridmap").rglob("*.py")):
        for kernel in list_kernels(path):
            count += 1
            words = ast.get_docstring(kernel) or ""
            assert words, f"{path}: {kernel.name}"
            loops = any(isinstance(each, ast.For | ast.While) for each in ast.walk(kernel))
            if loops and "partition" in path.parts:
                assert KNOWN.search(words), f"{path}: {kernel.name}"
    assert count > 200
