/* Arranging records for the scan of tiles: arrange.c sorts and lays them out, prefix.c finds by sampling
 * what lets most tiles be dropped soonest. */
#ifndef DK_ARRANGE_H
#define DK_ARRANGE_H

#include "tiled.h"

/* Sorts `count` records, one at least, by popcount, and lays them out as tiled.h says; in blocks if
 * `in_blocks`. Bit i of a record laid out is bit bit_order[i] of the given one, which changes no overlap;
 * NULL keeps them. The bits that remain after the prefix are set to 0, for none; first_row is left alone.
 * DK_OK or DK_NO_MEMORY; free_side either way. */
int arrange_side(side *side, const uint8_t *records, size_t count, size_t size, const uint32_t *popcounts,
                 const uint32_t *bit_order, unsigned planes, int in_blocks);

/* Counts the bits that remain to both sides after the prefix of `tiling`. */
void count_remaining(tiling *tiling, unsigned planes);

/* The first position of a record with `popcount` bits or more. */
size_t first_with(const side *side, size_t popcount);

/* Frees what arrange_side allocated; a side that is all zeros is allowed. */
void free_side(side *side);

/* The 32-bit word `word` of the record at `position` of side a, or of side b. */
uint32_t word_of_a(const tiling *tiling, unsigned planes, size_t position, size_t word);
uint32_t word_of_b(const tiling *tiling, unsigned planes, size_t position, size_t word);

/* An order of bits, (8 * size), in which unrelated records lose possible overlap soonest, by a sample of
 * both sides; neither is empty. DK_OK or DK_NO_MEMORY. */
int find_bit_order(const uint8_t *a, size_t n, const uint8_t *b, size_t m, size_t size, uint32_t *bit_order);

/* Sets the prefix of `tiling`, and how few pairs it must leave to be looked at one by one, to what takes
 * the least time on a sample of tiles. */
void choose_prefix(tiling *tiling, const scanner *scanner);

#endif
