/* Finding the prefix after which most tiles can be dropped, and the order of bits that makes it short. */
#include "arrange.h"

#include <stdlib.h>

enum {
    SAMPLED_RECORDS = 512, /* of each side */
    MIN_TILES = 16,        /* sampled, and at most */
    MAX_TILES = 256,
    PAIRS_PER_TILE = 1 << 17, /* compared for each tile that is sampled: some 0.1 per cent of the time */
    MAX_WORDS = DK_MAX_SIZE / 4,
};

/* Adds 1 to counts[i] for each bit i that is set in each of some records spread over all. */
static size_t count_bits(const uint8_t *records, size_t n, size_t size, uint32_t *counts)
{
    size_t step = n < SAMPLED_RECORDS ? 1 : n / SAMPLED_RECORDS, sampled = 0;
    for (size_t i = 0; i < n && sampled < SAMPLED_RECORDS; i += step, sampled++)
        for (size_t w = 0; w < size / 8; w++)
            for (uint64_t left = dk_load64(records + i * size + 8 * w); left; left &= left - 1)
                counts[64 * w + (unsigned)__builtin_ctzll(left)]++;
    return sampled;
}

typedef struct {
    double gain;
    uint32_t bit;
} ranked_bit;

static int larger_gain_first(const void *left, const void *right)
{
    const ranked_bit *one = left, *other = right;
    if (one->gain != other->gain)
        return one->gain > other->gain ? -1 : 1;
    return one->bit < other->bit ? -1 : 1;
}

typedef struct {
    uint32_t counts_a[8 * DK_MAX_SIZE], counts_b[8 * DK_MAX_SIZE];
    ranked_bit ranked[8 * DK_MAX_SIZE];
} ranking;

int find_bit_order(const uint8_t *a, size_t n, const uint8_t *b, size_t m, size_t size, uint32_t *bit_order)
{
    ranking *found = calloc(1, sizeof *found);
    if (!found)
        return DK_NO_MEMORY;
    double sampled_a = (double)count_bits(a, n, size, found->counts_a);
    double sampled_b = (double)count_bits(b, m, size, found->counts_b);
    for (uint32_t i = 0; i < 8 * size; i++) {
        /* Seeing the bit takes it from what the records have left, and adds what they have in common. */
        double share_a = found->counts_a[i] / sampled_a, share_b = found->counts_b[i] / sampled_b;
        found->ranked[i] = (ranked_bit){(share_a + share_b) / 2 - share_a * share_b, i};
    }
    qsort(found->ranked, 8 * size, sizeof *found->ranked, larger_gain_first);
    for (uint32_t i = 0; i < 8 * size; i++)
        bit_order[i] = found->ranked[i].bit;
    free(found);
    return DK_OK;
}

/* left[w] += 1 for each w up to where the first w words of the two records still let them be a hit. */
static void count_pair(const tiling *t, unsigned planes, size_t row, size_t column, uint32_t needed,
                       uint32_t *left)
{
    uint32_t remaining_a = t->a.popcounts[row], remaining_b = t->b.popcounts[column], overlap = 0;
    for (size_t w = 0; w < t->words; w++) {
        uint32_t word_a = word_of_a(t, planes, row, w), word_b = word_of_b(t, planes, column, w);
        uint32_t possible = overlap + (remaining_a < remaining_b ? remaining_a : remaining_b);
        if (possible < needed)
            return;
        left[w]++;
        overlap += (uint32_t)__builtin_popcount(word_a & word_b);
        remaining_a -= (uint32_t)__builtin_popcount(word_a);
        remaining_b -= (uint32_t)__builtin_popcount(word_b);
    }
}

/* Adds to costs[w] what the tile takes with a prefix of w words, in the time of a word. */
static void add_costs(const tiling *t, const scanner *scanner, size_t row, size_t column, double *costs)
{
    uint32_t left[MAX_WORDS + 1] = {0};
    uint32_t needed = t->least[t->a.popcounts[row] + t->b.popcounts[column]];
    for (size_t r = 0; r < scanner->rows; r++)
        for (size_t lane = 0; lane < LANES; lane++)
            count_pair(t, scanner->planes, row + r, column + lane, needed, left);
    for (size_t w = 1; w < t->words; w++) {
        double one_by_one = left[w] * scanner->pair_cost;
        double rest = (double)(t->words - w) + scanner->test_cost;
        costs[w] += (double)w + scanner->test_cost;
        if (left[w])
            costs[w] += scanner->surprise_cost + (one_by_one < rest ? one_by_one : rest);
    }
    costs[t->words] += (double)t->words + scanner->test_cost;
}

/* Number `i` of a sequence that spreads evenly over 0 up to `range`: fractions of multiples of a ratio. */
static size_t spread(size_t i, double ratio, size_t range)
{
    double multiple = (double)i * ratio;
    return (size_t)((multiple - (double)(size_t)multiple) * (double)range);
}

void choose_prefix(tiling *t, const scanner *scanner)
{
    size_t tiles_a = t->a.count / scanner->rows, tiles_b = t->b.count / LANES;
    size_t tiles = t->a.count * t->b.count / PAIRS_PER_TILE;
    tiles = tiles < MIN_TILES ? MIN_TILES : tiles > MAX_TILES ? MAX_TILES : tiles;
    double costs[MAX_WORDS + 1] = {0};
    for (size_t i = 0; i < tiles && tiles_a && tiles_b; i++) {
        size_t row = spread(i, 0.6180339887, tiles_a), block = spread(i, 0.7548776662, tiles_b);
        add_costs(t, scanner, row * scanner->rows, block * LANES, costs);
    }
    t->prefix = t->words;
    for (size_t w = 1; w < t->words; w++)
        if (costs[w] < costs[t->prefix])
            t->prefix = w;
    t->few = (unsigned)((double)(t->words - t->prefix) / scanner->pair_cost);
}
