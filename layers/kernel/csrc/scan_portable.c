/* Tiles in plain C, in loops over lanes that compilers turn into whatever vectors there are. */
#include "tiled.h"

#define ROWS 2
#define PLANES 1

enum { BYTE_WORDS = 31 }; /* words that a counter of a byte can take: 8 bits each */

typedef struct {
    uint32_t rows[ROWS][LANES];
} counts;

static inline counts counts_zero(void)
{
    return (counts){{{0}}};
}

/* The number of bits set in each of the four bytes. */
static inline uint32_t count_bytes(uint32_t word)
{
    word -= word >> 1 & 0x55555555;
    word = (word & 0x33333333) + (word >> 2 & 0x33333333);
    return (word + (word >> 4)) & 0x0f0f0f0f;
}

/* Adds at most BYTE_WORDS words of one record of a. */
static inline void add_words(uint32_t *sums, const uint32_t *row, const uint32_t *block, size_t words)
{
    uint32_t bytes[LANES] = {0};
    for (size_t w = 0; w < words; w++)
        for (int lane = 0; lane < LANES; lane++)
            bytes[lane] += count_bytes(row[w] & block[w * LANES + lane]);
    for (int lane = 0; lane < LANES; lane++) {
        uint32_t pairs = (bytes[lane] & 0x00ff00ff) + (bytes[lane] >> 8 & 0x00ff00ff);
        sums[lane] += (pairs & 0xffff) + (pairs >> 16);
    }
}

static inline void counts_add(counts *counted, const uint32_t *rows, size_t stride, const uint32_t *block,
                              size_t first, size_t stop)
{
    for (size_t w = first; w < stop; w += BYTE_WORDS) {
        size_t words = stop - w < BYTE_WORDS ? stop - w : BYTE_WORDS;
        for (int r = 0; r < ROWS; r++)
            add_words(counted->rows[r], rows + r * stride + w, block + w * LANES, words);
    }
}

static inline uint64_t counts_reaching(const counts *counted, const uint32_t *remaining_a,
                                       const uint32_t *remaining_b, uint32_t needed)
{
    uint64_t mask = 0;
    for (int r = 0; r < ROWS; r++)
        for (int lane = 0; lane < LANES; lane++) {
            uint32_t gain = remaining_a[r] < remaining_b[lane] ? remaining_a[r] : remaining_b[lane];
            mask |= (uint64_t)(counted->rows[r][lane] + gain >= needed) << (LANES * r + lane);
        }
    return mask;
}

static inline void counts_store(const counts *counted, uint32_t *overlaps)
{
    memcpy(overlaps, counted->rows, sizeof counted->rows);
}

#define pair_overlap dk_overlap

#include "scan.h"

const scanner dk_scan_portable = {ROWS, PLANES, 1 << 20, 5.0, 1.5, 1.0, scan, scan_pairs, popcounts};
