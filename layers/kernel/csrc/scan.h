/* The scan of tiles and of pairs, included by the source of each instruction set, which defines
 *
 *   ROWS                     records of a in a tile
 *   counts                   a type: the overlaps of a tile so far, ROWS by LANES
 *   counts_zero()            no overlap yet
 *   counts_add(counts, rows, stride, block, first, stop)
 *                            adds the overlaps in words first up to stop; record r of a is at
 *                            rows + r * stride, both sides laid out as in tiled.h
 *   counts_reaching(counts, remaining_a, remaining_b, needed)
 *                            the pairs whose overlap and min(remaining_a[r], remaining_b[lane]) together
 *                            are `needed` or more: bit r * LANES + lane
 *   counts_store(counts, overlaps)   as ROWS by LANES integers
 *   pair_overlap(a, b, size) as dk_overlap
 */
#include "tiled.h"

static const uint32_t nothing_remains[LANES];

/* Appends one pair of positions of the two sides, if it is a hit. */
static int append_hit(const tiling *t, size_t row, size_t column, uint32_t overlap, dk_hits *hits)
{
    if (row >= t->a.count || column >= t->b.count)
        return DK_OK; /* padding */
    double score = dk_dice(overlap, t->a.popcounts[row] + t->b.popcounts[column]);
    if (score < t->threshold)
        return DK_OK;
    uint32_t row_a = t->a.first_row + t->a.rows[row], row_b = t->b.first_row + t->b.rows[column];
    return t->swapped ? dk_hits_append(hits, score, row_b, row_a) : dk_hits_append(hits, score, row_a, row_b);
}

/* Appends those of the pairs in `mask` that are hits, by the overlaps of the whole records. */
static int append_counted(const tiling *t, size_t row, size_t column, uint64_t mask, const counts *counted,
                          dk_hits *hits)
{
    uint32_t overlaps[ROWS * LANES];
    counts_store(counted, overlaps);
    for (; mask; mask &= mask - 1) {
        unsigned pair = (unsigned)__builtin_ctzll(mask);
        if (append_hit(t, row + pair / LANES, column + pair % LANES, overlaps[pair], hits))
            return DK_NO_MEMORY;
    }
    return DK_OK;
}

/* The same, looking at their records. */
static int append_looked_at(const tiling *t, size_t row, size_t column, uint64_t mask, dk_hits *hits)
{
    for (; mask; mask &= mask - 1) {
        unsigned pair = (unsigned)__builtin_ctzll(mask);
        size_t at_a = row + pair / LANES, at_b = column + pair % LANES;
        if (at_a >= t->a.count || at_b >= t->b.count)
            continue;
        uint32_t overlap = pair_overlap(t->a.records + t->a.rows[at_a] * t->size,
                                        t->b.records + t->b.rows[at_b] * t->size, t->size);
        if (append_hit(t, at_a, at_b, overlap, hits))
            return DK_NO_MEMORY;
    }
    return DK_OK;
}

/* What is left to do with a tile whose prefix has not ruled out the pairs in `mask`. */
static int finish_tile(const tiling *t, size_t row, size_t column, const uint32_t *rows, size_t stride,
                       const uint32_t *block, uint32_t needed, counts *counted, uint64_t mask,
                       dk_hits *hits)
{
    if (t->prefix < t->words) {
        if ((unsigned)__builtin_popcountll(mask) <= t->few)
            return append_looked_at(t, row, column, mask, hits);
        counts_add(counted, rows, stride, block, t->prefix, t->words);
        mask = counts_reaching(counted, nothing_remains, nothing_remains, needed);
    }
    return append_counted(t, row, column, mask, counted, hits);
}

static int scan(const tiling *t, size_t first_row, size_t stop_row, size_t first_block, size_t stop_block,
                dk_hits *hits)
{
    size_t stride = t->words * PLANES, block_words = stride * LANES;
    for (size_t row = first_row; row < stop_row; row += ROWS) {
        const uint32_t *rows = t->a.words + row * stride;
        for (size_t at = first_block; at < stop_block; at++) {
            size_t column = at * LANES;
            const uint32_t *block = t->b.words + at * block_words;
            counts counted = counts_zero();
            counts_add(&counted, rows, stride, block, 0, t->prefix);
            /* The first records have the fewest bits, and the others hardly more. */
            uint32_t needed = t->least[t->a.popcounts[row] + t->b.popcounts[column]];
            uint64_t mask
                = counts_reaching(&counted, t->a.remaining + row, t->b.remaining + column, needed);
            if (mask && finish_tile(t, row, column, rows, stride, block, needed, &counted, mask, hits))
                return DK_NO_MEMORY;
        }
    }
    return DK_OK;
}

static inline int scan_pairs_of_size(const rectangle *t, size_t size, dk_hits *hits)
{
    for (size_t i = 0; i < t->n; i++) {
        const uint8_t *record = t->a + i * size;
        const uint32_t *least = t->least + t->popcounts_a[i];
        for (size_t j = 0; j < t->m; j++) {
            uint32_t overlap = pair_overlap(record, t->b + j * size, size);
            if (overlap < least[t->popcounts_b[j]])
                continue;
            double score = dk_dice(overlap, t->popcounts_a[i] + t->popcounts_b[j]);
            if (dk_hits_append(hits, score, t->row_a + (uint32_t)i, t->row_b + (uint32_t)j))
                return DK_NO_MEMORY;
        }
    }
    return DK_OK;
}

static int scan_pairs(const rectangle *t, dk_hits *hits)
{
    /* The usual size as a constant lets the compiler unroll the loop over words. */
    return t->size == 128 ? scan_pairs_of_size(t, 128, hits) : scan_pairs_of_size(t, t->size, hits);
}

static void popcounts(const uint8_t *rows, size_t n, size_t size, uint32_t *counted)
{
    for (size_t i = 0; i < n; i++)
        counted[i] = pair_overlap(rows + i * size, rows + i * size, size);
}
