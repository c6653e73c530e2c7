"""Party branches: every grid covered, large grids divided, weak ones joined, proven best.

::

    form                 form_branches: the steps in their order
      ground             members of each grid; grids with too many are divided by building
      community          which grids share a branch, community by community, exactly
      naming             ids that go on, names as offices write them
      groups             party groups
      output, reasons    the tables, and why each row is so
      leaders            who is the secretary
    result               Branches: the tables as one value

The rules are those of the 支部工作条例; every threshold is a setting of `gridmap.rules.Party`.
"""

from gridmap.staff.branches.form import form_branches
from gridmap.staff.branches.leaders import find_leaders
from gridmap.staff.branches.result import Branches

__all__ = ["Branches", "find_leaders", "form_branches"]
