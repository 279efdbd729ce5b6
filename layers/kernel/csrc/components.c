/* Connected components of candidate pairs, which can be solved apart from each other.
 *
 * A forest over the records, in which every tree has its smallest number at the root: what comes out
 * doesn't depend on the order of the pairs.
 */
#include <stdlib.h>

#include "records.h"

static uint32_t find_root(uint32_t *parents, uint32_t id)
{
    while (parents[id] != id) {
        parents[id] = parents[parents[id]]; /* halves the path */
        id = parents[id];
    }
    return id;
}

static void unite(uint32_t *parents, uint32_t id_a, uint32_t id_b)
{
    uint32_t a = find_root(parents, id_a), b = find_root(parents, id_b);
    if (a < b)
        parents[b] = a;
    else
        parents[a] = b;
}

/* The number of a record that counts through all data sets; false if there is no such record. */
static bool record_number(const uint32_t *first_numbers, uint32_t dataset_count, uint32_t dataset,
                          uint32_t record, uint32_t *number)
{
    if (dataset >= dataset_count || record >= first_numbers[dataset + 1] - first_numbers[dataset])
        return false;
    *number = first_numbers[dataset] + record;
    return true;
}

int dk_unite_records(const dk_pairs *pairs, const uint32_t *first_numbers, uint32_t dataset_count,
                     uint32_t *parents)
{
    for (size_t i = 0; i < pairs->count; i++) {
        dk_pair pair = pair_at(pairs, i);
        uint32_t a, b;
        if (!record_number(first_numbers, dataset_count, pair.dataset_a, pair.record_a, &a)
            || !record_number(first_numbers, dataset_count, pair.dataset_b, pair.record_b, &b))
            return DK_BAD_ARGUMENT;
        unite(parents, a, b);
    }
    return DK_OK;
}

int dk_label_pairs(const dk_pairs *pairs, const uint32_t *first_numbers, uint32_t dataset_count,
                   uint32_t *parents, uint32_t *labels)
{
    for (size_t i = 0; i < pairs->count; i++) {
        dk_pair pair = pair_at(pairs, i);
        uint32_t a;
        if (!record_number(first_numbers, dataset_count, pair.dataset_a, pair.record_a, &a))
            return DK_BAD_ARGUMENT;
        labels[i] = find_root(parents, a);
    }
    return DK_OK;
}

/* Unite the records of all pairs, and number the components in the order of their first pairs. */
static uint32_t label_components(const dk_pairs *pairs, const record_index *index, uint32_t *parents,
                                 uint32_t *numbers, uint32_t *labels)
{
    for (uint32_t id = 0; id < index->record_count; id++)
        parents[id] = id;
    id_batch ids;
    for (size_t start = 0; start < pairs->count; start += BATCH) {
        size_t size = next_batch(pairs, start, index, ids);
        for (size_t i = 0; i < size; i++) {
            __builtin_prefetch(&parents[ids[i][0]]);
            __builtin_prefetch(&parents[ids[i][1]]);
        }
        for (size_t i = 0; i < size; i++) {
            labels[start + i] = ids[i][0];
            unite(parents, ids[i][0], ids[i][1]);
        }
    }
    uint32_t component_count = 0;
    for (size_t i = 0; i < pairs->count; i++) {
        uint32_t root = find_root(parents, labels[i]);
        if (numbers[root] == UINT32_MAX)
            numbers[root] = component_count++;
        labels[i] = numbers[root];
    }
    return component_count;
}

int dk_components(const dk_pairs *pairs, uint32_t *labels, uint32_t *component_count)
{
    record_index index;
    uint32_t *parents = NULL, *numbers = NULL;
    int status = record_index_build(pairs, &index);
    if (status == DK_OK) {
        size_t bytes = ((size_t)index.record_count + 1) * sizeof *parents;
        parents = malloc(bytes);
        numbers = malloc(bytes);
        if (parents == NULL || numbers == NULL) {
            status = DK_NO_MEMORY;
        } else {
            memset(numbers, 0xff, bytes);
            *component_count = label_components(pairs, &index, parents, numbers, labels);
        }
    }
    free(parents);
    free(numbers);
    record_index_free(&index);
    return status;
}
