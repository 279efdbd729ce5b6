/* Comparing all pairs in tiles: what tiled.c, which arranges the records, and the scanning of each
 * instruction set (scan_*.c) know of each other.
 *
 * Lanes are records. Side b is cut in blocks of LANES records, of which the same 32-bit word lies side by
 * side, so that one vector holds it; a word of side a is broadcast. A row of a tile's overlaps is then one
 * vector, and nothing is ever summed across it. Both sides are sorted by popcount: the least overlap that
 * a hit needs is all but the same in a block, so that one comparison of vectors rejects it, and most of
 * what popcounts alone rule out is never looked at.
 *
 * After the first words of a tile, its prefix, no pair can still gain more overlap than the lesser of
 * the bits that its records have left. Where that is too little for all pairs, the tile is dropped; where
 * it isn't for few, these are looked at one by one.
 */
#ifndef DK_TILED_H
#define DK_TILED_H

#include "kernel.h"

enum { LANES = 16, MAX_ROWS = 4 }; /* records of b in a block, and at most so many of a in a tile */

/* One side, in the order of its popcounts. It is padded to whole blocks with records without a bit, which
 * have the row and the popcount of the last record. */
typedef struct {
    const uint8_t *records; /* the rows as they were given */
    size_t count;           /* of them */
    uint32_t first_row;     /* the number of the first of them in a hit */
    size_t padded;          /* and with the padding */
    uint32_t *words;        /* a: (padded, words, planes); b: (blocks, words, planes, LANES) */
    uint32_t *rows;         /* (padded): which row is at this position */
    uint32_t *popcounts;    /* (padded) */
    uint32_t *remaining;    /* (padded): bits set after the prefix */
    uint32_t *starts;       /* (most - fewest + 2): the first position with fewest + i bits or more */
    size_t fewest, most;    /* popcounts */
} side;

/* A comparison, arranged; read-only while it is scanned. */
typedef struct {
    side a, b;
    size_t size;             /* bytes of a record */
    size_t words;            /* 32-bit words of a record */
    size_t prefix;           /* words of the prefix; all of them for none */
    unsigned few;            /* at most so many pairs left by the prefix are looked at one by one */
    int swapped;             /* a was given as b and b as a */
    double threshold;
    const uint32_t *least;   /* dk_least_overlaps */
} tiling;

/* Rows of the two sides compared one by one. */
typedef struct {
    const uint8_t *a, *b;                      /* the first record of each */
    const uint32_t *popcounts_a, *popcounts_b; /* and its popcount */
    uint32_t row_a, row_b;                     /* and its row */
    size_t n, m, size;
    double threshold;
    const uint32_t *least; /* dk_least_overlaps */
} rectangle;

/* The code of one instruction set. */
typedef struct {
    unsigned rows;   /* records of a in a tile, MAX_ROWS at most */
    unsigned planes; /* 1; or 2, where each word of b is stored as its low and high nibbles */

    size_t min_sampled; /* comparisons that are worth looking for a prefix */

    /* What takes how long, in the time that one word of a tile does: */
    double pair_cost;     /* looking at one pair */
    double test_cost;     /* the test of a tile */
    double surprise_cost; /* a tile that isn't dropped, which no branch prediction foresees */

    /* Appends the hits of positions first_row up to stop_row of a, the first a multiple of `rows`, with
     * the blocks first_block up to stop_block of b. DK_OK or DK_NO_MEMORY. */
    int (*scan)(const tiling *tiling, size_t first_row, size_t stop_row, size_t first_block,
                size_t stop_block, dk_hits *hits);

    /* Appends the hits of a small rectangle. DK_OK or DK_NO_MEMORY. */
    int (*scan_pairs)(const rectangle *rectangle, dk_hits *hits);

    /* As dk_popcounts. */
    void (*popcounts)(const uint8_t *rows, size_t n, size_t size, uint32_t *counts);
} scanner;

extern const scanner dk_scan_portable, dk_scan_neon, dk_scan_avx2, dk_scan_avx512;

/* That of a supported instruction set; NULL for any other. */
const scanner *dk_scanner(int isa);

/* As dk_compare, for one rectangle, with what has been found out about it before. */
int dk_compare_rectangle(const rectangle *rectangle, const scanner *scanner, int threads, dk_hits *hits);

#endif
