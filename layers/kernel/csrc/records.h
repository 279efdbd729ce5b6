/* Candidate pairs as columns, and compact numbers for the records that occur in them.
 *
 * Shared by solve.c and components.c. Record numbers may lie anywhere in 32 bits, so tables by record
 * number would follow the largest number and not the input; every record that occurs gets an id
 * instead, 0, 1, ... in the order of (dataset, record).
 */
#ifndef DICE_KERNEL_RECORDS_H
#define DICE_KERNEL_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernel.h"

static inline uint32_t column_at(const unsigned char *column, ptrdiff_t stride, size_t position)
{
    uint32_t value; /* by memcpy, because the fields of packed structures need not be aligned */
    memcpy(&value, column + stride * (ptrdiff_t)position, sizeof value);
    return value;
}

typedef struct {
    uint32_t dataset_a, dataset_b, record_a, record_b;
} dk_pair;

static inline dk_pair pair_at(const dk_pairs *pairs, size_t position)
{
    return (dk_pair){
        column_at(pairs->dataset_a, pairs->stride, position),
        column_at(pairs->dataset_b, pairs->stride, position),
        column_at(pairs->record_a, pairs->stride, position),
        column_at(pairs->record_b, pairs->stride, position),
    };
}

static inline uint64_t record_key(uint32_t dataset, uint32_t record)
{
    return (uint64_t)dataset << 32 | record;
}

/* The finaliser of MurmurHash3 (Appleby): every bit of the key changes about half of the bits. */
static inline uint64_t mixed(uint64_t key)
{
    key = (key ^ key >> 33) * UINT64_C(0xff51afd7ed558ccd);
    key = (key ^ key >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return key ^ key >> 33;
}

/* A hash table from keys to ids with linear probing; at most three quarters of its slots are used. */
typedef struct {
    uint64_t key;
    uint32_t id;
    uint32_t is_used;
} key_slot;

typedef struct {
    key_slot *slots;
    size_t slot_count; /* a power of two, or 0 before the first insertion */
    size_t used_count;
} key_table;

/* The slot of ``key``, or NULL. */
static inline key_slot *key_table_find(const key_table *table, uint64_t key)
{
    if (table->slot_count == 0)
        return NULL;
    size_t mask = table->slot_count - 1;
    for (size_t place = mixed(key) & mask;; place = (place + 1) & mask) {
        key_slot *slot = &table->slots[place];
        if (!slot->is_used)
            return NULL;
        if (slot->key == key)
            return slot;
    }
}

/* Insert ``key``, which must not be in the table. DK_NO_MEMORY leaves the table as it was. */
int key_table_insert(key_table *table, uint64_t key, uint32_t id);

/* Sort ``keys``, (count,), by their bits from ``low_bit`` on, ascending. Takes as much memory again. */
int sort_keys(uint64_t *keys, size_t count, unsigned low_bit);

/* 64 neighbouring record numbers of a data set: which occur, and the id of the first that does. */
typedef struct {
    uint64_t bits;
    uint64_t first_id;
} ranked_word;

/* Ids by one of two means: ranked words, where the numbers are dense enough that they take no more
 * memory than the pairs do, else a hash table and a sorted list of the keys. */
typedef struct {
    uint32_t record_count;
    ranked_word *words; /* NULL if there is a table */
    size_t *first_words; /* by data set, and the end */
    uint32_t dataset_count;
    key_table table;
    uint64_t *keys; /* by id */
} record_index;

/* Number the records of ``pairs``. Freed by record_index_free, also after an error. */
int record_index_build(const dk_pairs *pairs, record_index *index);
void record_index_free(record_index *index);

static inline unsigned bit_count(uint64_t bits)
{
    /* In plain arithmetic: without a flag for newer processors compilers call a function instead. */
    bits -= bits >> 1 & UINT64_C(0x5555555555555555);
    bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
    bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)(bits * UINT64_C(0x0101010101010101) >> 56);
}

/* The id of a record that occurs. */
static inline uint32_t record_id(const record_index *index, uint32_t dataset, uint32_t record)
{
    if (index->words == NULL)
        return key_table_find(&index->table, record_key(dataset, record))->id;
    const ranked_word *word = &index->words[index->first_words[dataset] + record / 64];
    uint64_t below = word->bits & ((UINT64_C(1) << record % 64) - 1);
    return (uint32_t)word->first_id + bit_count(below);
}

/* Ids of the records of some pairs: they are looked up together so that callers can fetch what the ids
 * lead to ahead of its use, which waits for memory otherwise. */
enum { BATCH = 64 };
typedef uint32_t id_batch[BATCH][2];

/* Look up the ids of at most BATCH pairs from ``start`` on; returns how many. */
static inline size_t next_batch(const dk_pairs *pairs, size_t start, const record_index *index, id_batch ids)
{
    size_t size = pairs->count - start < BATCH ? pairs->count - start : BATCH;
    for (size_t i = 0; i < size; i++) {
        dk_pair pair = pair_at(pairs, start + i);
        ids[i][0] = record_id(index, pair.dataset_a, pair.record_a);
        ids[i][1] = record_id(index, pair.dataset_b, pair.record_b);
    }
    return size;
}

/* Goes through the records in the order of their ids. */
typedef struct {
    const record_index *index;
    uint32_t next_id;
    uint32_t dataset;
    size_t word;
    uint64_t bits; /* of the word, those not given yet */
} record_cursor;

record_cursor first_record(const record_index *index);

/* The key of the next record; there must be one. */
uint64_t next_record(record_cursor *cursor);

#endif
