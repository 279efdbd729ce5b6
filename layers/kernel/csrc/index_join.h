/* What the files of the index join share; index_join.c explains the method.
 *
 * The probe is written once, in index_join_probe.h, and compiled for each instruction set.
 */
#ifndef DK_INDEX_JOIN_H
#define DK_INDEX_JOIN_H

#include "kernel.h"

enum {
    DK_BUFFER = 2048, /* windows of b that are scanned together: with their rows, half of a level 1 cache */
    DK_QUEUE = 128,   /* close pairs that wait for their records to come from memory */
    DK_LANES = 32,    /* arrays of windows are readable up to a multiple of so many, and copied by 8 */
};

/* Up to 64 neighbouring bits of a record, which is a ring: the last word is followed by the first. */
struct dk_window {
    uint32_t word, next_word; /* the one that it starts in, and the following one */
    uint32_t shift;           /* where in the word it starts, 0 ... 63 */
    uint64_t mask;            /* ones for the bits that it has */
};

/* A part as a start on the ring: the window from its first bit on, and the window that follows. */
struct dk_part {
    struct dk_window near, far;
};

/* One of the two sets of records. */
struct dk_side {
    const uint8_t *rows; /* the caller's */
    uint32_t *counts;    /* bits set, of every row */
    uint32_t *kept;      /* the rows that take part */
    size_t kept_count;
    uint64_t *columns;   /* word w of record kept[i] is columns[w * kept_count + i] */
    uint32_t max_count; /* the most bits set in a row that takes part, or 0 */
};

struct dk_index_join {
    struct dk_side a, b;
    size_t size;
    uint32_t part_count;
    struct dk_part *parts;    /* part_count */
    uint32_t key_bits;        /* a key is so many low bits of the near window */
    uint32_t max_flips;       /* in how many bits keys of a hit may differ */
    uint32_t *flips;          /* what to flip in a key for each key that is to be looked at */
    size_t flip_count;
    uint32_t *least_overlaps; /* dk_least_overlaps */
    uint32_t near_bound;      /* in how many bits near windows of a hit may differ */
    uint32_t *far_bounds;     /* near and far windows together, by the number of bits set in a */
    int isa;
};

/* Windows and the rows that they are of. */
struct dk_windows {
    const uint64_t *windows;
    const uint32_t *rows;
    size_t count;
};

/* Pairs with close windows, of one part. */
struct dk_queue {
    uint32_t rows_a[DK_QUEUE], rows_b[DK_QUEUE];
    size_t count;
    size_t total; /* of all pairs that were ever in it */
};

/* Finds the pairs with close near windows, all of `a` against all of `b`, appends them to the queue,
 * and those of a full queue that are hits to `hits`. DK_OK or DK_NO_MEMORY. */
typedef int dk_probe(const struct dk_index_join *join, uint32_t part, struct dk_windows a,
                     struct dk_windows b, struct dk_queue *queue, dk_hits *hits);

/* Appends the hits among the pairs of the queue to `hits`, and empties it. DK_OK or DK_NO_MEMORY. */
typedef int dk_drain(const struct dk_index_join *join, uint32_t part, struct dk_queue *queue, dk_hits *hits);

dk_probe dk_probe_portable, dk_probe_avx2, dk_probe_avx512;
dk_drain dk_drain_portable, dk_drain_avx2, dk_drain_avx512;

/* The bits of a window of which the two words are given, from the lowest on. */
static inline uint64_t dk_cut_words(uint64_t word, uint64_t next_word, struct dk_window window)
{
    /* The left shift is in two steps, since shifting by 64 is undefined. */
    return (word >> window.shift | next_word << 1 << (63 - window.shift)) & window.mask;
}

/* The bits of a window of a record. */
static inline uint64_t dk_cut(const uint8_t *record, struct dk_window window)
{
    return dk_cut_words(dk_load64(record + 8 * window.word), dk_load64(record + 8 * window.next_word), window);
}

#endif
