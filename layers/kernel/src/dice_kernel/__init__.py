"""Exact Dice comparison of bit vectors in C, and what follows it.

``compare`` finds all pairs of two sets of records whose Dice coefficient reaches a threshold,
``compare_rectangles`` those within many small blocks, ``dice_coefficient`` is the same as a similarity
function of anonlink's. Scores are bit for bit anonlink's. ``solve`` makes groups of candidate pairs, those of
anonlink's greedy solver; ``components`` says which pairs can be solved apart.
"""

from __future__ import annotations

from dice_kernel._library import isa
from dice_kernel.choice import Costs, choose, costs, find, tiled_ns
from dice_kernel.comparison import compare, compare_rectangles
from dice_kernel.index_join import index_join, part_count
from dice_kernel.similarity import dice_coefficient
from dice_kernel.solving import Components, components, components_of_candidates, solve, solve_candidates

__all__ = [
    "Components",
    "Costs",
    "choose",
    "compare",
    "compare_rectangles",
    "components",
    "components_of_candidates",
    "costs",
    "dice_coefficient",
    "find",
    "index_join",
    "isa",
    "part_count",
    "solve",
    "solve_candidates",
    "tiled_ns",
]
