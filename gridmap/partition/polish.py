"""Make the small parts of a drawing near-optimal."""

import numpy as np

from gridmap.partition.objective import Weights, make_state, part_cost
from gridmap.partition.problem import Component, Ints
from gridmap.partition.prove.certificate import _cost_balance, find_balanced, settle_balance
from gridmap.partition.prove.resplit import improve_state


def polish_small(component, labels, weights, b1, b2, b3, slack=0.005):
    graph, grids = component.graph, int(labels.max()) + 1
    bal = _cost_balance(graph, labels, grids, weights)
    lab, used = find_balanced(graph, labels, grids, weights, b1)
    if b2:
        lab = settle_balance(graph, lab, grids, weights, b2).labels
    allowed = _cost_balance(graph, lab, grids, weights) * (1 + slack)
    best, least = labels, np.inf
    starts = [lab] + ([labels] if bal <= allowed else [])
    for s in starts:
        state = make_state(graph, s.astype(np.int32), grids, weights)
        if b3:
            improve_state(state, b3, max(b3 // 10, 2000), allowed)
        c = part_cost(state)
        if c < least:
            best, least = state.labels, c
    return best.astype(np.int64)
