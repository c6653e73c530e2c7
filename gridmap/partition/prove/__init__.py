"""How much better could the balance of a plan be? Lower bounds, and proven optima of small parts.

`prove` gives a `Certificate` for each connected part of a community. What is proven is the balance
of the objective, ``balance`` + ``outside`` of `gridmap.partition.objective`: the sum over grids of
``balance_cost``, with as many grids as the plan has there. Three steps, each may settle it:

1. `bounds`, for any size: borders are forgotten, households may be dealt out almost freely. Where
   the plan reaches that bound, it is optimal.
2. `group`, `resplit`: two or three neighbouring grids are joined and cut again in the best way,
   while that helps. This gives a better plan, and with it a narrower band for step 3.
3. `region`, `listing`, `cover`: every connected set that can be a grid of a better plan is listed,
   once, and the best exact cover of the units by such sets is searched, with the duals of the
   linear relaxation as prices; `settle` repeats that until nothing better is left.

Effort is counted in steps: sets listed and covers tried. The same steps, the same certificates.
"""

from gridmap.partition.prove.bounds import bound_balance, bound_worst
from gridmap.partition.prove.certificate import DEFAULT_STEPS, Certificate, prove
from gridmap.partition.prove.improving import improve_small

__all__ = [
    "DEFAULT_STEPS",
    "Certificate",
    "bound_balance",
    "bound_worst",
    "improve_small",
    "prove",
]
