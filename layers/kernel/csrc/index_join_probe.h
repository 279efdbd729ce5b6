/* The scan of a part of the index join, compiled for several instruction sets. Who includes it has defined
 *
 *   dk_close(windows, probe, bound)
 *       bit i says whether windows[i] differs from `probe` in at most `bound` bits, for i below DK_LANES
 *   dk_skip_distant(windows, first, stop, probe, bound)
 *       the first of first, first + DK_LANES ... from which on dk_close finds something; `stop` or more if
 *       there is none
 *   dk_copy_8(to, from, tag)
 *       copies eight windows, with the bits of `tag` set in each
 */
#include "index_join.h"

/* Whether the two records come together in a part, by exactly the three tests that lead there. */
static inline int dk_meets(const struct dk_index_join *join, uint32_t part, const uint8_t *a, const uint8_t *b,
                           uint32_t far_bound)
{
    const struct dk_part *windows = &join->parts[part];
    uint64_t key = dk_cut(a, windows->key) ^ dk_cut(b, windows->key);
    uint64_t near = dk_cut(a, windows->near) ^ dk_cut(b, windows->near);
    uint64_t far = dk_cut(a, windows->far) ^ dk_cut(b, windows->far);
    uint32_t flips = (uint32_t)__builtin_popcountll(key);
    uint32_t tagged = flips < join->tag_bits ? flips : join->tag_bits;
    uint32_t distance = tagged + (uint32_t)__builtin_popcountll(near);
    return flips <= join->max_flips && distance <= join->near_bound
           && distance + (uint32_t)__builtin_popcountll(far) <= far_bound;
}

/* Where a pair is remembered, and as what: never 0, since there is no row 2**32 - 1. */
static inline uint64_t *dk_memory_of(const struct dk_queue *queue, uint64_t pair)
{
    return queue->seen + (pair * 0x9e3779b97f4a7c15 >> queue->seen_shift);
}

static inline uint64_t dk_pair(uint32_t row_a, uint32_t row_b)
{
    return ~((uint64_t)row_a << 32 | row_b);
}

/* Appends the pair if it is a hit, and didn't come together in an earlier part. DK_OK or DK_NO_MEMORY. */
static inline int dk_confirm(const struct dk_index_join *join, uint32_t part, uint32_t row_a, uint32_t row_b,
                             struct dk_queue *queue, dk_hits *hits)
{
    const uint8_t *a = join->a.rows + row_a * join->size, *b = join->b.rows + row_b * join->size;
    uint32_t far_bound = join->far_bounds[join->a.counts[row_a]];
    if (!dk_meets(join, part, a, b, far_bound))
        return DK_OK;
    uint64_t pair = dk_pair(row_a, row_b);
    *dk_memory_of(queue, pair) = pair;
    uint32_t overlap = dk_overlap(a, b, join->size);
    uint32_t sum = join->a.counts[row_a] + join->b.counts[row_b];
    if (overlap < join->least_overlaps[sum])
        return DK_OK;
    for (uint32_t earlier = 0; earlier < part; earlier++)
        if (dk_meets(join, earlier, a, b, far_bound))
            return DK_OK;
    return dk_hits_append(hits, dk_dice(overlap, sum), row_a, row_b);
}

static inline void dk_prefetch_record(const struct dk_side *side, uint32_t row, size_t size)
{
    for (size_t offset = 0; offset < size; offset += 64)
        __builtin_prefetch(side->rows + row * size + offset);
    __builtin_prefetch(side->counts + row);
}

/* Appends the hits among the pairs of the queue, and empties it. Each step has the memory that the next one
 * reads come to the cache: waiting for it pair by pair would take most of the time. DK_OK or DK_NO_MEMORY. */
static int dk_drain(const struct dk_index_join *join, uint32_t part, struct dk_workspace *space, dk_hits *hits)
{
    struct dk_queue *queue = &space->queue;
    size_t kept = 0;
    int code = DK_OK;
    for (size_t i = 0; i < queue->count; i++) {
        queue->rows_b[i] = space->b.rows[queue->places_b[i]];
        __builtin_prefetch(dk_memory_of(queue, dk_pair(queue->rows_a[i], queue->rows_b[i])));
    }
    for (size_t i = 0; i < queue->count; i++) {
        uint32_t row_a = queue->rows_a[i], row_b = queue->rows_b[i];
        uint64_t pair = dk_pair(row_a, row_b);
        if (*dk_memory_of(queue, pair) == pair)
            continue;
        dk_prefetch_record(&join->a, row_a, join->size);
        dk_prefetch_record(&join->b, row_b, join->size);
        queue->rows_a[kept] = row_a;
        queue->rows_b[kept++] = row_b;
    }
    for (size_t i = 0; i < kept && code == DK_OK; i++)
        code = dk_confirm(join, part, queue->rows_a[i], queue->rows_b[i], queue, hits);
    queue->count = 0;
    queue->total += kept;
    return code;
}

/* The highest bits of a window of b whose key differs in so many bits from that of a, where those have none. */
static inline uint64_t dk_tag(const struct dk_index_join *join, uint32_t flips)
{
    uint32_t tagged = flips < join->tag_bits ? flips : join->tag_bits;
    return tagged ? ~(uint64_t)0 << (64 - tagged) : 0;
}

/* Where the window at `offset` of the buffer comes from, its runs being those from `first` up to but without
 * `stop`: its place among the sorted ones of b. */
static inline uint32_t dk_place(const struct dk_run *runs, uint32_t first, uint32_t stop, uint32_t offset)
{
    while (stop - first > 1) {
        uint32_t middle = (first + stop) / 2;
        if (runs[middle].offset <= offset)
            first = middle;
        else
            stop = middle;
    }
    return runs[first].start + offset - runs[first].offset;
}

/* Enqueues the close pairs of the windows of a under a key and the first `count` of the buffer, whose runs are
 * those from `first_run` up to but without `stop_run`. DK_OK or DK_NO_MEMORY. */
static inline int dk_probe(const struct dk_index_join *join, uint32_t part, uint32_t key, uint32_t first_run,
                           uint32_t stop_run, uint32_t count, struct dk_workspace *space, dk_hits *hits)
{
    const uint64_t *windows = space->buffer;
    struct dk_queue *queue = &space->queue;
    uint32_t bound = join->near_bound;
    for (uint32_t i = space->a.starts[key]; i < space->a.starts[key + 1]; i++) {
        uint64_t window = space->a.windows[i];
        for (uint32_t first = 0;; first += DK_LANES) {
            first = dk_skip_distant(windows, first, count, window, bound);
            if (first >= count)
                break;
            uint32_t close = dk_close(windows + first, window, bound);
            if (count - first < DK_LANES)
                close &= ((uint32_t)1 << (count - first)) - 1;
            for (; close; close &= close - 1) {
                uint32_t offset = first + (uint32_t)__builtin_ctz(close);
                uint32_t place = dk_place(space->runs, first_run, stop_run, offset);
                __builtin_prefetch(space->b.rows + place);
                queue->rows_a[queue->count] = space->a.rows[i];
                queue->places_b[queue->count++] = place;
                if (queue->count == DK_QUEUE && dk_drain(join, part, space, hits))
                    return DK_NO_MEMORY;
            }
        }
    }
    return DK_OK;
}

/* Finds where the windows of b are that are under the neighbours of a key, and has them come to the cache. */
static inline void dk_find_runs(const struct dk_index_join *join, uint32_t key, const struct dk_sorted *b,
                                struct dk_run *runs)
{
    const uint32_t *flips = join->flips, *starts = b->starts;
    const uint64_t *windows = b->windows;
    for (uint32_t i = 0, count = join->flip_ends[join->key_bits]; i < count; i++) {
        uint32_t neighbour = key ^ flips[i], start = starts[neighbour];
        runs[i].start = start;
        runs[i].length = starts[neighbour + 1] - start;
        __builtin_prefetch(windows + start);
    }
}

/* Copies windows, and up to 7 more; at least 8, since most runs are no longer. */
static inline void dk_copy(uint64_t *to, const uint64_t *from, uint32_t count, uint64_t tag)
{
    dk_copy_8(to, from, tag);
    for (uint32_t i = 8; i < count; i += 8)
        dk_copy_8(to + i, from + i, tag);
}

/* Probes all records of b under the neighbours of a key with those of a under the key. Records of b are
 * gathered first: keys have but a few each, and every one of a reads them all. */
static inline int dk_scan_key(const struct dk_index_join *join, uint32_t part, uint32_t key,
                              struct dk_workspace *space, dk_hits *hits)
{
    const uint64_t *windows = space->b.windows;
    struct dk_run *runs = space->runs;
    uint64_t *buffer = space->buffer;
    uint32_t count = 0, first = 0, i = 0;
    dk_find_runs(join, key, &space->b, runs);
    for (uint32_t ones = 0; i < join->flip_ends[join->key_bits]; ones++) {
        uint64_t tag = dk_tag(join, ones);
        for (uint32_t end = join->flip_ends[ones]; i < end; i++) {
            runs[i].offset = count;
            for (uint32_t room = DK_BUFFER - count; runs[i].length > room; room = DK_BUFFER) {
                dk_copy(buffer + runs[i].offset, windows + runs[i].start, room, tag);
                if (dk_probe(join, part, key, first, i + 1, DK_BUFFER, space, hits))
                    return DK_NO_MEMORY;
                runs[i] = (struct dk_run){runs[i].start + room, runs[i].length - room, 0};
                first = i;
                count = 0;
            }
            dk_copy(buffer + count, windows + runs[i].start, runs[i].length, tag);
            count += runs[i].length;
        }
    }
    return dk_probe(join, part, key, first, i, count, space, hits);
}

static inline int dk_scan_part_body(const struct dk_index_join *join, uint32_t part, struct dk_workspace *space,
                                    dk_hits *hits)
{
    for (uint32_t key = 0; key < (uint32_t)1 << join->key_bits; key++)
        if (space->a.starts[key] != space->a.starts[key + 1] && dk_scan_key(join, part, key, space, hits))
            return DK_NO_MEMORY;
    return dk_drain(join, part, space, hits);
}
