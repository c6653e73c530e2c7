"""A compiler of kernels whose indices never count from the end.

Python's ``a[-1]`` is the last item, so for every index that is a variable numba compiles a test and
a choice; in loops that look up neighbours all day these take a sixth of the time. Kernels have no
such index: what may be -1 is tested first. This is one pass more in numba's pipeline ("Customizing
the compiler" in its manual), before code is generated: an index into an array is taken as unsigned.
"""

from typing import Any

from numba.core import ir, types
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.typed_passes import NopythonRewrites


@register_pass(mutates_CFG=False, analysis_only=False)  # type: ignore[no-untyped-call]
class UnsignedIndices(FunctionPass):
    """Take indices into arrays as unsigned, where an item is read or written."""

    _name = "unsigned_indices"

    def __init__(self) -> None:
        FunctionPass.__init__(self)  # type: ignore[no-untyped-call]

    def run_pass(self, state: Any) -> bool:
        """Change the signatures of all such reads and writes; the generator casts to them."""
        changed = False
        for block in state.func_ir.blocks.values():
            for each in _find_items(block):
                signature = state.calltypes[each]
                index = _as_unsigned(signature.args[1])
                if isinstance(signature.args[0], types.Array) and index is not None:
                    args = (signature.args[0], index, *signature.args[2:])
                    del state.calltypes[each]  # it refuses to overwrite
                    state.calltypes[each] = signature.replace(args=args)
                    changed = True
        return changed


def _find_items(block: Any) -> list[Any]:
    """List what reads or writes an item by a variable index."""
    return [*block.find_exprs(op="getitem"), *block.find_insts(ir.SetItem)]


def _as_unsigned(index: Any) -> Any:
    """Give the unsigned type for an index of whole numbers; None for slices and the like."""
    if isinstance(index, types.Integer):
        return types.uintp
    members = getattr(index, "types", ())  # of a tuple
    if members and all(isinstance(one, types.Integer) for one in members):
        return types.UniTuple(types.uintp, len(members))  # type: ignore[no-untyped-call]
    return None


class Unwrapped(CompilerBase):
    """numba's own pipeline, and `UnsignedIndices`."""

    def define_pipelines(self) -> list[Any]:
        """Give the one pipeline."""
        builder: Any = DefaultPassBuilder.define_nopython_pipeline(  # type: ignore[no-untyped-call]
            self.state
        )
        builder.add_pass_after(UnsignedIndices, NopythonRewrites)
        builder.finalize()
        return [builder]
