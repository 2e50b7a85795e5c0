"""The inner loops over isolation tables, compiled by numba on first use and kept on disk.

Imported only by what explains thousands of rows: never on the way of a single one.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

LANES = 12


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def fill(
    values: Any, starts: Any, group_bits: Any, leaf_group: Any, leaf_value: Any, leaf_slots: Any,
    slot: Any, cover: Any, must: Any, must_not: Any,
) -> None:  # fmt: skip
    """Add every leaf's contributions to its group's table, laid out slot by slot, then by pattern."""
    one = np.empty((1 << LANES, LANES))
    share = np.empty(LANES)
    for leaf in range(len(leaf_group)):
        first, group = leaf_slots[leaf], leaf_group[leaf]
        k = leaf_slots[leaf + 1] - first
        share[:k] = cover[first : first + k]
        _leaf_table(one, k, leaf_value[leaf], share)
        patterns = 1 << group_bits[group]
        for pattern in range(patterns):
            hits = 0
            for i in range(k):
                bits, clear = must[first + i], must_not[first + i]
                if pattern & bits == bits and pattern & clear == 0:
                    hits |= 1 << i
            for i in range(k):
                values[starts[group] + slot[first + i] * patterns + pattern] += one[hits, i]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _leaf_table(one: Any, k: int, value: float, share: Any) -> None:
    """Shapley values of one leaf for every pattern of satisfied features.

    phi_i = value (o_i - z_i) sum_s s! (k-1-s)! / k! [t^s] prod_{j != i} (z_j + o_j t), with o_j whether feature j is
    satisfied and z_j the share of rows that go the leaf's way when it is not known.
    """
    weight = np.empty(k)
    if k > 0:
        weight[0] = 1.0 / k
    for s in range(1, k):
        weight[s] = weight[s - 1] * s / (k - s)
    poly = np.empty(k + 1)
    for hits in range(1 << k):
        for i in range(k):
            poly[0], degree = 1.0, 0
            for j in range(k):
                if j == i:
                    continue
                if hits >> j & 1:
                    poly[degree + 1] = poly[degree]
                    for s in range(degree, 0, -1):
                        poly[s] = poly[s] * share[j] + poly[s - 1]
                    poly[0] *= share[j]
                    degree += 1
                else:
                    for s in range(degree + 1):
                        poly[s] *= share[j]
            total = 0.0
            for s in range(degree + 1):
                total += poly[s] * weight[s]
            satisfied = 1.0 if hits >> i & 1 else 0.0
            one[hits, i] = value * (satisfied - share[i]) * total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def explain(
    rows: Any, told: Any, starts: Any, values: Any, bit_feature: Any, bit_low: Any, bit_high: Any, group_bits: Any,
    group_features: Any, feature: Any,
) -> None:  # fmt: skip
    """Add the contributions of a block of rows (features × rows) to `told`, group by group."""
    count = rows.shape[1]
    pattern = np.empty(count, np.int32)
    for group in range(len(starts) - 1):
        first, last = group_bits[group], group_bits[group + 1]
        pattern[:] = 0
        for bit in range(first, last):
            x, low, high = rows[bit_feature[bit]], bit_low[bit], bit_high[bit]
            mark = np.int32(1 << (bit - first))
            for row in range(count):
                pattern[row] |= mark if (x[row] > low) & (x[row] <= high) else np.int32(0)
        size = 1 << (last - first)
        place = starts[group]
        for at in range(group_features[group], group_features[group + 1]):
            table = values[place : place + size]
            out = told[feature[at]]
            for row in range(count):
                out[row] += table[pattern[row]]
            place += size
