/* Compact numbers for records: see records.h. */
#include "records.h"

#include <stdlib.h>

enum {
    RANKED_DATASETS = 4096,   /* with more data sets than this the table of their ends would be no trifle */
    RANKED_WORDS_FREE = 4096, /* 64 KiB, however few pairs there are */
    SMALLEST_TABLE = 64,
    DIGIT_BITS = 11,
    DIGITS = 1 << DIGIT_BITS,
};

static size_t free_place(const key_slot *slots, size_t slot_count, uint64_t key)
{
    size_t place = mixed(key) & (slot_count - 1);
    while (slots[place].is_used)
        place = (place + 1) & (slot_count - 1);
    return place;
}

static int grow_table(key_table *table)
{
    size_t slot_count = table->slot_count ? 2 * table->slot_count : SMALLEST_TABLE;
    key_slot *slots = calloc(slot_count, sizeof *slots);
    if (slots == NULL)
        return DK_NO_MEMORY;
    for (size_t place = 0; place < table->slot_count; place++) {
        const key_slot *slot = &table->slots[place];
        if (slot->is_used)
            slots[free_place(slots, slot_count, slot->key)] = *slot;
    }
    free(table->slots);
    table->slots = slots;
    table->slot_count = slot_count;
    return DK_OK;
}

int key_table_insert(key_table *table, uint64_t key, uint32_t id)
{
    if (4 * (table->used_count + 1) > 3 * table->slot_count) {
        int status = grow_table(table);
        if (status != DK_OK)
            return status;
    }
    size_t place = free_place(table->slots, table->slot_count, key);
    table->slots[place] = (key_slot){key, id, 1};
    table->used_count++;
    return DK_OK;
}

/* One pass of a radix sort. False if all keys have the same digit, so that nothing was moved. */
static bool sort_by_digit(const uint64_t *keys, uint64_t *sorted, size_t count, unsigned low_bit)
{
    size_t ends[DIGITS] = {0};
    for (size_t i = 0; i < count; i++)
        ends[keys[i] >> low_bit & (DIGITS - 1)]++;
    if (ends[keys[0] >> low_bit & (DIGITS - 1)] == count)
        return false;
    size_t start = 0;
    for (size_t digit = 0; digit < DIGITS; digit++) {
        size_t size = ends[digit];
        ends[digit] = start;
        start += size;
    }
    for (size_t i = 0; i < count; i++)
        sorted[ends[keys[i] >> low_bit & (DIGITS - 1)]++] = keys[i];
    return true;
}

int sort_keys(uint64_t *keys, size_t count, unsigned low_bit)
{
    if (count < 2)
        return DK_OK;
    uint64_t *scratch = malloc(count * sizeof *scratch);
    if (scratch == NULL)
        return DK_NO_MEMORY;
    uint64_t *from = keys, *to = scratch;
    for (unsigned bit = low_bit; bit < 64; bit += DIGIT_BITS)
        if (sort_by_digit(from, to, count, bit)) {
            uint64_t *swapped = from;
            from = to;
            to = swapped;
        }
    if (from != keys)
        memcpy(keys, from, count * sizeof *keys);
    free(scratch);
    return DK_OK;
}

/* The number of data sets, 0 if there are too many for ranked words; ``lengths`` gets the end of each. */
static uint32_t measure_datasets(const dk_pairs *pairs, uint64_t *lengths)
{
    uint32_t dataset_count = 0;
    for (size_t i = 0; i < pairs->count; i++) {
        dk_pair pair = pair_at(pairs, i);
        uint32_t larger = pair.dataset_a > pair.dataset_b ? pair.dataset_a : pair.dataset_b;
        if (larger >= RANKED_DATASETS)
            return 0;
        if (larger >= dataset_count)
            dataset_count = larger + 1;
        if (pair.record_a >= lengths[pair.dataset_a])
            lengths[pair.dataset_a] = (uint64_t)pair.record_a + 1;
        if (pair.record_b >= lengths[pair.dataset_b])
            lengths[pair.dataset_b] = (uint64_t)pair.record_b + 1;
    }
    return dataset_count;
}

static void mark(record_index *index, uint32_t dataset, uint32_t record)
{
    index->words[index->first_words[dataset] + record / 64].bits |= UINT64_C(1) << record % 64;
}

static void rank(const dk_pairs *pairs, record_index *index)
{
    for (size_t i = 0; i < pairs->count; i++) {
        dk_pair pair = pair_at(pairs, i);
        mark(index, pair.dataset_a, pair.record_a);
        mark(index, pair.dataset_b, pair.record_b);
    }
    size_t word_count = index->first_words[index->dataset_count];
    for (size_t word = 0; word < word_count; word++) {
        index->words[word].first_id = index->record_count;
        index->record_count += bit_count(index->words[word].bits);
    }
}

/* Leaves ``words`` NULL if the numbers are too sparse. */
static int build_ranked(const dk_pairs *pairs, record_index *index)
{
    uint64_t *lengths = calloc(RANKED_DATASETS, sizeof *lengths);
    if (lengths == NULL)
        return DK_NO_MEMORY;
    index->dataset_count = measure_datasets(pairs, lengths);
    index->first_words = calloc((size_t)index->dataset_count + 1, sizeof *index->first_words);
    if (index->first_words == NULL) {
        free(lengths);
        return DK_NO_MEMORY;
    }
    for (uint32_t dataset = 0; dataset < index->dataset_count; dataset++)
        index->first_words[dataset + 1] = index->first_words[dataset] + (size_t)((lengths[dataset] + 63) / 64);
    free(lengths);
    size_t word_count = index->first_words[index->dataset_count];
    /* 16 bytes a word against 24 of a pair */
    if (word_count == 0 || word_count > RANKED_WORDS_FREE + pairs->count / 2 * 3)
        return DK_OK;
    index->words = calloc(word_count, sizeof *index->words);
    if (index->words == NULL)
        return DK_NO_MEMORY;
    rank(pairs, index);
    return DK_OK;
}

static int insert_if_new(key_table *table, uint64_t key)
{
    return key_table_find(table, key) ? DK_OK : key_table_insert(table, key, 0);
}

static int build_table(const dk_pairs *pairs, record_index *index)
{
    key_table *table = &index->table;
    for (size_t i = 0; i < pairs->count; i++) {
        dk_pair pair = pair_at(pairs, i);
        int status = insert_if_new(table, record_key(pair.dataset_a, pair.record_a));
        if (status == DK_OK)
            status = insert_if_new(table, record_key(pair.dataset_b, pair.record_b));
        if (status != DK_OK)
            return status;
    }
    index->keys = malloc((table->used_count + 1) * sizeof *index->keys);
    if (index->keys == NULL)
        return DK_NO_MEMORY;
    for (size_t place = 0; place < table->slot_count; place++)
        if (table->slots[place].is_used)
            index->keys[index->record_count++] = table->slots[place].key;
    int status = sort_keys(index->keys, index->record_count, 0);
    if (status != DK_OK)
        return status;
    for (uint32_t id = 0; id < index->record_count; id++)
        key_table_find(table, index->keys[id])->id = id;
    return DK_OK;
}

int record_index_build(const dk_pairs *pairs, record_index *index)
{
    memset(index, 0, sizeof *index);
    if (pairs->count > INT32_MAX) /* twice as many records would have no room for a marker in 32 bits */
        return DK_BAD_ARGUMENT;
    int status = build_ranked(pairs, index);
    if (status == DK_OK && index->words == NULL)
        status = build_table(pairs, index);
    return status;
}

void record_index_free(record_index *index)
{
    free(index->words);
    free(index->first_words);
    free(index->table.slots);
    free(index->keys);
}

record_cursor first_record(const record_index *index)
{
    uint64_t bits = index->words == NULL ? 0 : index->words[0].bits;
    return (record_cursor){index, 0, 0, 0, bits};
}

static unsigned lowest_bit(uint64_t bits)
{
    return (unsigned)__builtin_ctzll(bits);
}

uint64_t next_record(record_cursor *cursor)
{
    const record_index *index = cursor->index;
    if (index->words == NULL)
        return index->keys[cursor->next_id++];
    while (cursor->bits == 0)
        cursor->bits = index->words[++cursor->word].bits;
    while (cursor->word >= index->first_words[cursor->dataset + 1])
        cursor->dataset++;
    size_t word = cursor->word - index->first_words[cursor->dataset];
    uint64_t key = record_key(cursor->dataset, (uint32_t)(64 * word + lowest_bit(cursor->bits)));
    cursor->bits &= cursor->bits - 1;
    cursor->next_id++;
    return key;
}
