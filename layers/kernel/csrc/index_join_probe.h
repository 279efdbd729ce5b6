/* The probe of the index join, to be compiled for several instruction sets.
 *
 * Who includes it has defined dk_close(windows, probe, bound), whose bit i says whether windows[i] differs from
 * `probe` in at most `bound` bits, for i below DK_LANES.
 */
#include "index_join.h"

/* Whether the two records come together in a part, by exactly the three tests that lead there. */
static inline int dk_meets(const struct dk_index_join *join, uint32_t part, const uint8_t *a, const uint8_t *b,
                           uint32_t far_bound)
{
    const struct dk_part *windows = &join->parts[part];
    uint64_t key_mask = ((uint64_t)1 << join->key_bits) - 1;
    uint64_t near = dk_cut(a, windows->near) ^ dk_cut(b, windows->near);
    uint64_t far = dk_cut(a, windows->far) ^ dk_cut(b, windows->far);
    uint32_t distance = (uint32_t)__builtin_popcountll(near);
    return distance <= join->near_bound && distance + (uint32_t)__builtin_popcountll(far) <= far_bound
           && (uint32_t)__builtin_popcountll(near & key_mask) <= join->max_flips;
}

/* Appends the pair if it is a hit, and didn't come together in an earlier part. DK_OK or DK_NO_MEMORY. */
static inline int dk_confirm(const struct dk_index_join *join, uint32_t part, uint32_t row_a, uint32_t row_b,
                             dk_hits *hits)
{
    const uint8_t *a = join->a.rows + row_a * join->size, *b = join->b.rows + row_b * join->size;
    uint32_t far_bound = join->far_bounds[join->a.counts[row_a]];
    if (!dk_meets(join, part, a, b, far_bound))
        return DK_OK;
    uint32_t overlap = dk_overlap(a, b, join->size);
    uint32_t sum = join->a.counts[row_a] + join->b.counts[row_b];
    if (overlap < join->least_overlaps[sum])
        return DK_OK;
    for (uint32_t earlier = 0; earlier < part; earlier++)
        if (dk_meets(join, earlier, a, b, far_bound))
            return DK_OK;
    return dk_hits_append(hits, dk_dice(overlap, sum), row_a, row_b);
}

static inline int dk_drain_body(const struct dk_index_join *join, uint32_t part, struct dk_queue *queue,
                                dk_hits *hits)
{
    int code = DK_OK;
    for (size_t i = 0; i < queue->count && code == DK_OK; i++)
        code = dk_confirm(join, part, queue->rows_a[i], queue->rows_b[i], hits);
    queue->count = 0;
    return code;
}

/* Appends a pair to a queue that isn't full, and has its records come to the cache meanwhile. */
static inline void dk_enqueue(const struct dk_index_join *join, struct dk_queue *queue, uint32_t row_a,
                              uint32_t row_b)
{
    queue->rows_a[queue->count] = row_a;
    queue->rows_b[queue->count] = row_b;
    queue->count++;
    queue->total++;
    for (size_t offset = 0; offset < join->size; offset += 64) {
        __builtin_prefetch(join->a.rows + row_a * join->size + offset);
        __builtin_prefetch(join->b.rows + row_b * join->size + offset);
    }
}

static inline int dk_probe_body(const struct dk_index_join *join, uint32_t part, struct dk_windows a,
                                struct dk_windows b, struct dk_queue *queue, dk_hits *hits)
{
    for (size_t i = 0; i < a.count; i++) {
        for (size_t first = 0; first < b.count; first += DK_LANES) {
            uint32_t close = dk_close(b.windows + first, a.windows[i], join->near_bound);
            if (b.count - first < DK_LANES)
                close &= ((uint32_t)1 << (b.count - first)) - 1;
            for (; close; close &= close - 1) {
                dk_enqueue(join, queue, a.rows[i], b.rows[first + (size_t)__builtin_ctz(close)]);
                int code = queue->count == DK_QUEUE ? dk_drain_body(join, part, queue, hits) : DK_OK;
                if (code != DK_OK)
                    return code;
            }
        }
    }
    return DK_OK;
}
