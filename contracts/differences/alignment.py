"""Two lists aligned: what stayed, moved, came, went, or became another."""

from bisect import bisect
from collections import deque
from collections.abc import Sequence, Set

import msgspec

MOST_COMPARED = 250_000
"""Pairs of elements. Longer lists are aligned by what both begin and end with alone."""


class Alignment(msgspec.Struct, frozen=True):
    """Indexes into the list before, and the one after.

    same: pairs of equal elements, in their old order among each other. moved: pairs of equal
    elements that changed it. replaced: pairs of different ones, each in the other's place.
    """

    same: tuple[tuple[int, int], ...] = ()
    moved: tuple[tuple[int, int], ...] = ()
    replaced: tuple[tuple[int, int], ...] = ()
    removed: tuple[int, ...] = ()
    added: tuple[int, ...] = ()

    @property
    def steps(self) -> dict[int, int]:
        """The index after of each element before that is still there, or has a successor."""
        return dict((*self.same, *self.moved, *self.replaced))


def align(before: Sequence[str], after: Sequence[str]) -> Alignment:
    """By a longest common subsequence of their keys, so that one inserted element is one change.

    Of several longest ones it takes the same one in both directions: what is added this way
    round is removed the other.
    """
    if list(before) > list(after):
        return _turned(_aligned(after, before))
    return _aligned(before, after)


def _turned(found: Alignment) -> Alignment:
    return Alignment(
        same=_swapped(found.same),
        moved=_swapped(found.moved),
        replaced=_swapped(found.replaced),
        removed=found.added,
        added=found.removed,
    )


def _swapped(pairs: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted((right, left) for left, right in pairs))


def _aligned(before: Sequence[str], after: Sequence[str]) -> Alignment:
    same = _common(before, after)
    gone = _rest(len(before), {left for left, _ in same})
    come = _rest(len(after), {right for _, right in same})
    moved = _moved(before, after, gone, come)
    gone = _rest(len(before), {left for left, _ in (*same, *moved)})
    come = _rest(len(after), {right for _, right in (*same, *moved)})
    replaced = _replaced(same, gone, come)
    return Alignment(
        same=tuple(same),
        moved=tuple(moved),
        replaced=tuple(replaced),
        removed=tuple(_rest(len(before), {left for left, _ in (*same, *moved, *replaced)})),
        added=tuple(_rest(len(after), {right for _, right in (*same, *moved, *replaced)})),
    )


def _rest(length: int, taken: Set[int]) -> list[int]:
    return [index for index in range(length) if index not in taken]


def _moved(
    before: Sequence[str], after: Sequence[str], gone: Sequence[int], come: Sequence[int]
) -> list[tuple[int, int]]:
    free: dict[str, deque[int]] = {}
    for index in come:
        free.setdefault(after[index], deque()).append(index)
    return [(index, free[before[index]].popleft()) for index in gone if free.get(before[index])]


def _replaced(
    same: Sequence[tuple[int, int]], gone: Sequence[int], come: Sequence[int]
) -> list[tuple[int, int]]:
    """Between two elements that stayed, what went and what came, in order."""
    lefts, rights = (
        _by_gap([pair[side] for pair in same], rest) for side, rest in enumerate((gone, come))
    )
    return [
        pair
        for gap, indexes in lefts.items()
        for pair in zip(indexes, rights.get(gap, ()), strict=False)
    ]


def _by_gap(stayed: Sequence[int], rest: Sequence[int]) -> dict[int, list[int]]:
    """The rest, by how many that stayed lie before each."""
    found: dict[int, list[int]] = {}
    for index in rest:
        found.setdefault(bisect(stayed, index), []).append(index)
    return found


def _common(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int]]:
    """The pairs of a longest common subsequence, ascending. What both begin and end with is paired
    first: most lists differ in one place.
    """
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    left, right = before[start : len(before) - end], after[start : len(after) - end]
    middle = [(start + i, start + j) for i, j in _longest(left, right)]
    tail = [(len(before) - each, len(after) - each) for each in range(end, 0, -1)]
    return [*((each, each) for each in range(start)), *middle, *tail]


def _longest(left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int]]:
    if len(left) * len(right) > MOST_COMPARED:
        return []
    lengths = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in reversed(range(len(left))):
        for j in reversed(range(len(right))):
            lengths[i][j] = (
                lengths[i + 1][j + 1] + 1
                if left[i] == right[j]
                else max(lengths[i + 1][j], lengths[i][j + 1])
            )
    pairs, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        if left[i] == right[j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif lengths[i + 1][j] >= lengths[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs
