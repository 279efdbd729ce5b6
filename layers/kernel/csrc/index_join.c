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
 *    whose bits are the near window, 64 or fewer, and those that the window after it reaches. The near
 *    window is sorted with its key, so the test that leaves a pair in a thousand reads no record.
 * 4. What is left is compared in full. A hit may come together in several parts, and counts in the
 *    first of them alone; so parts can be joined in any order, anywhere, and give each hit once.
 */
#include "index_join.h"

#include <stdlib.h>

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

/* How many parts fit into a near window; 1 if the first one doesn't, and is cut off. */
static uint32_t near_parts(size_t bits, uint32_t part_count)
{
    uint32_t fitting = (uint32_t)(64 * (size_t)part_count / bits);
    return fitting ? fitting : 1;
}

/* How many parts the far window has: as many as the near one, but none that the near one has. */
static uint32_t far_parts(size_t bits, uint32_t part_count)
{
    uint32_t near = near_parts(bits, part_count);
    return near < part_count - near ? near : part_count - near;
}

/* The bits from `start` up to but without `stop`, the first 64 if they are more. */
static struct dk_window window_between(size_t bits, size_t start, size_t stop)
{
    size_t length = stop - start, word = start % bits / 64;
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
    uint32_t near = near_parts(bits, join->part_count), far = far_parts(bits, join->part_count);
    for (uint32_t part = 0; part < join->part_count; part++) {
        size_t start = part_start(bits, join->part_count, part);
        size_t middle = part_start(bits, join->part_count, part + near);
        size_t stop = part_start(bits, join->part_count, part + near + far);
        join->parts[part].near = window_between(bits, start, middle);
        join->parts[part].far = window_between(bits, middle, stop);
    }
}

/* What follows from the threshold and the popcounts: max_flips and the bounds of both windows. */
static void set_bounds(struct dk_index_join *join, double threshold, uint32_t *distances)
{
    size_t bits = 8 * join->size;
    uint32_t near = near_parts(bits, join->part_count), far = far_parts(bits, join->part_count);
    dk_allowed_distances(join->size, threshold, distances);
    uint32_t largest = distances[join->a.max_count + join->b.max_count];
    join->max_flips = largest / join->part_count;
    /* It would be smaller for most pairs, by their own popcounts; but looking those up, also for the pairs
     * alone that pass, costs a fifth of the time at a million records, more than it saves. */
    join->near_bound = (uint32_t)((uint64_t)near * largest / join->part_count);
    for (size_t count = 0; count <= bits; count++) {
        uint64_t distance = distances[count + join->b.max_count];
        join->far_bounds[count] = (uint32_t)((near + far) * distance / join->part_count);
    }
}

/* All keys with at most max_flips ones; their number, also where `flips` is NULL. */
static size_t list_flips(uint32_t key_bits, uint32_t max_flips, uint32_t *flips)
{
    size_t count = 0;
    for (uint32_t flip = 0; flip < (uint32_t)1 << key_bits; flip++)
        if ((uint32_t)__builtin_popcount(flip) <= max_flips) {
            if (flips)
                flips[count] = flip;
            count++;
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
static int open_side(struct dk_side *side, const uint8_t *rows, size_t n, size_t size, uint32_t max_count)
{
    side->rows = rows;
    side->counts = malloc((n + 1) * sizeof *side->counts);
    side->kept = malloc((n + 1) * sizeof *side->kept);
    if (!side->counts || !side->kept)
        return DK_NO_MEMORY;
    dk_popcounts(rows, n, size, side->counts);
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
        lay_out_parts(join);
        dk_least_overlaps(join->size, threshold, join->least_overlaps);
        set_bounds(join, threshold, distances);
        join->flip_count = list_flips(join->key_bits, join->max_flips, NULL);
        join->flips = malloc(join->flip_count * sizeof *join->flips);
        if (join->flips)
            list_flips(join->key_bits, join->max_flips, join->flips);
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
    int code = open_side(&join->a, a, n, size, max_count);
    if (code == DK_OK)
        code = open_side(&join->b, b, m, size, max_count);
    if (code == DK_OK)
        code = open_tables(join, threshold);
    if (code == DK_OK)
        *opened = join;
    else
        dk_index_join_close(join);
    return code;
}

/* ---- one part ---- */

/* The near windows of one side, sorted by key. */
struct sorted {
    uint32_t *starts;  /* of key k: starts[k] up to but without starts[k + 1]; two more than keys */
    uint64_t *windows; /* and DK_LANES more, to be read but not used */
    uint32_t *rows;
};

/* All that a part needs, used for one part after the other. */
struct workspace {
    struct sorted a, b;
    uint64_t *unsorted;    /* near windows of either side */
    uint64_t *occupied;    /* a bit for each key, whether b has it */
    uint32_t *neighbours;  /* keys of b that are looked at together */
    uint64_t *buffer;      /* windows of b under those keys, and their rows */
    uint32_t *buffer_rows;
    struct dk_queue queue;
};

static int open_sorted(struct sorted *sorted, size_t count, size_t keys)
{
    sorted->starts = malloc((keys + 2) * sizeof *sorted->starts);
    sorted->windows = calloc(count + DK_LANES, sizeof *sorted->windows);
    sorted->rows = calloc(count + DK_LANES, sizeof *sorted->rows);
    return sorted->starts && sorted->windows && sorted->rows ? DK_OK : DK_NO_MEMORY;
}

static void close_sorted(struct sorted *sorted)
{
    free(sorted->starts);
    free(sorted->windows);
    free(sorted->rows);
}

static void close_workspace(struct workspace *space)
{
    if (!space)
        return;
    close_sorted(&space->a);
    close_sorted(&space->b);
    free(space->unsorted);
    free(space->occupied);
    free(space->neighbours);
    free(space->buffer);
    free(space->buffer_rows);
    free(space);
}

/* What the parts of `join` need, or NULL when memory ran out. */
static struct workspace *open_workspace(const dk_index_join *join)
{
    size_t keys = (size_t)1 << join->key_bits;
    size_t longer = join->a.kept_count > join->b.kept_count ? join->a.kept_count : join->b.kept_count;
    struct workspace *space = calloc(1, sizeof *space);
    if (!space)
        return NULL;
    int code_a = open_sorted(&space->a, join->a.kept_count, keys);
    int code_b = open_sorted(&space->b, join->b.kept_count, keys);
    space->unsorted = malloc((longer + 1) * sizeof *space->unsorted);
    space->occupied = malloc((keys / 64 + 1) * sizeof *space->occupied);
    space->neighbours = malloc(join->flip_count * sizeof *space->neighbours);
    space->buffer = calloc(DK_BUFFER + DK_LANES, sizeof *space->buffer);
    space->buffer_rows = calloc(DK_BUFFER + DK_LANES, sizeof *space->buffer_rows);
    if (code_a == DK_OK && code_b == DK_OK && space->unsorted && space->occupied && space->neighbours
        && space->buffer && space->buffer_rows)
        return space;
    close_workspace(space);
    return NULL;
}

/* Cuts the windows of a side, and counts keys: starts[k + 2] is how often key k occurs. */
static void cut_windows(const dk_index_join *join, const struct dk_side *side, struct dk_window window,
                        uint64_t *windows, uint32_t *starts)
{
    size_t keys = (size_t)1 << join->key_bits, count = side->kept_count;
    const uint64_t *words = side->columns + window.word * count;
    const uint64_t *next_words = side->columns + window.next_word * count;
    memset(starts, 0, (keys + 2) * sizeof *starts);
    for (size_t i = 0; i < count; i++)
        windows[i] = dk_cut_words(words[i], next_words[i], window);
    for (size_t i = 0; i < count; i++)
        starts[(windows[i] & (keys - 1)) + 2]++;
}

/* A counting sort of the near windows of one part. */
static void sort_side(const dk_index_join *join, const struct dk_side *side, struct dk_window window,
                      uint64_t *unsorted, struct sorted *sorted)
{
    size_t keys = (size_t)1 << join->key_bits;
    cut_windows(join, side, window, unsorted, sorted->starts);
    for (size_t key = 1; key <= keys; key++)
        sorted->starts[key + 1] += sorted->starts[key];
    for (size_t i = 0; i < side->kept_count; i++) {
        /* One beyond the key: when all are placed, the end of each key's is the start of the next one's. */
        uint32_t place = sorted->starts[(unsorted[i] & (keys - 1)) + 1]++;
        sorted->windows[place] = unsorted[i];
        sorted->rows[place] = side->kept[i];
    }
}

static void mark_occupied(const uint32_t *starts, size_t keys, uint64_t *occupied)
{
    memset(occupied, 0, (keys / 64 + 1) * sizeof *occupied);
    for (size_t key = 0; key < keys; key++)
        occupied[key / 64] |= (uint64_t)(starts[key] != starts[key + 1]) << key % 64;
}

/* The keys that b has and that differ from `key` in few enough bits: their number. */
static size_t find_neighbours(const dk_index_join *join, const uint64_t *occupied, uint32_t key,
                              uint32_t *neighbours)
{
    size_t count = 0;
    for (size_t i = 0; i < join->flip_count; i++) {
        uint32_t neighbour = key ^ join->flips[i];
        neighbours[count] = neighbour;
        count += occupied[neighbour / 64] >> neighbour % 64 & 1; /* a branch would often be mispredicted */
    }
    return count;
}

static dk_probe *probe_of(int isa)
{
#if defined(__x86_64__)
    if (isa == DK_AVX512)
        return dk_probe_avx512;
    if (isa == DK_AVX2)
        return dk_probe_avx2;
#endif
    (void)isa;
    return dk_probe_portable;
}

static dk_drain *drain_of(int isa)
{
#if defined(__x86_64__)
    if (isa == DK_AVX512)
        return dk_drain_avx512;
    if (isa == DK_AVX2)
        return dk_drain_avx2;
#endif
    (void)isa;
    return dk_drain_portable;
}

/* Copies `count` windows and rows, and up to 7 more of each. */
static void copy_by_8(uint64_t *windows, uint32_t *rows, const struct sorted *from, size_t start, size_t count)
{
    for (size_t i = 0; i < count; i += 8) {
        memcpy(windows + i, from->windows + start + i, 8 * sizeof *windows);
        memcpy(rows + i, from->rows + start + i, 8 * sizeof *rows);
    }
}

/* Probes all records of b under the neighbours of a key with those of a under the key. Records of b are
 * gathered first: keys have but a few each, and every one of a reads them all. */
static int join_key(const dk_index_join *join, uint32_t part, uint32_t key, struct workspace *space,
                    dk_hits *hits)
{
    dk_probe *probe = probe_of(join->isa);
    uint32_t start_a = space->a.starts[key];
    struct dk_windows of_a = {space->a.windows + start_a, space->a.rows + start_a,
                              space->a.starts[key + 1] - start_a};
    struct dk_windows gathered = {space->buffer, space->buffer_rows, 0};
    size_t neighbour_count = find_neighbours(join, space->occupied, key, space->neighbours);
    int code = DK_OK;
    for (size_t i = 0; i < neighbour_count; i++) {
        size_t start = space->b.starts[space->neighbours[i]], stop = space->b.starts[space->neighbours[i] + 1];
        while (start < stop && code == DK_OK) {
            size_t room = DK_BUFFER - gathered.count, taken = stop - start < room ? stop - start : room;
            copy_by_8(space->buffer + gathered.count, space->buffer_rows + gathered.count, &space->b, start,
                      taken);
            gathered.count += taken;
            start += taken;
            if (gathered.count == DK_BUFFER) {
                code = probe(join, part, of_a, gathered, &space->queue, hits);
                gathered.count = 0;
            }
        }
    }
    return code == DK_OK ? probe(join, part, of_a, gathered, &space->queue, hits) : code;
}

static int join_part(const dk_index_join *join, uint32_t part, struct workspace *space, dk_hits *hits)
{
    size_t keys = (size_t)1 << join->key_bits;
    sort_side(join, &join->a, join->parts[part].near, space->unsorted, &space->a);
    sort_side(join, &join->b, join->parts[part].near, space->unsorted, &space->b);
    mark_occupied(space->b.starts, keys, space->occupied);
    int code = DK_OK;
    for (uint32_t key = 0; key < keys && code == DK_OK; key++)
        if (space->a.starts[key] != space->a.starts[key + 1])
            code = join_key(join, part, key, space, hits);
    return code == DK_OK ? drain_of(join->isa)(join, part, &space->queue, hits) : code;
}

/* ---- what callers see ---- */

int dk_index_join_parts(const dk_index_join *join, uint32_t first, uint32_t stop, dk_hits *hits,
                        uint64_t *close_pairs)
{
    *close_pairs = 0;
    if (stop > join->part_count)
        return DK_BAD_ARGUMENT;
    struct workspace *space = open_workspace(join);
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
    struct workspace *space = open_workspace(join);
    if (!space)
        return DK_NO_MEMORY;
    const uint32_t *count_a = space->a.starts + 2, *count_b = space->b.starts + 2;
    cut_windows(join, &join->a, join->parts[part].near, space->unsorted, space->a.starts);
    cut_windows(join, &join->b, join->parts[part].near, space->unsorted, space->b.starts);
    for (uint32_t key = 0; key < (uint32_t)1 << join->key_bits; key++) {
        if (!count_a[key])
            continue;
        uint64_t met = 0;
        for (size_t i = 0; i < join->flip_count; i++)
            met += count_b[key ^ join->flips[i]];
        *lookups += join->flip_count;
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

#include "index_join_probe.h"

int dk_probe_portable(const struct dk_index_join *join, uint32_t part, struct dk_windows a,
                      struct dk_windows b, struct dk_queue *queue, dk_hits *hits)
{
    return dk_probe_body(join, part, a, b, queue, hits);
}

int dk_drain_portable(const struct dk_index_join *join, uint32_t part, struct dk_queue *queue, dk_hits *hits)
{
    return dk_drain_body(join, part, queue, hits);
}
