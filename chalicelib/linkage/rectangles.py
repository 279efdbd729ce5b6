"""Rectangles of rows: what is compared, cut to the size that somebody wants. No numpy here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

Rectangle = tuple[int, int, int, int]
"""(start_a, stop_a, start_b, stop_b): all rows of one range against all of another, stops exclusive."""

# What a rectangle costs besides its comparisons, as a number of them: some 2.5 µs.
RECTANGLE_COST = 500


def area(rectangle: Rectangle) -> int:
    """How many comparisons it is."""
    start_a, stop_a, start_b, stop_b = rectangle
    return (stop_a - start_a) * (stop_b - start_b)


def closed_up(rectangles: Iterable[Rectangle]) -> Iterator[Rectangle]:
    """The same rectangles where only their rows are kept, those of one after those of another."""
    row_a = row_b = 0
    for start_a, stop_a, start_b, stop_b in rectangles:
        end_a, end_b = row_a + stop_a - start_a, row_b + stop_b - start_b
        yield row_a, end_a, row_b, end_b
        row_a, row_b = end_a, end_b


def cost(rectangles: Iterable[Rectangle]) -> int:
    """What comparing them takes, as a number of comparisons."""
    return sum(area(rectangle) + RECTANGLE_COST for rectangle in rectangles)


def split(rectangles: list[Rectangle], comparisons: int) -> tuple[list[Rectangle], list[Rectangle]]:
    """The first ``comparisons`` or somewhat fewer, but not none, and the rest.

    A rectangle that is in the way is cut across its longer side.
    """
    for place, rectangle in enumerate(rectangles):
        if area(rectangle) > comparisons:
            piece, rest = _cut(rectangle, comparisons)
            first = [*rectangles[:place], *([piece] if piece else [])]
            if not first:  # a single row of it is more
                return [rectangle], rectangles[1:]
            return first, [*([rest] if rest else []), *rectangles[place + 1 :]]
        comparisons -= area(rectangle)
    return rectangles, []


def shares(rectangles: list[Rectangle], count: int) -> list[list[Rectangle]]:
    """The same comparisons in at most ``count`` lists of about equal cost, none empty.

    A rectangle that is in the way is cut across its longer side.
    """
    share_cost = cost(rectangles) / max(1, count)
    found: list[list[Rectangle]] = [[]]
    left = share_cost
    for rectangle in rectangles:
        rest: Rectangle | None = rectangle
        while rest is not None and cost([rest]) > left and len(found) < count:
            piece, rest = _cut(rest, int(left) - RECTANGLE_COST)
            if piece is not None:
                found[-1].append(piece)
                left -= cost([piece])
            found.append([])
            left += share_cost
        if rest is not None:
            found[-1].append(rest)
            left -= cost([rest])
    return [share for share in found if share]


def tiles(rectangles: Iterable[Rectangle], rows_a: int, rows_b: int) -> Iterator[Rectangle]:
    """The same comparisons in rectangles of at most ``rows_a`` by ``rows_b`` rows."""
    for rectangle in rectangles:
        start_a, stop_a, start_b, stop_b = rectangle
        if stop_a - start_a <= rows_a and stop_b - start_b <= rows_b:
            yield rectangle
            continue
        for b, a in product(range(start_b, stop_b, rows_b), range(start_a, stop_a, rows_a)):
            yield a, min(a + rows_a, stop_a), b, min(b + rows_b, stop_b)


def _cut(rectangle: Rectangle, comparisons: int) -> tuple[Rectangle | None, Rectangle | None]:
    """About so many comparisons of it, and the rest; None where nothing is left."""
    start_a, stop_a, start_b, stop_b = rectangle
    length_a, length_b = stop_a - start_a, stop_b - start_b
    rows = max(0, comparisons) // max(1, min(length_a, length_b))
    if rows == 0:
        return None, rectangle
    if rows >= max(length_a, length_b):
        return rectangle, None
    if length_a >= length_b:
        edge = start_a + rows
        return (start_a, edge, start_b, stop_b), (edge, stop_a, start_b, stop_b)
    edge = start_b + rows
    return (start_a, stop_a, start_b, edge), (start_a, stop_a, edge, stop_b)
