"""How kernels are compiled: each once, where it is called from, so that a first call waits less.

By itself numba compiles every function three times: alone, in a wrapper that Python calls and in
one that C calls, each time with all that it calls. Of a chain of ten functions the last is compiled
some thirty times, though nobody but the one above it calls it. So there are two decorators:

*kernel*
    A function that Python calls. It is kept in numba's cache beside its file.
*routine*
    A function that only kernels and routines call. It becomes machine code within the kernels that
    take it in, and is kept with them.

numba's cache watches the file of a kernel alone; here what a kernel takes in from other files
counts as well (`read_sources`), so that after an update nobody runs what was compiled before it.

These are extensions of numba's pipeline ("Customizing the compiler" in its manual).
"""

import hashlib
from collections.abc import Callable, Iterator
from functools import cache
from types import CodeType
from typing import Any, Protocol, TypeVar, cast

import numpy as np
from numba import config, njit
from numba.core import ir, types
from numba.core.caching import FunctionCache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.registry import CPUDispatcher
from numba.core.typed_passes import NativeLowering, NopythonRewrites

F = TypeVar("F", bound=Callable[..., Any])


class Decorator(Protocol):
    """Compiles a function; what comes back is called as the function is."""

    def __call__(self, function: F, /) -> F:
        """Compile it."""


def make_decorators(unsigned: bool = False, **options: Any) -> tuple[Decorator, Decorator]:
    """Make the decorators of kernels and of routines that are compiled alike.

    Parameters
    ----------
    unsigned : bool
        Whether no index counts from the end: see `UnsignedIndices`.
    **options
        What `numba.njit` takes beside ``nogil``, which is always on.

    Returns
    -------
    kernel, routine : callable
        Decorators of a function.
    """
    pipeline = Unsigned if unsigned else None
    within = UnsignedRoutine if unsigned else RoutineCompiler
    alike: dict[str, Any] = {"nogil": True, **options}
    called: dict[str, Any] = {"no_cfunc_wrapper": True, "pipeline_class": pipeline}

    def kernel(function: F) -> F:
        compiled: Any = njit(**called, **alike)(function)
        if not config.DISABLE_JIT:  # type: ignore[attr-defined]
            compiled._cache = _Cache(function)  # type: ignore[no-untyped-call]
        return cast(F, compiled)

    def routine(function: F) -> F:
        if config.DISABLE_JIT:  # type: ignore[attr-defined]
            return function
        options = {"nopython": True, **alike}
        return cast(F, Routine(function, targetoptions=options, pipeline_class=within))

    return kernel, routine


class _Cache(FunctionCache):
    """numba's cache of a kernel, in which what the kernel was compiled from is part of the key."""

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        key = super()._index_key(sig, codegen)  # type: ignore[no-untyped-call]
        return (*key, read_sources(self._py_func))


@cache
def read_sources(function: Callable[..., Any]) -> str:
    """Digest the code of a function and of all compiled functions that it calls, near and far.

    The numbers that they name as globals count, too: numba compiles these in.
    """
    digest, found, waiting = hashlib.blake2b(digest_size=16), {function}, [function]
    while waiting:
        one, names = waiting.pop(), set[str]()
        for code in _list_code(one.__code__):
            constants = [each for each in code.co_consts if not isinstance(each, CodeType)]
            digest.update(code.co_code + repr(constants).encode())
            names.update(code.co_names)
        for name in sorted(names):
            value = one.__globals__.get(name)
            if isinstance(value, int | float | np.generic):
                digest.update(f"{name}={value!r};".encode())
            elif isinstance(value, CPUDispatcher) and value.py_func not in found:
                found.add(value.py_func)
                waiting.append(value.py_func)
    return digest.hexdigest()


def _list_code(code: CodeType) -> Iterator[CodeType]:
    """Give the code of a function, and of those inside it."""
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _list_code(each)


class Routine(CPUDispatcher):
    """A function that numba compiles into the kernels that call it, and that Python cannot call.

    A test that wants to makes a kernel of it: ``kernel(routine.py_func)``.
    """

    def __call__(self, *_: Any, **__: Any) -> Any:
        """Refuse: there is no machine code that Python could call."""
        raise TypeError(
            f"{self.py_func.__qualname__} is a routine of kernels and not compiled for Python; "
            "call it from a kernel, or make it one: kernel(routine.py_func)"
        )

    def _insert(self, *_: Any, **__: Any) -> None:
        """Register nothing with the part of numba that takes calls from Python."""

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """Compile for the types of the arguments; a constant is as good as any of its type."""
        plain = [_forget_value(each) for each in args]
        return super().get_call_template(plain, {k: _forget_value(v) for k, v in kws.items()})


def _forget_value(given: Any) -> Any:
    return types.unliteral(given)  # type: ignore[no-untyped-call]


class _Library(JITCodeLibrary):
    """Keeps the code of a routine for the kernels that link it, which optimise and compile it."""

    def _optimize_final_module(self) -> None:
        """Leave that to the kernel, which optimises all that it took in at once."""

    def _finalize_final_module(self) -> None:
        """Close the library without making machine code of it."""
        self._finalize_dynamic_globals()  # type: ignore[no-untyped-call]
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)  # type: ignore[no-untyped-call]
class RoutineLowering(NativeLowering):
    """Translate a routine to LLVM's code, and tell the callers where it is."""

    _name = "routine_lowering"

    def run_pass(self, state: Any) -> bool:
        """Do what numba's own pass does, without wrappers and machine code."""
        flags, context = state.flags, state.targetctx
        flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
        name = state.func_id.func_qualname
        state.library = _Library(context.codegen(), name)  # type: ignore[no-untyped-call]
        super().run_pass(state)  # type: ignore[no-untyped-call]
        lowered = state["cr"]
        key = lowered.fndesc  # what callers look it up by, in place of an entry for Python
        context.insert_user_function(key, lowered.fndesc, [state.library])
        state["cr"] = lowered._replace(cfunc=key)
        return True


@register_pass(mutates_CFG=False, analysis_only=False)  # type: ignore[no-untyped-call]
class UnsignedIndices(FunctionPass):
    """Take indices into arrays as unsigned, where an item is read or written.

    Python's ``a[-1]`` is the last item, so for every index that is a variable numba compiles a test
    and a choice; in loops that look up neighbours all day these take a sixth of the time. Only for
    kernels that have no such index: what may be -1 is tested first.
    """

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


class _Compiler(CompilerBase):
    """numba's own pipeline, with the passes of this module that are asked for."""

    unsigned = False
    within = False

    def define_pipelines(self) -> list[Any]:
        """Give the one pipeline."""
        builder: Any = DefaultPassBuilder.define_nopython_pipeline(  # type: ignore[no-untyped-call]
            self.state
        )
        if self.unsigned:
            builder.add_pass_after(UnsignedIndices, NopythonRewrites)
        if self.within:
            builder.passes = [
                (RoutineLowering if each is NativeLowering else each, name)
                for each, name in builder.passes
            ]
        builder.finalize()
        return [builder]


class Unsigned(_Compiler):
    """Compiles a kernel whose indices never count from the end."""

    unsigned = True


class RoutineCompiler(_Compiler):
    """Compiles a routine."""

    within = True


class UnsignedRoutine(_Compiler):
    """Compiles a routine whose indices never count from the end."""

    unsigned = within = True


#: For kernels that make arrays of their own.
kernel, routine = make_decorators()
