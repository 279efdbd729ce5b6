/* The list of hits: a chain of chunks that double in size up to a limit. */
#include "kernel.h"

#include <stdlib.h>

enum { FIRST_CHUNK = 64, LARGEST_CHUNK = 1 << 16 }; /* hits; 1 kB and 1 MB */

typedef struct {
    double score;
    uint32_t row_a, row_b;
} hit;

typedef struct chunk {
    struct chunk *next;
    size_t used, capacity; /* hits */
    hit hits[];
} chunk;

struct dk_hits {
    chunk *first, *last;
    size_t count;
};

dk_hits *dk_hits_new(void)
{
    return calloc(1, sizeof(dk_hits));
}

/* A new chunk at the end, or NULL. */
static chunk *add_chunk(dk_hits *hits)
{
    size_t capacity = FIRST_CHUNK;
    if (hits->last)
        capacity = hits->last->capacity < LARGEST_CHUNK ? 2 * hits->last->capacity : LARGEST_CHUNK;
    chunk *added = malloc(sizeof(chunk) + capacity * sizeof(hit));
    if (!added)
        return NULL;
    *added = (chunk){.next = NULL, .used = 0, .capacity = capacity};
    if (hits->last)
        hits->last->next = added;
    else
        hits->first = added;
    hits->last = added;
    return added;
}

int dk_hits_append(dk_hits *hits, double score, uint32_t row_a, uint32_t row_b)
{
    chunk *last = hits->last;
    if (!last || last->used == last->capacity) {
        last = add_chunk(hits);
        if (!last)
            return DK_NO_MEMORY;
    }
    last->hits[last->used++] = (hit){score, row_a, row_b};
    hits->count++;
    return DK_OK;
}

void dk_hits_join(dk_hits *into, dk_hits *from)
{
    if (!from->first)
        return;
    if (into->last)
        into->last->next = from->first;
    else
        into->first = from->first;
    into->last = from->last;
    into->count += from->count;
    *from = (dk_hits){0};
}

size_t dk_hits_count(const dk_hits *hits)
{
    return hits->count;
}

void dk_hits_copy(const dk_hits *hits, double *scores, uint32_t *rows_a, uint32_t *rows_b)
{
    for (const chunk *from = hits->first; from; from = from->next)
        for (size_t i = 0; i < from->used; i++) {
            *scores++ = from->hits[i].score;
            *rows_a++ = from->hits[i].row_a;
            *rows_b++ = from->hits[i].row_b;
        }
}

void dk_hits_free(dk_hits *hits)
{
    if (!hits)
        return;
    for (chunk *next, *freed = hits->first; freed; freed = next) {
        next = freed->next;
        free(freed);
    }
    free(hits);
}
