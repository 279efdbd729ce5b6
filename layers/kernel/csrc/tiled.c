/* Comparing all pairs: the records are arranged, then threads scan pieces of the work. */
#include "tiled.h"

#include "arrange.h"
#include "threads.h"

enum {
    TILE_BLOCKS = 8,       /* of side b, scanned together: at 128 bytes a record they stay in the L1 cache */
    PIECE_ROWS = 2048,     /* of side a, which then stay in the L2 cache */
    MIN_TILED = 1000,      /* comparisons that are worth arranging the records for */
};

const scanner *dk_scanner(int isa)
{
    switch (isa) {
#if defined(__x86_64__)
    case DK_AVX512:
        return &dk_scan_avx512;
    case DK_AVX2:
        return &dk_scan_avx2;
#elif defined(__aarch64__)
    case DK_NEON:
        return &dk_scan_neon;
#endif
    case DK_PORTABLE:
        return &dk_scan_portable;
    default:
        return NULL;
    }
}

/* A comparison in pieces: piece i is rows i / pieces_b, blocks i % pieces_b. */
typedef struct {
    const tiling *tiling;
    const scanner *scanner;
    size_t pieces_b;
} pieces;

/* Whether records with p and q bits can be a hit. */
static int can_match(const tiling *t, size_t p, size_t q)
{
    return t->least[p + q] <= (p < q ? p : q);
}

/* The positions of side a, first up to stop, that popcounts leave to be compared with records of b that
 * have from p to q bits. What a hit needs grows by less than a bit with each bit of a record, so that
 * those that match p by having fewer are all from some popcount on, and those that match q by having
 * more are all up to some. */
static void rows_to_compare(const tiling *t, size_t p, size_t q, size_t *first, size_t *stop)
{
    size_t bits = 8 * t->size, low = 0, high = p;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (can_match(t, middle, p))
            high = middle;
        else
            low = middle + 1;
    }
    *first = first_with(&t->a, low);
    low = q, high = bits;
    while (low < high) {
        size_t middle = (low + high + 1) / 2;
        if (can_match(t, middle, q))
            low = middle;
        else
            high = middle - 1;
    }
    *stop = first_with(&t->a, low + 1);
}

static int scan_piece(void *context, size_t piece, dk_hits *hits)
{
    const pieces *work = context;
    const tiling *t = work->tiling;
    size_t row = piece / work->pieces_b * PIECE_ROWS, block = piece % work->pieces_b * TILE_BLOCKS;
    size_t blocks = (t->b.count + LANES - 1) / LANES;
    size_t stop_block = block + TILE_BLOCKS < blocks ? block + TILE_BLOCKS : blocks;
    size_t first, stop;
    rows_to_compare(t, t->b.popcounts[block * LANES], t->b.popcounts[stop_block * LANES - 1], &first, &stop);
    first = first < row ? row : first - first % work->scanner->rows;
    stop = stop < row + PIECE_ROWS ? stop : row + PIECE_ROWS;
    return first < stop ? work->scanner->scan(t, first, stop, block, stop_block, hits) : DK_OK;
}

/* Arranges both sides; side b, whose blocks are padded, is the larger. */
static int arrange(tiling *t, const rectangle *r, const scanner *scanner)
{
    int sampled = r->n * r->m >= scanner->min_sampled;
    uint32_t bit_order[8 * DK_MAX_SIZE];
    if (sampled && find_bit_order(r->a, r->n, r->b, r->m, r->size, bit_order))
        return DK_NO_MEMORY;
    side *side_a = t->swapped ? &t->b : &t->a, *side_b = t->swapped ? &t->a : &t->b;
    side_a->first_row = r->row_a;
    side_b->first_row = r->row_b;
    const uint32_t *order = sampled ? bit_order : NULL;
    if (arrange_side(side_a, r->a, r->n, r->size, r->popcounts_a, order, scanner->planes, t->swapped)
        || arrange_side(side_b, r->b, r->m, r->size, r->popcounts_b, order, scanner->planes, !t->swapped))
        return DK_NO_MEMORY;
    if (sampled) {
        choose_prefix(t, scanner);
        count_remaining(t, scanner->planes);
    }
    return DK_OK;
}

static int compare_tiled(const rectangle *r, const scanner *scanner, int threads, dk_hits *hits)
{
    tiling t = {.size = r->size, .words = r->size / 4, .prefix = r->size / 4, .swapped = r->n > r->m,
                .threshold = r->threshold, .least = r->least};
    int code = arrange(&t, r, scanner);
    if (code == DK_OK) {
        size_t blocks = (t.b.count + LANES - 1) / LANES, pieces_b = (blocks + TILE_BLOCKS - 1) / TILE_BLOCKS;
        size_t count = pieces_b * ((t.a.count + PIECE_ROWS - 1) / PIECE_ROWS);
        pieces work = {.tiling = &t, .scanner = scanner, .pieces_b = pieces_b};
        code = dk_run_pieces(count, threads, scan_piece, &work, hits);
    }
    free_side(&t.a);
    free_side(&t.b);
    return code;
}

int dk_compare_rectangle(const rectangle *r, const scanner *scanner, int threads, dk_hits *hits)
{
    if (r->n * r->m < MIN_TILED)
        return scanner->scan_pairs(r, hits);
    return compare_tiled(r, scanner, threads, hits);
}
