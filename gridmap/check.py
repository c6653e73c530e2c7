"""What a plan breaks, worst first, with what mends it, and how far it is from the best."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace

import numpy as np
import pandas as pd

from gridmap.fixes import find_fixes
from gridmap.measure import judge_by
from gridmap.partition import Certificate, make_problem, prove
from gridmap.plan import Plan
from gridmap.reports import PlanCertificates, PlanReport, judge_plan
from gridmap.rules import Rules

#: Effort of a proof for each connected part: some seconds for a city.
PLAN_STEPS = 100_000


def check_plan(
    plan: Plan, rules: Rules | None = None, *, certify: bool = False, fixes: bool = True
) -> PlanReport:
    """List what a reviewer would object to, worst first, and what mends it in one step.

    Parameters
    ----------
    plan : Plan
        Any plan, drawn by the engine or by hand.
    rules : Rules, optional
        What to judge by; the plan's own by default.
    certify : bool
        Also say how far the plan is from the best that there can be: `certify_plan` with its
        default effort.
    fixes : bool
        Also look for the step that mends each finding, as `find_fixes` does: some seconds for a
        large city. `apply_fix` performs it.

    Returns
    -------
    PlanReport
        With the plan's figures under the same rules.
    """
    judged = plan if rules is None else judge_by(plan, rules)
    report = judge_plan(judged)
    if fixes:
        report = find_fixes(judged, report)
    return replace(report, certificates=certify_plan(judged)) if certify else report


def certify_plan(
    plan: Plan,
    *,
    steps: int = PLAN_STEPS,
    executor: Executor | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> PlanCertificates:
    """Say for each community and grid how far its balance is from the best that there can be.

    Parameters
    ----------
    plan : Plan
        Any plan, drawn by the engine or by hand. An exclusive zone is one grid of any size, and a
        locked grid stays as it is: what they separate are parts of their own.
    steps : int
        Effort for each connected part of a community; 0 gives a bound in a second or two for a
        whole city, 20,000,000 proves most communities of up to 64 units, in up to a second each.
    executor : Executor, optional
        Runs parts side by side; the answer is the same with any.
    progress : callable, optional
        Called as ``progress("prove", units done, units)``.

    Returns
    -------
    PlanCertificates
    """
    problem = make_problem(plan.units, plan.adjacency)
    labels = plan.grids.index.get_indexer(plan.units["grid_code"])
    found = prove(
        *(problem, labels, plan.rules),
        locked=plan.grids.index.get_indexer(plan.locked),
        steps=steps,
        executor=executor,
        progress=progress,
    )
    communities = plan.units["community_id"].to_numpy()
    return PlanCertificates(_table_parts(found, communities), _table_grids(found, plan.grids.index))


def prove_plan(
    plan: Plan,
    *,
    steps: int = PLAN_STEPS,
    executor: Executor | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> pd.DataFrame:
    """Say for each community how far its balance is from the best that there can be.

    Parameters
    ----------
    plan, steps, executor, progress
        As for `certify_plan`.

    Returns
    -------
    DataFrame
        The ``parts`` of `PlanCertificates`.
    """
    return certify_plan(plan, steps=steps, executor=executor, progress=progress).parts


def _table_parts(found: list[Certificate], communities: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "community_id": [communities[part.units[0]] for part in found],
            "grids": [len(part.grids) for part in found],
            "cost": [part.cost for part in found],
            "bound": [part.bound for part in found],
            "least": [part.least for part in found],
            "other_grids": [part.other.grids if part.other else 0 for part in found],
            "status": [part.status for part in found],
            "worst": [part.worst for part in found],
            "worst_bound": [part.worst_bound for part in found],
            "words": [part.to_text() for part in found],
        }
    )


def _table_grids(found: list[Certificate], codes: pd.Index) -> pd.DataFrame:
    rows = pd.DataFrame(
        [
            (codes[grid], deviation, avoidable, part.status)
            for part in found
            for grid, deviation, avoidable in zip(
                part.grids, part.deviation, part.avoidable, strict=True
            )
        ],
        columns=["grid_code", "deviation", "avoidable", "status"],
    )
    worst = rows["deviation"].abs().sort_values(ascending=False, kind="stable").index
    return rows.loc[worst].drop_duplicates("grid_code").set_index("grid_code").reindex(codes)
