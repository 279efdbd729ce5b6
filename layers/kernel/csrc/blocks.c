/* The entries: one comparison, or any number of rectangles with the popcounts counted once. */
#include "threads.h"
#include "tiled.h"

#include <stdlib.h>

enum {
    LARGE = 1 << 22, /* comparisons of a rectangle that all threads share; smaller ones go to one each */
    PIECE = 64,      /* rectangles that a thread takes at once */
};

typedef struct {
    const rectangle *whole;
    const int64_t *rectangles;
    size_t count;
    const scanner *scanner;
} blocks;

static int is_valid(size_t size, double threshold, int isa)
{
    return size && size % 8 == 0 && size <= DK_MAX_SIZE && threshold >= 0 && threshold <= 1
           && dk_scanner(isa);
}

static int are_within(const int64_t *rectangles, size_t count, size_t n, size_t m)
{
    for (const int64_t *r = rectangles; r < rectangles + 4 * count; r += 4)
        if (r[0] < 0 || r[0] > r[1] || r[1] > (int64_t)n || r[2] < 0 || r[2] > r[3] || r[3] > (int64_t)m)
            return 0;
    return 1;
}

/* The part of `whole` that one rectangle is. */
static rectangle part(const rectangle *whole, const int64_t *r)
{
    rectangle found = *whole;
    found.a += (size_t)r[0] * whole->size;
    found.b += (size_t)r[2] * whole->size;
    found.popcounts_a += r[0];
    found.popcounts_b += r[2];
    found.row_a = (uint32_t)r[0];
    found.row_b = (uint32_t)r[2];
    found.n = (size_t)(r[1] - r[0]);
    found.m = (size_t)(r[3] - r[2]);
    return found;
}

static int is_large(const rectangle *r)
{
    return r->n * r->m >= LARGE;
}

/* Compares the rectangles of one piece but for the large ones. */
static int compare_small(void *context, size_t piece, dk_hits *hits)
{
    const blocks *work = context;
    size_t stop = (piece + 1) * PIECE < work->count ? (piece + 1) * PIECE : work->count;
    int code = DK_OK;
    for (size_t i = piece * PIECE; i < stop && code == DK_OK; i++) {
        rectangle one = part(work->whole, work->rectangles + 4 * i);
        if (!is_large(&one))
            code = dk_compare_rectangle(&one, work->scanner, 1, hits);
    }
    return code;
}

/* The large rectangles one after the other, each by all threads; then the others among them. */
static int compare_blocks(blocks *work, int threads, dk_hits *hits)
{
    for (size_t i = 0; i < work->count; i++) {
        rectangle one = part(work->whole, work->rectangles + 4 * i);
        int code = is_large(&one) ? dk_compare_rectangle(&one, work->scanner, threads, hits) : DK_OK;
        if (code != DK_OK)
            return code;
    }
    return dk_run_pieces((work->count + PIECE - 1) / PIECE, threads, compare_small, work, hits);
}

int dk_compare_rectangles(const uint8_t *a, size_t n, const uint8_t *b, size_t m, size_t size,
                          const int64_t *rectangles, size_t count, double threshold, int isa, int threads,
                          dk_hits *hits)
{
    if (!is_valid(size, threshold, isa) || !are_within(rectangles, count, n, m))
        return DK_BAD_ARGUMENT;
    if (!n || !m || !count)
        return DK_OK;
    const scanner *scanner = dk_scanner(isa);
    uint32_t *least = malloc((16 * size + 1 + n + m) * sizeof *least);
    if (!least)
        return DK_NO_MEMORY;
    uint32_t *popcounts_a = least + 16 * size + 1, *popcounts_b = popcounts_a + n;
    dk_least_overlaps(size, threshold, least);
    scanner->popcounts(a, n, size, popcounts_a);
    scanner->popcounts(b, m, size, popcounts_b);
    rectangle whole = {.a = a, .b = b, .popcounts_a = popcounts_a, .popcounts_b = popcounts_b,
                       .size = size, .threshold = threshold, .least = least};
    blocks work = {.whole = &whole, .rectangles = rectangles, .count = count, .scanner = scanner};
    int code = compare_blocks(&work, threads, hits);
    free(least);
    return code;
}

int dk_compare(const uint8_t *a, size_t n, const uint8_t *b, size_t m, size_t size, double threshold, int isa,
               int threads, dk_hits *hits)
{
    int64_t whole[4] = {0, (int64_t)n, 0, (int64_t)m};
    return dk_compare_rectangles(a, n, b, m, size, whole, 1, threshold, isa, threads, hits);
}
