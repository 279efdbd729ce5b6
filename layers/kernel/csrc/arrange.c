/* Records sorted by popcount, with their bits in another order, in rows or in blocks. */
#include "arrange.h"

#include <stdlib.h>

enum { CACHE_LINE = 64 }; /* bytes; a vector of a block that lay across two of them would take two loads */
enum { GROUP = 64 }; /* records arranged at once at most: their bits transpose in squares of 64 */

static void find_range(side *side, const uint32_t *popcounts)
{
    side->fewest = side->most = popcounts[0];
    for (size_t i = 1; i < side->count; i++) {
        side->fewest = popcounts[i] < side->fewest ? popcounts[i] : side->fewest;
        side->most = popcounts[i] > side->most ? popcounts[i] : side->most;
    }
}

/* Fills rows, popcounts and starts by a counting sort, which keeps the order of equal popcounts. */
static void sort_by_popcount(side *side, const uint32_t *popcounts)
{
    size_t different = side->most - side->fewest + 1;
    uint32_t *next = side->starts + 1; /* of each popcount; it ends as the start of the one after it */
    memset(side->starts, 0, (different + 1) * sizeof *side->starts);
    for (size_t i = 0; i < side->count; i++)
        next[popcounts[i] - side->fewest]++;
    uint32_t start = 0;
    for (size_t p = 0; p < different; p++) {
        uint32_t equal = next[p];
        next[p] = start;
        start += equal;
    }
    for (size_t i = 0; i < side->count; i++)
        side->rows[next[popcounts[i] - side->fewest]++] = (uint32_t)i;
    for (size_t i = 0; i < side->padded; i++) {
        size_t like = i < side->count ? i : side->count - 1;
        side->rows[i] = side->rows[like];
        side->popcounts[i] = popcounts[side->rows[like]];
    }
}

size_t first_with(const side *side, size_t popcount)
{
    if (popcount <= side->fewest)
        return 0;
    return popcount > side->most ? side->count : side->starts[popcount - side->fewest];
}

/* The 4 bytes at `address`, which need no alignment. */
static inline uint32_t load32(const uint8_t *address)
{
    uint32_t word;
    memcpy(&word, address, sizeof word);
    return word;
}

/* Transposes 64 by 64 bits: bit j of word i goes to bit i of word j (Hacker's Delight, 7-3). */
static void transpose_bits(uint64_t *square)
{
    uint64_t mask = 0x00000000ffffffff;
    for (unsigned width = 32; width; width >>= 1, mask ^= mask << width)
        for (unsigned start = 0; start < 64; start += 2 * width)
            for (unsigned i = start; i < start + width; i++) {
                uint64_t moved = (square[i] >> width ^ square[i + width]) & mask;
                square[i] ^= moved << width;
                square[i + width] ^= moved;
            }
}

/* How many records of the group from `position` there are, with the padding: whole blocks. */
static size_t group_records(const side *side, size_t position)
{
    return side->padded - position < GROUP ? side->padded - position : GROUP;
}

/* The record at a position; padding has no bit. */
static const uint8_t *record_at(const side *side, size_t position, size_t size)
{
    static const uint8_t padding[DK_MAX_SIZE];
    return position < side->count ? side->records + side->rows[position] * size : padding;
}

/* Copies the records from `position` to `group`, (GROUP, size / 8) words of 64 bits, and reorders their bits;
 * `columns` is as large as the group. */
static void reorder_bits(const side *side, size_t position, size_t size, const uint32_t *bit_order,
                         uint64_t *group, uint64_t *columns)
{
    size_t words = size / 8;
    for (size_t r = 0; r < group_records(side, position); r++)
        memcpy(group + r * words, record_at(side, position + r, size), size);
    for (size_t w = 0; w < words; w++) {
        for (size_t r = 0; r < GROUP; r++)
            columns[w * GROUP + r] = group[r * words + w];
        transpose_bits(columns + w * GROUP);
    }
    for (size_t w = 0; w < words; w++) {
        uint64_t square[GROUP];
        for (size_t i = 0; i < GROUP; i++)
            square[i] = columns[bit_order[w * GROUP + i]];
        transpose_bits(square);
        for (size_t r = 0; r < GROUP; r++)
            group[r * words + w] = square[r];
    }
}

/* Side a: a row of words; the second plane is shifted only, since side b masks. */
static void store_row(side *side, size_t position, size_t size, unsigned planes, const uint8_t *record)
{
    uint32_t *row = side->words + position * (size / 4) * planes;
    if (planes == 1) {
        memcpy(row, record, size);
        return;
    }
    for (size_t w = 0; w < size / 4; w++) {
        uint32_t word = load32(record + 4 * w);
        row[2 * w] = word;
        row[2 * w + 1] = word >> 4;
    }
}

/* Side b: a lane of a block of LANES records. */
static void store_lane(side *side, size_t position, size_t size, unsigned planes, const uint8_t *record)
{
    size_t words = size / 4;
    uint32_t *lane = side->words + position / LANES * words * planes * LANES + position % LANES;
    if (planes == 1) {
        for (size_t w = 0; w < words; w++)
            lane[w * LANES] = load32(record + 4 * w);
        return;
    }
    for (size_t w = 0; w < words; w++) {
        uint32_t word = load32(record + 4 * w);
        lane[2 * w * LANES] = word & 0x0f0f0f0f;
        lane[(2 * w + 1) * LANES] = word >> 4 & 0x0f0f0f0f;
    }
}

/* One allocation for all arrays of a side; DK_OK or DK_NO_MEMORY. */
static int allocate(side *side, size_t words)
{
    size_t starts = side->most - side->fewest + 2;
    size_t bytes = (side->padded * (words + 3) + starts) * sizeof *side->words;
    side->words = aligned_alloc(CACHE_LINE, (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    if (!side->words)
        return DK_NO_MEMORY;
    side->rows = side->words + side->padded * words;
    side->popcounts = side->rows + side->padded;
    side->remaining = side->popcounts + side->padded;
    side->starts = side->remaining + side->padded;
    memset(side->remaining, 0, side->padded * sizeof *side->remaining);
    return DK_OK;
}

int arrange_side(side *side, const uint8_t *records, size_t count, size_t size, const uint32_t *popcounts,
                 const uint32_t *bit_order, unsigned planes, int in_blocks)
{
    side->records = records;
    side->count = count;
    side->padded = (count + LANES - 1) / LANES * LANES;
    find_range(side, popcounts);
    uint64_t *group = bit_order ? calloc(2 * GROUP, size) : NULL;
    if ((bit_order && !group) || allocate(side, size / 4 * planes)) {
        free(group);
        return DK_NO_MEMORY;
    }
    sort_by_popcount(side, popcounts);
    for (size_t position = 0; position < side->padded; position += GROUP) {
        if (bit_order)
            reorder_bits(side, position, size, bit_order, group, group + GROUP * size / 8);
        for (size_t r = 0; r < group_records(side, position); r++) {
            const uint8_t *record = bit_order ? (const uint8_t *)(group + r * (size / 8))
                                              : record_at(side, position + r, size);
            (in_blocks ? store_lane : store_row)(side, position + r, size, planes, record);
        }
    }
    free(group);
    return DK_OK;
}

uint32_t word_of_a(const tiling *tiling, unsigned planes, size_t position, size_t word)
{
    return tiling->a.words[(position * tiling->words + word) * planes];
}

uint32_t word_of_b(const tiling *tiling, unsigned planes, size_t position, size_t word)
{
    size_t row = (position / LANES * tiling->words + word) * planes;
    const uint32_t *words = tiling->b.words + row * LANES + position % LANES;
    return planes == 2 ? words[0] | words[LANES] << 4 : words[0];
}

void count_remaining(tiling *tiling, unsigned planes)
{
    for (size_t i = 0; i < tiling->a.padded; i++) {
        tiling->a.remaining[i] = 0;
        for (size_t w = tiling->prefix; w < tiling->words; w++)
            tiling->a.remaining[i] += (uint32_t)__builtin_popcount(word_of_a(tiling, planes, i, w));
    }
    for (size_t i = 0; i < tiling->b.padded; i++) {
        tiling->b.remaining[i] = 0;
        for (size_t w = tiling->prefix; w < tiling->words; w++)
            tiling->b.remaining[i] += (uint32_t)__builtin_popcount(word_of_b(tiling, planes, i, w));
    }
}

void free_side(side *side)
{
    free(side->words);
}
