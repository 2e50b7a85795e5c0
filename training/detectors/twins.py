"""Columns that tell the same story, in bundles, so that random trees draw stories and not spellings.

Measures of one matter come in many forms (lowest, mean and winning price; value and deviation). Trees that draw columns
at random draw the matter with most forms most often, which drowns the others where a few dozen labels are all there is.
No label is read: the form that fits a few cases best is mostly the luckiest one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.design import Floats

ALIKE = 0.8
"""Rank correlation (Spearman 1904), of either sign, from which two columns are twins."""
Places = npt.NDArray[np.int64]


def bundles(matrix: Floats, alike: float = ALIKE) -> list[Places]:
    """Places of the columns, twins together: each joins the first column of the bundle that is most like it.

    Constant columns are left out unless all are.

    >>> x = np.array([[1.0, 2.0, 5.0], [2.0, 4.0, 1.0], [3.0, 6.0, 2.0], [4.0, 9.0, 4.0]])
    >>> [one.tolist() for one in bundles(x)]
    [[0, 1], [2]]
    """
    from scipy.stats import rankdata

    varies = np.flatnonzero(matrix.max(axis=0) > matrix.min(axis=0))
    if not len(varies):
        return [np.array([place]) for place in range(matrix.shape[1])]
    ranks = np.asarray(rankdata(matrix[:, varies], axis=0), dtype=float)
    ranks -= ranks.mean(axis=0)
    ranks /= np.sqrt((ranks**2).sum(axis=0))
    together = np.abs(ranks.T @ ranks)
    founders: list[int] = []
    members: list[list[int]] = []
    for column, place in enumerate(varies.tolist()):
        nearest = int(together[column, founders].argmax()) if founders else -1
        if nearest >= 0 and together[column, founders[nearest]] >= alike:
            members[nearest].append(place)
        else:
            founders.append(column)
            members.append([place])
    return [np.asarray(one, dtype=np.int64) for one in members]


def one_of_each(found: Sequence[Places], rng: np.random.Generator) -> Places:
    """One column of each bundle, drawn at random."""
    return np.array([one[rng.integers(len(one))] for one in found], dtype=np.int64)
