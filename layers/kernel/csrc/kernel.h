/* Shared declarations of the kernel library.
 *
 * Records are rows of `size` bytes, one after the other, size a multiple of 8 from 8 to DK_MAX_SIZE;
 * rows may start at any address. Functions that can fail return DK_OK or a negative code and leave
 * nothing allocated behind them when they fail. There is no global mutable state.
 *
 * A source file named *_avx512.c, *_avx2.c or *_neon.c is compiled with the flags of that instruction
 * set (build_kernel.py knows them) and must compile to nothing on other architectures. All others are
 * compiled for the baseline of the architecture.
 */
#ifndef DK_KERNEL_H
#define DK_KERNEL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DK_API __attribute__((visibility("default")))

enum { DK_OK = 0, DK_NO_MEMORY = -1, DK_BAD_ARGUMENT = -2 };

enum { DK_MAX_SIZE = 1024 }; /* bytes of a record */

/* ---- instruction sets (dispatch.c) ---- */

enum { DK_PORTABLE = 0, DK_NEON = 1, DK_AVX2 = 2, DK_AVX512 = 3 };

/* 1 if this machine and its operating system run `isa`, and the library holds code for it; else 0. */
DK_API int dk_isa_supported(int isa);

/* The fastest instruction set that is supported. */
DK_API int dk_isa_best(void);

/* ---- hits (hits.c) ---- */

/* A growing list of (score, row of a, row of b). Memory grows with its length, in chunks: nothing is
 * moved when it grows. Not to be shared between threads. */
typedef struct dk_hits dk_hits;

/* An empty list, or NULL when memory ran out. The caller frees it with dk_hits_free. */
DK_API dk_hits *dk_hits_new(void);

/* Appends one hit: DK_OK or DK_NO_MEMORY. */
DK_API int dk_hits_append(dk_hits *hits, double score, uint32_t row_a, uint32_t row_b);

/* Moves all hits of `from` to the end of `into`; `from` is empty afterwards, and still to be freed. */
DK_API void dk_hits_join(dk_hits *into, dk_hits *from);

/* The number of hits. */
DK_API size_t dk_hits_count(const dk_hits *hits);

/* Writes all hits, in the order of appending, to three arrays of dk_hits_count elements. */
DK_API void dk_hits_copy(const dk_hits *hits, double *scores, uint32_t *rows_a, uint32_t *rows_b);

/* Frees the list; NULL is allowed. */
DK_API void dk_hits_free(dk_hits *hits);

/* ---- arithmetic that all paths share (dice.c) ---- */

/* The 8 bytes at `address`, which need no alignment. */
static inline uint64_t dk_load64(const uint8_t *address)
{
    uint64_t word;
    memcpy(&word, address, sizeof word);
    return word;
}

/* The number of bits that two records have in common. */
static inline uint32_t dk_overlap(const uint8_t *a, const uint8_t *b, size_t size)
{
    uint32_t overlap = 0;
    for (size_t offset = 0; offset < size; offset += 8)
        overlap += (uint32_t)__builtin_popcountll(dk_load64(a + offset) & dk_load64(b + offset));
    return overlap;
}

/* The Dice coefficient, by the very expression whose float64 result anonlink gives. `sum` is the number
 * of bits in the one record plus that in the other. Two records without a bit score 0. */
static inline double dk_dice(uint32_t overlap, uint32_t sum)
{
    return sum ? (double)(2 * overlap) / (double)sum : 0.0;
}

/* counts[i] = number of bits set in row i of `rows`, (n, size). */
DK_API void dk_popcounts(const uint8_t *rows, size_t n, size_t size, uint32_t *counts);

/* table[s] = the least overlap with dk_dice(overlap, s) >= threshold, for s = 0 ... 16 * size.
 * It doesn't fall with s, and can be more than any two records with s bits have in common. For s = 0
 * it is 1 (no hit) unless the threshold is 0. `table` holds 16 * size + 1 elements. */
DK_API void dk_least_overlaps(size_t size, double threshold, uint32_t *table);

/* ---- comparing all pairs (tiled.c) ---- */

/* All pairs of a row of `a`, (n, size), and a row of `b`, (m, size), with Dice >= threshold, 0 to 1.
 * They are appended to `hits` in no particular order, each once. `isa` must be supported; `threads` is
 * how many threads share the work, 1 or less meaning the calling thread alone. n and m are below 2**32.
 * O(n * m) time; memory for a copy of both inputs besides the hits.
 * DK_OK, DK_NO_MEMORY or DK_BAD_ARGUMENT; hits may have been appended when it fails. */
DK_API int dk_compare(const uint8_t *a, size_t n, const uint8_t *b, size_t m, size_t size, double threshold,
                      int isa, int threads, dk_hits *hits);

/* ---- many small comparisons (blocks.c) ---- */

/* As dk_compare, for `count` rectangles of rows: rectangle i is rows rectangles[4i] up to but without
 * rectangles[4i + 1] of `a`, rectangles[4i + 2] up to [4i + 3] of `b`, which must lie within n and m. Rows
 * of hits count from the start of `a` and of `b`. A pair is appended once for each rectangle it is in. */
DK_API int dk_compare_rectangles(const uint8_t *a, size_t n, const uint8_t *b, size_t m, size_t size,
                                 const int64_t *rectangles, size_t count, double threshold, int isa,
                                 int threads, dk_hits *hits);

/* ---- candidate pairs to groups (solve.c, components.c) ---- */

/* Pairs of records as four columns of 32 bits: the first value of each, and the distance of one value from
 * the next in bytes, the same for all four. They may be fields of one array of structures, at any address. */
typedef struct {
    const unsigned char *dataset_a, *dataset_b, *record_a, *record_b;
    ptrdiff_t stride;
    size_t count;
} dk_pairs;

/* The groups of two records or more that anonlink's greedy_solve makes of pairs, none of which may occur
 * twice, in their order. *groups gets an array of *length values, to be freed by dk_free_groups: the number
 * of groups, the size of each, then data set and record of each member. Members are sorted, and groups by
 * their first members. O(n log n) time; memory grows with the pairs, whatever the record numbers.
 * DK_OK, DK_NO_MEMORY, or DK_BAD_ARGUMENT for 2**31 pairs or more. */
DK_API int dk_solve(const dk_pairs *pairs, uint32_t **groups, size_t *length);

/* Frees groups; NULL is allowed. */
DK_API void dk_free_groups(uint32_t *groups);

/* labels[i] = the connected component of pair i, numbered in the order of their first pairs;
 * *component_count = how many there are. `labels` holds an element a pair. Errors as dk_solve. */
DK_API int dk_components(const dk_pairs *pairs, uint32_t *labels, uint32_t *component_count);

/* The same for pairs that come in portions. Records have a number that counts through all data sets: those of
 * data set d are first_numbers[d] up to but without first_numbers[d + 1]; first_numbers holds
 * dataset_count + 1 elements. `parents` holds an element a record, parents[i] = i at first; after
 * dk_unite_records for all portions, dk_label_pairs gives as the label of a pair the smallest number of a record
 * in its component. DK_OK, or DK_BAD_ARGUMENT for a record that doesn't exist. */
DK_API int dk_unite_records(const dk_pairs *pairs, const uint32_t *first_numbers, uint32_t dataset_count,
                            uint32_t *parents);
DK_API int dk_label_pairs(const dk_pairs *pairs, const uint32_t *first_numbers, uint32_t dataset_count,
                          uint32_t *parents, uint32_t *labels);

/* ---- the index join (index_join.c, which explains it) ---- */

enum { DK_MAX_KEY_BITS = 22 };

/* A join that has been prepared: what its parts need of two sets of records. It isn't changed by its parts,
 * so several threads may use it at once; the records must stay where they are meanwhile. */
typedef struct dk_index_join dk_index_join;

/* table[s] = in how many bits two records may differ that have s or fewer bits together and Dice >= threshold,
 * which is above 0; for s = 0 ... 16 * size. `table` holds 16 * size + 1 elements. */
DK_API void dk_allowed_distances(size_t size, double threshold, uint32_t *table);

/* Prepares the join of `a`, (n, size), and `b`, (m, size), at a threshold above 0 and up to 1, leaving out
 * records without a bit, which are in no hit, and those with more than max_count bits. part_count is from 1 to
 * 8 * size, key_bits from 1 to the bits of a part, 8 * size / part_count rounded down, and to DK_MAX_KEY_BITS;
 * they decide the time it takes and never the hits. *opened gets the join, to be freed by
 * dk_index_join_close; it holds a copy of both sides and 8 bytes a record. n and m are below 2**32.
 * DK_OK, DK_NO_MEMORY or DK_BAD_ARGUMENT. */
DK_API int dk_index_join_open(const uint8_t *a, size_t n, const uint8_t *b, size_t m, size_t size,
                              double threshold, uint32_t max_count, uint32_t part_count, uint32_t key_bits,
                              int isa, dk_index_join **opened);

/* Appends the hits of parts `first` up to but without `stop` to `hits`: those of all parts are all hits, each
 * once. *close_pairs gets for how many pairs records were read, mostly once for a pair, in whatever parts it
 * comes together. Memory besides the hits: about 40 bytes a record. DK_OK, DK_NO_MEMORY or DK_BAD_ARGUMENT; hits may have been appended when it fails. */
DK_API int dk_index_join_parts(const dk_index_join *join, uint32_t first, uint32_t stop, dk_hits *hits,
                               uint64_t *close_pairs);

/* What a part will take: how many keys are looked up, and how many pairs of windows are compared.
 * O(n + m + lookups). DK_OK, DK_NO_MEMORY or DK_BAD_ARGUMENT. */
DK_API int dk_index_join_count(const dk_index_join *join, uint32_t part, uint64_t *lookups, uint64_t *pairs);

/* Frees the join; NULL is allowed. */
DK_API void dk_index_join_close(dk_index_join *join);

#endif
