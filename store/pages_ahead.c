/*
 * pages_ahead - see pages_ahead.h
 *
 * LMDB's pages, as its own tools read them: a header of 16 bytes (number u64, unused u16, kind u16, end of the list
 * that follows u16, u16), then for each node a u16: where it lies in the page. A branch's node begins with the number
 * of the page below it, 48 bits in three u16, the lowest first. A table's own record in the main table holds its depth
 * and its root. All in the machine's byte order.
 *
 *     root - branches - ... - lowest branches - leaves
 *                             kept, in order    asked for, PAGES_AHEAD before the one that is read
 */
#include "store/pages_ahead.h"

#include "store/env.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DBI_MAIN     1u
#define RECORD_SIZE  48u /* of a table, in the main one */
#define RECORD_DEPTH 6u  /* u16 */
#define RECORD_ROOT  40u /* u64 */
#define DEPTH_MAX    32u /* LMDB's own bound */
#define PAGE_HEAD    16u
#define PAGE_KIND    10u /* u16 */
#define PAGE_END     12u /* u16 */
#define PAGE_BRANCH  1u
#define NODE_NUMBER  6u /* bytes of it */

struct pages_ahead {
    int fd;
    uint64_t pages; /* of the file */
    size_t page_size;
    uint8_t *page;      /* one of them */
    uint64_t *children; /* of that: page_size / 2 of them at most */
    uint64_t *branches; /* the lowest ones */
    size_t branch_count, branch_at, branch_max;
    uint64_t asked, passed; /* leaves */
    uintptr_t last;         /* the leaf that was read last, by its place in the map */
};

static uint16_t
u16_at(const uint8_t *bytes)
{
    uint16_t ret;

    memcpy(&ret, bytes, sizeof ret);
    return ret;
}

static void
ask(const struct pages_ahead *a, uint64_t page)
{
    (void)posix_fadvise(a->fd, (off_t)(page * a->page_size), (off_t)a->page_size, POSIX_FADV_WILLNEED);
}

/* The pages below this branch into a->children. Returns how many; 0: it is none that makes sense. */
static size_t
children_read(struct pages_ahead *a, uint64_t branch)
{
    const uint8_t *page = a->page;
    size_t count;

    if (pread(a->fd, a->page, a->page_size, (off_t)(branch * a->page_size)) != (ssize_t)a->page_size)
        return 0;
    if ((u16_at(page + PAGE_KIND) & PAGE_BRANCH) == 0 || u16_at(page + PAGE_END) < PAGE_HEAD ||
        u16_at(page + PAGE_END) > a->page_size)
        return 0;
    count = (u16_at(page + PAGE_END) - PAGE_HEAD) / sizeof(uint16_t);
    for (size_t i = 0; i < count; i++) {
        size_t at = u16_at(page + PAGE_HEAD + i * sizeof(uint16_t));

        if (at + NODE_NUMBER > a->page_size)
            return 0;
        a->children[i] = (uint64_t)u16_at(page + at) | (uint64_t)u16_at(page + at + 2) << 16 |
                         (uint64_t)u16_at(page + at + 4) << 32;
        if (a->children[i] >= a->pages)
            return 0;
    }
    return count;
}

/* From the branches of one level to those of the next. */
static bool
level_down(struct pages_ahead *a)
{
    uint64_t *below = malloc(a->branch_max * sizeof *below);
    size_t count = 0;

    if (below == NULL)
        return false;
    for (size_t i = 0; i < a->branch_count; i++) {
        size_t more = children_read(a, a->branches[i]);

        if (more == 0 || more > a->branch_max - count) {
            free(below);
            return false;
        }
        for (size_t k = 0; k < more; k++)
            ask(a, a->children[k]);
        memcpy(below + count, a->children, more * sizeof *below);
        count += more;
    }
    free(a->branches);
    a->branches = below;
    a->branch_count = count;
    return true;
}

static int
number_order(const void *one, const void *other)
{
    uint64_t a, b;

    memcpy(&a, one, sizeof a);
    memcpy(&b, other, sizeof b);
    return a < b ? -1 : a > b;
}

/* Asks until PAGES_AHEAD leaves are on their way, or all; those of a branch in the order in which they lie. */
static void
leaves_ask(struct pages_ahead *a)
{
    while (a->asked - a->passed < PAGES_AHEAD && a->branch_at < a->branch_count) {
        size_t count = children_read(a, a->branches[a->branch_at++]);

        qsort(a->children, count, sizeof *a->children, number_order);
        for (size_t i = 0; i < count; i++)
            ask(a, a->children[i]);
        a->asked += count;
    }
}

/* Root and depth out of the table's record, and what bounds the branches. False: they are not to be read. */
static bool
root_find(struct pages_ahead *a, MDB_txn *txn, const char *table, MDB_dbi dbi, unsigned *ret_depth)
{
    char name[16];
    MDB_val key = {.mv_size = strlen(table), .mv_data = name}, val;
    uint64_t root;
    MDB_stat stat;

    if (key.mv_size > sizeof name)
        return false;
    memcpy(name, table, key.mv_size);
    if (mdb_stat(txn, dbi, &stat) != 0 || mdb_get(txn, DBI_MAIN, &key, &val) != 0 || val.mv_size != RECORD_SIZE)
        return false;
    *ret_depth = u16_at((const uint8_t *)val.mv_data + RECORD_DEPTH);
    memcpy(&root, (const uint8_t *)val.mv_data + RECORD_ROOT, sizeof root);
    if (*ret_depth < 2 || *ret_depth > DEPTH_MAX || root >= a->pages || stat.ms_branch_pages > a->pages)
        return false;
    a->branch_max = stat.ms_branch_pages;
    a->branches = malloc(sizeof *a->branches);
    if (a->branches == NULL)
        return false;
    a->branches[0] = root;
    a->branch_count = 1;
    return true;
}

struct pages_ahead *
pages_ahead_begin(MDB_env *env, MDB_txn *txn, const char *table, MDB_dbi dbi)
{
    struct pages_ahead *a = calloc(1, sizeof *a);
    uint64_t page_size = 0;
    unsigned depth = 0;

    if (a == NULL)
        return NULL;
    if (mdb_env_get_fd(env, &a->fd) != 0 || env_pages(env, &a->pages, &page_size) != 0)
        goto fail;
    a->page_size = (size_t)page_size;
    a->page = malloc(a->page_size);
    a->children = malloc(a->page_size / 2 * sizeof *a->children);
    if (a->page == NULL || a->children == NULL || !root_find(a, txn, table, dbi, &depth))
        goto fail;
    for (unsigned level = 2; level < depth; level++)
        if (!level_down(a))
            goto fail;
    leaves_ask(a);
    return a;
fail:
    pages_ahead_end(&a);
    return NULL;
}

void
pages_ahead_row(struct pages_ahead *a, const MDB_val *val)
{
    uintptr_t page;

    if (a == NULL)
        return;
    page = (uintptr_t)val->mv_data / a->page_size;
    if (page == a->last)
        return;
    a->last = page;
    if (a->passed < a->asked)
        a->passed++;
    if (a->asked - a->passed <= PAGES_AHEAD / 2)
        leaves_ask(a);
}

void
pages_ahead_end(struct pages_ahead **ahead)
{
    struct pages_ahead *a = *ahead;

    if (a == NULL)
        return;
    free(a->page);
    free(a->children);
    free(a->branches);
    free(a);
    *ahead = NULL;
}
