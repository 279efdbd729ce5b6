/* What the files of the index join share; index_join.c explains the method.
 *
 * The probe is written once, in index_join_probe.h, and compiled for each instruction set.
 */
#ifndef DK_INDEX_JOIN_H
#define DK_INDEX_JOIN_H

#include "kernel.h"

enum {
    DK_BUFFER = 2048, /* windows of b that are scanned together: half of a level 1 cache */
    DK_QUEUE = 128,   /* close pairs that wait for their records to come from memory */
    DK_LANES = 32,    /* arrays of windows are readable up to a multiple of so many, and copied by 8 */
    DK_MAX_TAG = 8,   /* bits of a window, at most, that say in how many bits keys differ */
};

/* Up to 64 neighbouring bits of a record, which is a ring: the last word is followed by the first. */
struct dk_window {
    uint32_t word, next_word; /* the one that it starts in, and the following one */
    uint32_t shift;           /* where in the word it starts, 0 ... 63 */
    uint64_t mask;            /* ones for the bits that it has */
};

/* A part as a start on the ring: the key, from its first bit on, and the two windows that follow. */
struct dk_part {
    struct dk_window key, near, far;
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
    uint32_t key_bits;
    uint32_t max_flips;       /* in how many bits keys of a hit may differ */
    uint32_t *flips;          /* what to flip in a key for each key that is to be looked at, few bits first */
    uint32_t flip_ends[DK_MAX_KEY_BITS + 1]; /* flips up to but without [f] flip f bits or fewer */
    uint32_t tag_bits;        /* the highest of a near window, which have none of the record's */
    uint32_t *least_overlaps; /* dk_least_overlaps */
    uint32_t near_bound;      /* in how many bits keys and near windows of a hit may differ */
    uint32_t *far_bounds;     /* the far window as well, by the number of bits set in a */
    int isa;
};

/* The near windows of one side, sorted by key. */
struct dk_sorted {
    uint32_t *starts;  /* of key k: starts[k] up to but without starts[k + 1]; two more than keys */
    uint64_t *windows; /* and DK_LANES more, to be read but not used */
    uint32_t *rows;
};

/* Pairs with close windows, of one part. */
struct dk_queue {
    uint32_t rows_a[DK_QUEUE], rows_b[DK_QUEUE], places_b[DK_QUEUE];
    size_t count;
    size_t total;        /* of all pairs whose records were looked at */
    uint64_t *seen;      /* pairs that came together in earlier parts; a later one replaces an earlier one */
    uint32_t seen_shift; /* what a hash of 64 bits is shifted by to be a place in it */
};

/* Sorted windows of b under one key: where they start, how many there are, and where their copy starts in the
 * buffer. */
struct dk_run {
    uint32_t start, length, offset;
};

/* All that a part needs, used for one part after the other. */
struct dk_workspace {
    struct dk_sorted a, b;
    uint32_t *keys;      /* of either side, unsorted */
    struct dk_run *runs; /* of the neighbours of a key: one for each flip */
    uint64_t *buffer;    /* windows of b that are scanned together, DK_BUFFER, and DK_LANES more */
    struct dk_queue queue;
};

/* Finds the pairs of a part, whose sides are sorted, that have close keys and near windows, and appends those
 * that are hits. DK_OK or DK_NO_MEMORY. */
typedef int dk_scan_part(const struct dk_index_join *join, uint32_t part, struct dk_workspace *space,
                         dk_hits *hits);

dk_scan_part dk_scan_part_portable, dk_scan_part_avx2, dk_scan_part_avx512;

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
