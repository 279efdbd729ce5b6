/* Groups of records from candidate pairs, greedily: the partition of anonlink's greedy_solve.
 *
 * Every record starts as a group of its own. Pairs are taken in their order, and two groups become one
 * as soon as every record of the one has been paired with every record of the other, that is, when the
 * number of pairs seen between them reaches the product of their sizes.
 */
#include <stdlib.h>

#include "records.h"

/* ---- the result ---- */

/* The number of groups, their sizes, and data set and record of each member, in one allocation. */
static uint32_t *new_groups(size_t group_count, size_t member_count, size_t *length)
{
    *length = 1 + group_count + 2 * member_count;
    uint32_t *groups = malloc(*length * sizeof *groups);
    if (groups != NULL)
        groups[0] = (uint32_t)group_count;
    return groups;
}

void dk_free_groups(uint32_t *groups)
{
    free(groups);
}

/* ---- two data sets ----
 *
 * Records of one data set are never paired with each other, so a group has one record of each at most,
 * and a pair makes a group if and only if both of its records are still free.
 */

/* Which records have been taken: a bit each, or a table where bits would take more than the pairs. */
typedef struct {
    uint64_t *bits; /* NULL if there is a table */
    uint64_t first_bits[2];
    key_table table;
} taken_records;

typedef struct {
    uint32_t datasets[2];
    uint64_t lengths[2]; /* one more than the largest record number */
} two_datasets;

static uint64_t longer(uint64_t length, uint32_t record)
{
    return record >= length ? (uint64_t)record + 1 : length;
}

/* False if there are more data sets than two, or only one; stops at the first pair that shows it. */
static bool find_two_datasets(const dk_pairs *pairs, two_datasets *found)
{
    dk_pair first = pair_at(pairs, 0);
    bool is_ordered = first.dataset_a < first.dataset_b;
    *found = (two_datasets){{is_ordered ? first.dataset_a : first.dataset_b,
                             is_ordered ? first.dataset_b : first.dataset_a}, {0, 0}};
    if (first.dataset_a == first.dataset_b)
        return false;
    for (size_t i = 0; i < pairs->count; i++) {
        dk_pair pair = pair_at(pairs, i);
        int side_a = pair.dataset_a != found->datasets[0];
        if (pair.dataset_a != found->datasets[side_a] || pair.dataset_b != found->datasets[!side_a])
            return false;
        found->lengths[side_a] = longer(found->lengths[side_a], pair.record_a);
        found->lengths[!side_a] = longer(found->lengths[!side_a], pair.record_b);
    }
    return true;
}

static int prepare_taken(taken_records *taken, const two_datasets *two, size_t pair_count)
{
    enum { FREE_WORDS = 8192 }; /* 64 KiB, however few pairs there are */
    memset(taken, 0, sizeof *taken);
    taken->first_bits[1] = two->lengths[0];
    uint64_t word_count = (two->lengths[0] + two->lengths[1] + 63) / 64;
    if (word_count > FREE_WORDS + 3 * (uint64_t)pair_count) /* 24 bytes a pair */
        return DK_OK;
    taken->bits = calloc((size_t)word_count, sizeof *taken->bits);
    return taken->bits == NULL ? DK_NO_MEMORY : DK_OK;
}

static bool is_taken(const taken_records *taken, int side, uint32_t record)
{
    if (taken->bits == NULL)
        return key_table_find(&taken->table, record_key((uint32_t)side, record)) != NULL;
    uint64_t bit = taken->first_bits[side] + record;
    return taken->bits[bit / 64] >> bit % 64 & 1;
}

static int take(taken_records *taken, int side, uint32_t record)
{
    if (taken->bits == NULL)
        return key_table_insert(&taken->table, record_key((uint32_t)side, record), 0);
    uint64_t bit = taken->first_bits[side] + record;
    taken->bits[bit / 64] |= UINT64_C(1) << bit % 64;
    return DK_OK;
}

/* Matches, as record of the first data set and record of the second in one key each. */
typedef struct {
    uint64_t *keys;
    size_t count, capacity;
} match_list;

static int append_match(match_list *matches, uint64_t key)
{
    if (matches->count == matches->capacity) {
        size_t capacity = matches->capacity ? matches->capacity + matches->capacity / 2 : 1024;
        uint64_t *keys = realloc(matches->keys, capacity * sizeof *keys);
        if (keys == NULL)
            return DK_NO_MEMORY;
        matches->keys = keys;
        matches->capacity = capacity;
    }
    matches->keys[matches->count++] = key;
    return DK_OK;
}

static int match_pairs(const dk_pairs *pairs, const two_datasets *two, taken_records *taken,
                       match_list *matches)
{
    for (size_t i = 0; i < pairs->count; i++) {
        dk_pair pair = pair_at(pairs, i);
        bool is_ordered = pair.dataset_a == two->datasets[0];
        uint32_t first = is_ordered ? pair.record_a : pair.record_b;
        uint32_t second = is_ordered ? pair.record_b : pair.record_a;
        if (is_taken(taken, 0, first) || is_taken(taken, 1, second))
            continue;
        int status = take(taken, 0, first);
        if (status == DK_OK)
            status = take(taken, 1, second);
        if (status == DK_OK)
            status = append_match(matches, record_key(first, second));
        if (status != DK_OK)
            return status;
    }
    return DK_OK;
}

static int write_matches(const match_list *matches, const two_datasets *two, uint32_t **groups, size_t *length)
{
    *groups = new_groups(matches->count, 2 * matches->count, length);
    if (*groups == NULL)
        return DK_NO_MEMORY;
    uint32_t *sizes = *groups + 1, *members = sizes + matches->count;
    for (size_t i = 0; i < matches->count; i++) {
        sizes[i] = 2;
        members[4 * i] = two->datasets[0];
        members[4 * i + 1] = (uint32_t)(matches->keys[i] >> 32);
        members[4 * i + 2] = two->datasets[1];
        members[4 * i + 3] = (uint32_t)matches->keys[i];
    }
    return DK_OK;
}

static int solve_two(const dk_pairs *pairs, const two_datasets *two, uint32_t **groups, size_t *length)
{
    taken_records taken;
    match_list matches = {NULL, 0, 0};
    int status = prepare_taken(&taken, two, pairs->count);
    if (status == DK_OK)
        status = match_pairs(pairs, two, &taken, &matches);
    free(taken.bits);
    free(taken.table.slots);
    if (status == DK_OK)
        status = sort_keys(matches.keys, matches.count, 32); /* a record of the first is in one match */
    if (status == DK_OK)
        status = write_matches(&matches, two, groups, length);
    free(matches.keys);
    return status;
}

/* ---- any number of data sets ---- */

#define NONE UINT32_MAX /* no link */

/* A record, and as long as it is its own parent the group of all records whose parents lead to it. */
typedef struct {
    uint32_t parent;
    uint32_t size;
    uint32_t least_degree; /* the least number of pairs that any member is in, of all pairs */
    uint32_t datasets;     /* bit d: has a record of data set d, and no pair is within d */
    uint32_t first_link;
    uint32_t link_count; /* links in the list, those that are gone included */
} group;

/* That pairs have been seen between two groups that may yet become one. It is in the list of each of
 * the two, and in a chain of the hash table. A link that is gone (count 0) stays in lists until they
 * are gone through. */
typedef struct {
    uint32_t groups[2];
    uint32_t next[2]; /* in the lists of the two */
    uint32_t count;   /* of pairs */
    uint32_t next_in_chain;
} group_link;

typedef struct {
    group *groups; /* by record id */
    group_link *links;
    size_t link_count, link_capacity;
    uint32_t *chains; /* first links, by hash */
    size_t chain_count; /* a power of two, or 0 */
} solver;

static uint32_t find_group(group *groups, uint32_t id)
{
    while (groups[id].parent != id) {
        groups[id].parent = groups[groups[id].parent].parent; /* halves the path */
        id = groups[id].parent;
    }
    return id;
}

static bool can_join(const group *g, const group *h)
{
    /* Two records of a data set within which there are no pairs are never in one group. */
    if (g->datasets & h->datasets)
        return false;
    /* A member needs a pair with every other; what fails now fails for larger groups, too. */
    uint32_t least_degree = g->least_degree < h->least_degree ? g->least_degree : h->least_degree;
    return least_degree >= g->size + h->size - 1;
}

static uint32_t *chain_of(const solver *s, uint32_t g, uint32_t h)
{
    uint64_t key = g < h ? record_key(g, h) : record_key(h, g);
    return &s->chains[mixed(key) & (s->chain_count - 1)];
}

static group_link *find_link(const solver *s, uint32_t g, uint32_t h)
{
    if (s->chain_count == 0)
        return NULL;
    for (uint32_t at = *chain_of(s, g, h); at != NONE; at = s->links[at].next_in_chain) {
        group_link *link = &s->links[at];
        if ((link->groups[0] == g && link->groups[1] == h) || (link->groups[0] == h && link->groups[1] == g))
            return link;
    }
    return NULL;
}

static void enter_chain(solver *s, uint32_t at)
{
    group_link *link = &s->links[at];
    uint32_t *chain = chain_of(s, link->groups[0], link->groups[1]);
    link->next_in_chain = *chain;
    *chain = at;
}

static void leave_chain(solver *s, uint32_t at)
{
    group_link *link = &s->links[at];
    uint32_t *place = chain_of(s, link->groups[0], link->groups[1]);
    while (*place != at)
        place = &s->links[*place].next_in_chain;
    *place = link->next_in_chain;
}

static int side_of(const group_link *link, uint32_t g)
{
    return link->groups[1] == g;
}

static void enter_list(solver *s, uint32_t at, uint32_t g)
{
    group_link *link = &s->links[at];
    link->next[side_of(link, g)] = s->groups[g].first_link;
    s->groups[g].first_link = at;
    s->groups[g].link_count++;
}

static int grow_chains(solver *s)
{
    size_t chain_count = s->chain_count ? 2 * s->chain_count : 1024;
    uint32_t *chains = malloc(chain_count * sizeof *chains);
    if (chains == NULL)
        return DK_NO_MEMORY;
    memset(chains, 0xff, chain_count * sizeof *chains); /* NONE */
    free(s->chains);
    s->chains = chains;
    s->chain_count = chain_count;
    for (size_t at = 0; at < s->link_count; at++)
        if (s->links[at].count)
            enter_chain(s, (uint32_t)at);
    return DK_OK;
}

static int grow_links(solver *s)
{
    size_t capacity = s->link_capacity ? s->link_capacity + s->link_capacity / 2 : 1024;
    group_link *links = realloc(s->links, capacity * sizeof *links);
    if (links == NULL)
        return DK_NO_MEMORY;
    s->links = links;
    s->link_capacity = capacity;
    return DK_OK;
}

static int add_link(solver *s, uint32_t g, uint32_t h)
{
    int status = s->link_count == s->link_capacity ? grow_links(s) : DK_OK;
    if (status == DK_OK && s->link_count == s->chain_count)
        status = grow_chains(s);
    if (status != DK_OK)
        return status;
    uint32_t at = (uint32_t)s->link_count++;
    s->links[at] = (group_link){{g, h}, {NONE, NONE}, 1, NONE};
    enter_chain(s, at);
    enter_list(s, at, g);
    enter_list(s, at, h);
    return DK_OK;
}

/* Give a link of ``from``, which has become part of ``to``, to that group. */
static void move_link(solver *s, uint32_t at, uint32_t from, uint32_t to)
{
    group_link *link = &s->links[at];
    int side = side_of(link, from);
    uint32_t other = link->groups[!side];
    leave_chain(s, at);
    if (other == to || !can_join(&s->groups[to], &s->groups[other])) {
        link->count = 0;
        return;
    }
    group_link *existing = find_link(s, to, other);
    if (existing != NULL) {
        /* Never the product of the sizes: a part of either alone would have become one with ``other``. */
        existing->count += link->count;
        link->count = 0;
        return;
    }
    link->groups[side] = to;
    enter_chain(s, at);
    enter_list(s, at, to);
}

static void join(solver *s, uint32_t g, uint32_t h)
{
    /* Moving the shorter list moves each link O(log n) times in all. */
    bool is_longer = s->groups[g].link_count >= s->groups[h].link_count;
    uint32_t to = is_longer ? g : h, from = is_longer ? h : g;
    group *kept = &s->groups[to], *lost = &s->groups[from];
    kept->size += lost->size;
    kept->datasets |= lost->datasets;
    if (lost->least_degree < kept->least_degree)
        kept->least_degree = lost->least_degree;
    lost->parent = to;
    uint32_t at = lost->first_link;
    while (at != NONE) {
        uint32_t next = s->links[at].next[side_of(&s->links[at], from)];
        if (s->links[at].count)
            move_link(s, at, from, to);
        at = next;
    }
}

static int add_pair(solver *s, uint32_t id_a, uint32_t id_b)
{
    uint32_t g = find_group(s->groups, id_a), h = find_group(s->groups, id_b);
    if (g == h || !can_join(&s->groups[g], &s->groups[h]))
        return DK_OK;
    uint64_t product = (uint64_t)s->groups[g].size * s->groups[h].size;
    group_link *link = product == 1 ? NULL : find_link(s, g, h);
    uint32_t count = link == NULL ? 1 : link->count + 1;
    if (count >= product) {
        join(s, g, h);
        return DK_OK;
    }
    if (link == NULL)
        return add_link(s, g, h);
    link->count = count;
    return DK_OK;
}

static size_t next_groups(const dk_pairs *pairs, size_t start, const record_index *index, const group *groups,
                          id_batch ids)
{
    size_t size = next_batch(pairs, start, index, ids);
    for (size_t i = 0; i < size; i++) {
        __builtin_prefetch(&groups[ids[i][0]]);
        __builtin_prefetch(&groups[ids[i][1]]);
    }
    return size;
}

/* Bit d for each of the first 32 data sets within which there are no pairs. */
static uint32_t datasets_without_pairs_within(const dk_pairs *pairs)
{
    uint32_t datasets = UINT32_MAX;
    for (size_t i = 0; i < pairs->count; i++) {
        dk_pair pair = pair_at(pairs, i);
        if (pair.dataset_a == pair.dataset_b && pair.dataset_a < 32)
            datasets &= ~(UINT32_C(1) << pair.dataset_a);
    }
    return datasets;
}

static void start_groups(const dk_pairs *pairs, const record_index *index, group *groups)
{
    uint32_t datasets = datasets_without_pairs_within(pairs);
    record_cursor cursor = first_record(index);
    for (uint32_t id = 0; id < index->record_count; id++) {
        uint64_t dataset = next_record(&cursor) >> 32;
        uint32_t bit = dataset < 32 ? datasets & UINT32_C(1) << dataset : 0;
        groups[id] = (group){id, 1, 0, bit, NONE, 0};
    }
    id_batch ids;
    for (size_t start = 0; start < pairs->count; start += BATCH) {
        size_t size = next_groups(pairs, start, index, groups, ids);
        for (size_t i = 0; i < size; i++) {
            groups[ids[i][0]].least_degree++;
            groups[ids[i][1]].least_degree++;
        }
    }
}

static int add_pairs(solver *s, const dk_pairs *pairs, const record_index *index)
{
    id_batch ids;
    for (size_t start = 0; start < pairs->count; start += BATCH) {
        size_t size = next_groups(pairs, start, index, s->groups, ids);
        for (size_t i = 0; i < size; i++) {
            int status = add_pair(s, ids[i][0], ids[i][1]);
            if (status != DK_OK)
                return status;
        }
    }
    return DK_OK;
}

/* Records come in order, so groups are numbered by their first members, and members are sorted. */
static void write_members(const record_index *index, group *groups, uint32_t *sizes, uint32_t *members)
{
    size_t group_count = 0, member_count = 0;
    record_cursor cursor = first_record(index);
    for (uint32_t id = 0; id < index->record_count; id++) {
        uint64_t key = next_record(&cursor);
        group *root = &groups[find_group(groups, id)];
        if (root->size == 1)
            continue;
        /* Links are done with: first_link becomes the place of the next member. */
        if (root->link_count != NONE) {
            root->link_count = NONE;
            root->first_link = (uint32_t)member_count;
            sizes[group_count++] = root->size;
            member_count += root->size;
        }
        size_t place = root->first_link++;
        members[2 * place] = (uint32_t)(key >> 32);
        members[2 * place + 1] = (uint32_t)key;
    }
}

static int write_groups(const record_index *index, group *groups, uint32_t **written, size_t *length)
{
    size_t group_count = 0, member_count = 0;
    for (uint32_t id = 0; id < index->record_count; id++)
        if (groups[id].parent == id && groups[id].size > 1) {
            group_count++;
            member_count += groups[id].size;
        }
    *written = new_groups(group_count, member_count, length);
    if (*written == NULL)
        return DK_NO_MEMORY;
    uint32_t *sizes = *written + 1;
    write_members(index, groups, sizes, sizes + group_count);
    return DK_OK;
}

static int solve_many(const dk_pairs *pairs, uint32_t **groups, size_t *length)
{
    record_index index;
    solver s = {0};
    int status = record_index_build(pairs, &index);
    if (status == DK_OK) {
        s.groups = malloc(((size_t)index.record_count + 1) * sizeof *s.groups);
        status = s.groups == NULL ? DK_NO_MEMORY : DK_OK;
    }
    if (status == DK_OK) {
        start_groups(pairs, &index, s.groups);
        status = add_pairs(&s, pairs, &index);
    }
    free(s.links);
    free(s.chains);
    if (status == DK_OK)
        status = write_groups(&index, s.groups, groups, length);
    free(s.groups);
    record_index_free(&index);
    return status;
}

int dk_solve(const dk_pairs *pairs, uint32_t **groups, size_t *length)
{
    two_datasets two;
    if (pairs->count > INT32_MAX)
        return DK_BAD_ARGUMENT;
    if (pairs->count > 0 && find_two_datasets(pairs, &two))
        return solve_two(pairs, &two, groups, length);
    return solve_many(pairs, groups, length);
}
