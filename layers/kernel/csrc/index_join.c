/* The index join: all pairs with Dice >= threshold, exactly, in far fewer steps than there are pairs.
 *
 * 1. Dice >= t bounds the Hamming distance. Two records with s bits together that have T[s] or more in
 *    common (dk_least_overlaps) differ in at most s - 2 T[s] bits; d is the largest such bound.
 * 2. Multi-index hashing (Norouzi, Punjani and Fleet, "Fast exact search in Hamming space with
 *    multi-index hashing", 2014): of m parts of the bits, a hit differs in at most e = floor(d / m) bits in
 *    some part. So both sides are sorted by each part in turn (a key of at most key_bits of its bits),
 *    and a key meets those that differ from it in up to e bits.
 * 3. The pigeonring (Qin and Xiao, "Pigeonring: a principle for faster thresholded similarity search",
 *    2018): the parts being a ring, a hit has a part from which on, for every l, the first l parts
 *    differ in at most l * d / m bits. For l = 1 that is the e of above. Two more l are tested: those
 *    whose bits are the key and the near window, 64 bits or fewer, and those that the window after it
 *    reaches. Near windows are sorted by their keys, so the test that leaves a pair in ten thousand reads no
 *    record; in how many bits two keys differ is added as bits of the window, its tag, which cost nothing.
 * 4. What is left is compared in full. A hit comes together in most of the parts, and counts in the first of
 *    them alone; so parts can be joined in any order, anywhere, and give each hit once. Its records are a
 *    cache miss each, so pairs are remembered, as far as there is room, and read once.
 */
#include "index_join.h"

#include "tiled.h"

#include <stdlib.h>

enum {
    CACHE_LINE = 64, /* bytes; a vector that lay across two of them would take two loads */
    MAX_SEEN_BITS = 20, /* pairs remembered: one a record, and no more than a cache can hold, 8 MB */
};

/* ---- the rules ---- */

void dk_allowed_distances(size_t size, double threshold, uint32_t *table)
{
    size_t sums = 16 * size + 1;
    uint32_t largest = 0;
    dk_least_overlaps(size, threshold, table);
    for (size_t sum = 0; sum < sums; sum++) {
        /* It isn't monotone: of two neighbouring sums one is odd, and so is its distance. */
        if (2 * (size_t)table[sum] <= sum && sum - 2 * table[sum] > largest)
            largest = (uint32_t)(sum - 2 * table[sum]);
        table[sum] = largest;
    }
}

/* The bit that a part begins with; parts from part_count on are those of the second time round. */
static size_t part_start(size_t bits, uint32_t part_count, size_t part)
{
    return part * bits / part_count;
}

/* How many parts fit into so many bits of the ring; 1 if the first one doesn't, and is cut off. */
static uint32_t parts_within(const struct dk_index_join *join, size_t bits)
{
    size_t fitting = bits * join->part_count / (8 * join->size);
    return fitting == 0 ? 1 : fitting < join->part_count ? (uint32_t)fitting : join->part_count;
}

/* How many parts the key and the near window have. */
static uint32_t near_parts(const struct dk_index_join *join)
{
    return parts_within(join, join->key_bits + 64 - join->tag_bits);
}

/* How many parts the far window has, none of which are those of the near one. */
static uint32_t far_parts(const struct dk_index_join *join)
{
    uint32_t near = near_parts(join), fitting = parts_within(join, 64);
    return fitting < join->part_count - near ? fitting : join->part_count - near;
}

/* The bits from `start` up to but without `stop`, the first `most` if they are more. */
static struct dk_window window_between(size_t bits, size_t start, size_t stop, size_t most)
{
    size_t length = stop - start < most ? stop - start : most, word = start % bits / 64;
    return (struct dk_window){
        .word = (uint32_t)word,
        .next_word = (uint32_t)((word + 1) % (bits / 64)),
        .shift = (uint32_t)(start % 64),
        .mask = length < 64 ? ((uint64_t)1 << length) - 1 : ~(uint64_t)0,
    };
}

static void lay_out_parts(struct dk_index_join *join)
{
    size_t bits = 8 * join->size;
    uint32_t near = near_parts(join), far = far_parts(join);
    for (uint32_t part = 0; part < join->part_count; part++) {
        size_t start = part_start(bits, join->part_count, part);
        size_t middle = part_start(bits, join->part_count, part + near);
        size_t stop = part_start(bits, join->part_count, part + near + far);
        join->parts[part] = (struct dk_part){
            .key = window_between(bits, start, start + join->key_bits, 64),
            .near = window_between(bits, start + join->key_bits, middle, 64 - join->tag_bits),
            .far = window_between(bits, middle, stop, 64),
        };
    }
}

/* What follows from the threshold and the popcounts: the parts, max_flips, and the bounds of windows. */
static void set_bounds(struct dk_index_join *join, double threshold, uint32_t *distances)
{
    dk_allowed_distances(join->size, threshold, distances);
    uint32_t largest = distances[join->a.max_count + join->b.max_count];
    join->max_flips = largest / join->part_count;
    join->tag_bits = join->max_flips < DK_MAX_TAG ? join->max_flips : DK_MAX_TAG;
    lay_out_parts(join);
    uint32_t near = near_parts(join), far = far_parts(join);
    /* It would be smaller for most pairs, by their own popcounts; but looking those up, also for the pairs
     * alone that pass, costs a fifth of the time at a million records, more than it saves. */
    join->near_bound = (uint32_t)((uint64_t)near * largest / join->part_count);
    for (size_t count = 0; count <= 8 * join->size; count++) {
        uint64_t distance = distances[count + join->b.max_count];
        join->far_bounds[count] = (uint32_t)((near + far) * distance / join->part_count);
    }
}

/* All keys with at most max_flips ones, those with few first; their number, also where `flips` is NULL. */
static uint32_t list_flips(struct dk_index_join *join, uint32_t *flips)
{
    uint32_t count = 0;
    for (uint32_t ones = 0; ones <= join->key_bits; ones++) {
        for (uint32_t flip = 0; flip < (uint32_t)1 << join->key_bits && ones <= join->max_flips; flip++)
            if ((uint32_t)__builtin_popcount(flip) == ones) {
                if (flips)
                    flips[count] = flip;
                count++;
            }
        join->flip_ends[ones] = count;
    }
    return count;
}

/* ---- opening and closing ---- */

/* Copies the kept records, word by word: a part then reads its own words alone. Eight records at a time
 * fill a line of the cache in each column. */
static void fill_columns(struct dk_side *side, size_t size)
{
    for (size_t first = 0; first < side->kept_count; first += 8) {
        size_t stop = first + 8 < side->kept_count ? first + 8 : side->kept_count;
        for (size_t word = 0; word < size / 8; word++)
            for (size_t i = first; i < stop; i++)
                side->columns[word * side->kept_count + i] =
                    dk_load64(side->rows + side->kept[i] * size + 8 * word);
    }
}

/* Counts bits, and keeps the rows that have one, but no more than max_count. */
static int open_side(struct dk_side *side, const uint8_t *rows, size_t n, size_t size, uint32_t max_count,
                     int isa)
{
    side->rows = rows;
    side->counts = malloc((n + 1) * sizeof *side->counts);
    side->kept = malloc((n + 1) * sizeof *side->kept);
    if (!side->counts || !side->kept)
        return DK_NO_MEMORY;
    dk_scanner(isa)->popcounts(rows, n, size, side->counts);
    for (size_t row = 0; row < n; row++) {
        uint32_t count = side->counts[row];
        if (count == 0 || count > max_count)
            continue;
        side->kept[side->kept_count++] = (uint32_t)row;
        if (count > side->max_count)
            side->max_count = count;
    }
    side->columns = malloc((side->kept_count + 1) * size);
    if (!side->columns)
        return DK_NO_MEMORY;
    fill_columns(side, size);
    return DK_OK;
}

static int open_tables(struct dk_index_join *join, double threshold)
{
    size_t sums = 16 * join->size + 1, counts = 8 * join->size + 1;
    uint32_t *distances = malloc(sums * sizeof *distances);
    join->parts = malloc(join->part_count * sizeof *join->parts);
    join->least_overlaps = malloc(sums * sizeof *join->least_overlaps);
    join->far_bounds = malloc(counts * sizeof *join->far_bounds);
    if (distances && join->parts && join->least_overlaps && join->far_bounds) {
        dk_least_overlaps(join->size, threshold, join->least_overlaps);
        set_bounds(join, threshold, distances);
        join->flips = malloc(list_flips(join, NULL) * sizeof *join->flips);
        if (join->flips)
            list_flips(join, join->flips);
    }
    free(distances);
    return join->flips ? DK_OK : DK_NO_MEMORY;
}

void dk_index_join_close(dk_index_join *join)
{
    if (!join)
        return;
    free(join->a.counts);
    free(join->a.kept);
    free(join->a.columns);
    free(join->b.counts);
    free(join->b.kept);
    free(join->b.columns);
    free(join->parts);
    free(join->flips);
    free(join->least_overlaps);
    free(join->far_bounds);
    free(join);
}

int dk_index_join_open(const uint8_t *a, size_t n, const uint8_t *b, size_t m, size_t size, double threshold,
                       uint32_t max_count, uint32_t part_count, uint32_t key_bits, int isa,
                       dk_index_join **opened)
{
    *opened = NULL;
    if (size == 0 || size % 8 || size > DK_MAX_SIZE || !(threshold > 0 && threshold <= 1) || part_count == 0
        || part_count > 8 * size || key_bits == 0 || key_bits > 8 * size / part_count
        || key_bits > DK_MAX_KEY_BITS || !dk_isa_supported(isa))
        return DK_BAD_ARGUMENT;
    dk_index_join *join = calloc(1, sizeof *join);
    if (!join)
        return DK_NO_MEMORY;
    join->size = size;
    join->part_count = part_count;
    join->key_bits = key_bits;
    join->isa = isa;
    int code = open_side(&join->a, a, n, size, max_count, isa);
    if (code == DK_OK)
        code = open_side(&join->b, b, m, size, max_count, isa);
    if (code == DK_OK)
        code = open_tables(join, threshold);
    if (code == DK_OK)
        *opened = join;
    else
        dk_index_join_close(join);
    return code;
}

/* ---- one part ---- */

static int open_sorted(struct dk_sorted *sorted, size_t count, size_t keys)
{
    sorted->starts = malloc((keys + 2) * sizeof *sorted->starts);
    sorted->windows = malloc((count + DK_LANES) * sizeof *sorted->windows);
    sorted->rows = malloc((count + 1) * sizeof *sorted->rows);
    if (!sorted->starts || !sorted->windows || !sorted->rows)
        return DK_NO_MEMORY;
    memset(sorted->windows + count, 0, DK_LANES * sizeof *sorted->windows);
    return DK_OK;
}

static void close_sorted(struct dk_sorted *sorted)
{
    free(sorted->starts);
    free(sorted->windows);
    free(sorted->rows);
}

static int open_queue(struct dk_queue *queue, size_t records)
{
    uint32_t bits = 1;
    while (bits < MAX_SEEN_BITS && (size_t)1 << bits < records)
        bits++;
    queue->seen_shift = 64 - bits;
    queue->seen = calloc((size_t)1 << bits, sizeof *queue->seen);
    return queue->seen ? DK_OK : DK_NO_MEMORY;
}

static void close_workspace(struct dk_workspace *space)
{
    if (!space)
        return;
    close_sorted(&space->a);
    close_sorted(&space->b);
    free(space->keys);
    free(space->runs);
    free(space->buffer);
    free(space->queue.seen);
    free(space);
}

/* What the parts of `join` need, or NULL when memory ran out. */
static struct dk_workspace *open_workspace(const dk_index_join *join)
{
    size_t keys = (size_t)1 << join->key_bits;
    size_t longer = join->a.kept_count > join->b.kept_count ? join->a.kept_count : join->b.kept_count;
    size_t buffer_bytes = (DK_BUFFER + DK_LANES) * sizeof(uint64_t);
    struct dk_workspace *space = calloc(1, sizeof *space);
    if (!space)
        return NULL;
    int code_a = open_sorted(&space->a, join->a.kept_count, keys);
    int code_b = open_sorted(&space->b, join->b.kept_count, keys);
    int code_queue = open_queue(&space->queue, longer);
    space->keys = malloc((longer + 1) * sizeof *space->keys);
    space->runs = malloc(join->flip_ends[join->key_bits] * sizeof *space->runs);
    space->buffer = aligned_alloc(CACHE_LINE, buffer_bytes);
    if (code_a == DK_OK && code_b == DK_OK && code_queue == DK_OK && space->keys && space->runs
        && space->buffer) {
        memset(space->buffer, 0, buffer_bytes);
        return space;
    }
    close_workspace(space);
    return NULL;
}

/* The words of all records of a side that a window is cut from. */
struct words {
    const uint64_t *first, *next;
};

static struct words words_of(const struct dk_side *side, struct dk_window window)
{
    return (struct words){side->columns + window.word * side->kept_count,
                          side->columns + window.next_word * side->kept_count};
}

/* Cuts the keys of a side, and counts them: starts[k + 2] is how often key k occurs. */
static void cut_keys(const dk_index_join *join, const struct dk_side *side, struct dk_window window,
                     uint32_t *keys, uint32_t *starts)
{
    struct words words = words_of(side, window);
    memset(starts, 0, (((size_t)1 << join->key_bits) + 2) * sizeof *starts);
    for (size_t i = 0; i < side->kept_count; i++)
        keys[i] = (uint32_t)dk_cut_words(words.first[i], words.next[i], window);
    for (size_t i = 0; i < side->kept_count; i++)
        starts[keys[i] + 2]++;
}

/* A counting sort of the near windows of one part. */
static void sort_side(const dk_index_join *join, const struct dk_side *side, const struct dk_part *part,
                      uint32_t *keys, struct dk_sorted *sorted)
{
    struct words words = words_of(side, part->near);
    cut_keys(join, side, part->key, keys, sorted->starts);
    for (size_t key = 1; key <= (size_t)1 << join->key_bits; key++)
        sorted->starts[key + 1] += sorted->starts[key];
    for (size_t i = 0; i < side->kept_count; i++) {
        /* One beyond the key: when all are placed, the end of each key's is the start of the next one's. */
        uint32_t place = sorted->starts[keys[i] + 1]++;
        sorted->windows[place] = dk_cut_words(words.first[i], words.next[i], part->near);
        sorted->rows[place] = side->kept[i];
    }
}

static dk_scan_part *scan_of(int isa)
{
#if defined(__x86_64__)
    if (isa == DK_AVX512)
        return dk_scan_part_avx512;
    if (isa == DK_AVX2)
        return dk_scan_part_avx2;
#endif
    (void)isa;
    return dk_scan_part_portable;
}

static int join_part(const dk_index_join *join, uint32_t part, struct dk_workspace *space, dk_hits *hits)
{
    sort_side(join, &join->a, &join->parts[part], space->keys, &space->a);
    sort_side(join, &join->b, &join->parts[part], space->keys, &space->b);
    return scan_of(join->isa)(join, part, space, hits);
}

/* ---- what callers see ---- */

int dk_index_join_parts(const dk_index_join *join, uint32_t first, uint32_t stop, dk_hits *hits,
                        uint64_t *close_pairs)
{
    *close_pairs = 0;
    if (stop > join->part_count)
        return DK_BAD_ARGUMENT;
    struct dk_workspace *space = open_workspace(join);
    int code = space ? DK_OK : DK_NO_MEMORY;
    for (uint32_t part = first; part < stop && code == DK_OK; part++)
        code = join_part(join, part, space, hits);
    if (space)
        *close_pairs = space->queue.total;
    close_workspace(space);
    return code;
}

int dk_index_join_count(const dk_index_join *join, uint32_t part, uint64_t *lookups, uint64_t *pairs)
{
    *lookups = *pairs = 0;
    if (part >= join->part_count)
        return DK_BAD_ARGUMENT;
    struct dk_workspace *space = open_workspace(join);
    if (!space)
        return DK_NO_MEMORY;
    const uint32_t *count_a = space->a.starts + 2, *count_b = space->b.starts + 2;
    uint32_t flip_count = join->flip_ends[join->key_bits];
    cut_keys(join, &join->a, join->parts[part].key, space->keys, space->a.starts);
    cut_keys(join, &join->b, join->parts[part].key, space->keys, space->b.starts);
    for (uint32_t key = 0; key < (uint32_t)1 << join->key_bits; key++) {
        if (!count_a[key])
            continue;
        uint64_t met = 0;
        for (uint32_t i = 0; i < flip_count; i++)
            met += count_b[key ^ join->flips[i]];
        *lookups += flip_count;
        *pairs += met * count_a[key];
    }
    close_workspace(space);
    return DK_OK;
}

/* ---- the probe without vector instructions ---- */

/* The number of bits set. Without an instruction for it compilers call a function, which they cannot turn
 * into vector instructions; and this they can. */
static inline uint64_t count_bits(uint64_t bits)
{
#if defined(__x86_64__)
    bits -= bits >> 1 & 0x5555555555555555;
    bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
    bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0f;
    bits += bits >> 8;
    bits += bits >> 16;
    return (bits + (bits >> 32)) & 0xff;
#else
    return (uint64_t)__builtin_popcountll(bits);
#endif
}

static inline uint32_t dk_close(const uint64_t *windows, uint64_t probe, uint32_t bound)
{
    uint64_t distances[DK_LANES];
    for (uint32_t i = 0; i < DK_LANES; i++)
        distances[i] = count_bits(windows[i] ^ probe);
    uint32_t close = 0;
    for (uint32_t i = 0; i < DK_LANES; i++)
        close |= (uint32_t)(distances[i] <= bound) << i;
    return close;
}

static inline uint32_t dk_skip_distant(const uint64_t *windows, uint32_t first, uint32_t stop, uint64_t probe,
                                       uint32_t bound)
{
    while (first < stop && !dk_close(windows + first, probe, bound))
        first += DK_LANES;
    return first;
}

static inline void dk_copy_8(uint64_t *to, const uint64_t *from, uint64_t tag)
{
    for (uint32_t i = 0; i < 8; i++)
        to[i] = from[i] | tag;
}

#include "index_join_probe.h"

int dk_scan_part_portable(const struct dk_index_join *join, uint32_t part, struct dk_workspace *space,
                          dk_hits *hits)
{
    return dk_scan_part_body(join, part, space, hits);
}
