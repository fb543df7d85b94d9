/* What store/pages_ahead.h promises: each of a table's leaves is asked for before it is read, few at a time, nothing
 * else; and that whatever the file holds does no harm. What is asked for is seen at posix_fadvise. */
#include "store/pages_ahead.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ROWS      200000u /* 24 bytes each: two thousand leaves, three levels */
#define PAGES_MAX 65536u
#define MAP_SIZE  ((size_t)256 << 20)

int __wrap_posix_fadvise(int fd, off_t at, off_t len, int advice);

static uint8_t asked[PAGES_MAX]; /* how often, by page */
static unsigned asked_count;
static size_t page_size;

int
__wrap_posix_fadvise(int fd, off_t at, off_t len, int advice)
{
    uint64_t page = (uint64_t)at / page_size;

    assert_true(fd >= 0);
    assert_int_equal(advice, POSIX_FADV_WILLNEED);
    assert_int_equal(len, page_size);
    assert_int_equal((size_t)at % page_size, 0);
    assert_true(page < PAGES_MAX);
    asked[page]++;
    asked_count++;
    return 0;
}

struct log {
    char dir[64], path[80];
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi id, other;
};

static void
log_begin(struct log *l)
{
    MDB_stat stat;

    assert_int_equal(mdb_env_create(&l->env), 0);
    assert_int_equal(mdb_env_set_mapsize(l->env, MAP_SIZE), 0);
    assert_int_equal(mdb_env_set_maxdbs(l->env, 4), 0);
    assert_int_equal(mdb_env_open(l->env, l->dir, MDB_NOTLS, 0600), 0);
    assert_int_equal(mdb_env_stat(l->env, &stat), 0);
    page_size = stat.ms_psize;
}

/* Rows under keys in no order, between rows of another table, in several commits. */
static int
setup(void **state)
{
    struct log *l = calloc(1, sizeof *l);
    uint64_t random = 1;

    assert_non_null(l);
    snprintf(l->dir, sizeof l->dir, "%s", "/tmp/wici-ahead-XXXXXX");
    assert_non_null(mkdtemp(l->dir));
    snprintf(l->path, sizeof l->path, "%s/data.mdb", l->dir);
    log_begin(l);
    for (unsigned i = 0; i < ROWS; i++) {
        uint64_t bytes[2], value = i;
        MDB_val key = {.mv_size = sizeof bytes, .mv_data = bytes}, val = {.mv_size = sizeof value, .mv_data = &value};

        if (i % 10000 == 0) {
            assert_int_equal(mdb_txn_begin(l->env, NULL, 0, &l->txn), 0);
            assert_int_equal(mdb_dbi_open(l->txn, "id", MDB_CREATE, &l->id), 0);
            assert_int_equal(mdb_dbi_open(l->txn, "other", MDB_CREATE, &l->other), 0);
        }
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bytes[0] = random;
        bytes[1] = i;
        assert_int_equal(mdb_put(l->txn, l->id, &key, &val, 0), 0);
        if (i % 4 == 0)
            assert_int_equal(mdb_put(l->txn, l->other, &key, &val, 0), 0);
        if (i % 10000 == 9999)
            assert_int_equal(mdb_txn_commit(l->txn), 0);
    }
    assert_int_equal(mdb_txn_begin(l->env, NULL, MDB_RDONLY, &l->txn), 0);
    memset(asked, 0, sizeof asked);
    asked_count = 0;
    *state = l;
    return 0;
}

static int
teardown(void **state)
{
    struct log *l = *state;
    char path[96];

    if (l->txn != NULL)
        mdb_txn_abort(l->txn);
    mdb_env_close(l->env);
    snprintf(path, sizeof path, "%s/lock.mdb", l->dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(l->path), 0);
    assert_int_equal(rmdir(l->dir), 0);
    free(l);
    return 0;
}

/* The number of the page on which a row lies: each begins with its own. */
static uint64_t
page_of(const MDB_val *val)
{
    uint64_t number;

    memcpy(&number, (const uint8_t *)val->mv_data - (uintptr_t)val->mv_data % page_size, sizeof number);
    return number;
}

static void
each_leaf_is_asked_for_once_before_it_is_read(void **state)
{
    struct log *l = *state;
    struct pages_ahead *ahead;
    MDB_cursor *cursor;
    MDB_val key, val;
    MDB_stat stat;
    uint64_t leaves = 0, last = 0;

    assert_int_equal(mdb_stat(l->txn, l->id, &stat), 0);
    assert_true(stat.ms_depth >= 3);
    assert_true(stat.ms_leaf_pages > 1024 + PAGES_AHEAD / 2);
    ahead = pages_ahead_begin(l->env, l->txn, "id", l->id);
    assert_non_null(ahead);
    assert_int_equal(mdb_cursor_open(l->txn, l->id, &cursor), 0);
    while (mdb_cursor_get(cursor, &key, &val, MDB_NEXT) == 0) {
        pages_ahead_row(ahead, &val);
        if (page_of(&val) == last)
            continue;
        last = page_of(&val);
        leaves++;
        assert_int_equal(asked[last], 1);
        /* No more than so many that are not read yet: a branch's leaves are asked for together. */
        assert_true(asked_count - leaves <= PAGES_AHEAD + stat.ms_branch_pages + page_size / 10);
    }
    mdb_cursor_close(cursor);
    pages_ahead_end(&ahead);
    assert_null(ahead);
    assert_int_equal(leaves, stat.ms_leaf_pages);
    assert_int_equal(asked_count, stat.ms_leaf_pages + stat.ms_branch_pages - 1); /* the root is read as it is */
}

static void
a_small_table_or_none_is_not_asked_for(void **state)
{
    struct log *l = *state;
    struct pages_ahead *none = NULL;
    MDB_val val = {.mv_size = 0, .mv_data = l};

    assert_null(pages_ahead_begin(l->env, l->txn, "nobody", l->id));
    assert_null(pages_ahead_begin(l->env, l->txn, "a name that is too long for a table", l->id));
    assert_null(pages_ahead_begin(l->env, l->txn, "id", 99));
    pages_ahead_row(NULL, &val);
    pages_ahead_end(&none);
    assert_int_equal(asked_count, 0);
}

#define ROUNDS 60u
#define KIND   10u /* where a page says what it is; bit 0: a branch */

/* The log's branch pages as they were. */
struct branches {
    size_t count;
    struct {
        size_t number;
        uint8_t *bytes;
    } pages[256];
};

static void
branches_read(const struct log *l, int fd, struct branches *ret)
{
    uint8_t *page = malloc(page_size);
    MDB_envinfo info;

    assert_non_null(page);
    assert_int_equal(mdb_env_info(l->env, &info), 0);
    ret->count = 0;
    for (size_t n = 2; n <= info.me_last_pgno; n++) { /* behind the two meta pages */
        assert_int_equal(pread(fd, page, page_size, (off_t)(n * page_size)), page_size);
        if ((page[KIND] & 1) == 0)
            continue;
        assert_true(ret->count < sizeof ret->pages / sizeof *ret->pages);
        ret->pages[ret->count].number = n;
        ret->pages[ret->count].bytes = malloc(page_size);
        assert_non_null(ret->pages[ret->count].bytes);
        memcpy(ret->pages[ret->count++].bytes, page, page_size);
    }
    free(page);
}

/* Three bytes of one branch in `each` are others: in the header and the first places of nodes, or anywhere. */
static void
branches_spoil(const struct branches *branches, int fd, unsigned each, bool head, unsigned *seed)
{
    uint8_t *page = malloc(page_size);

    assert_non_null(page);
    for (size_t i = 0; i < branches->count; i++) {
        memcpy(page, branches->pages[i].bytes, page_size);
        if ((unsigned)rand_r(seed) % each == 0) {
            for (unsigned k = 0; k < 3; k++)
                page[(size_t)rand_r(seed) % (head ? 32 : page_size)] = (uint8_t)rand_r(seed);
            page[KIND] |= 1; /* still a branch */
        }
        assert_int_equal(pwrite(fd, page, page_size, (off_t)(branches->pages[i].number * page_size)), page_size);
    }
    free(page);
}

static void
what_the_file_holds_does_no_harm(void **state)
{
    struct log *l = *state;
    uint8_t *place = calloc(2, page_size); /* rows "on" one page and another in turn */
    int fd = open(l->path, O_RDWR | O_CLOEXEC);
    unsigned seed = 7, begun = 0;
    struct branches branches;

    assert_non_null(place);
    assert_true(fd >= 0);
    branches_read(l, fd, &branches);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct pages_ahead *ahead;

        branches_spoil(&branches, fd, round % 3 == 0 ? 1 : 20, round % 2 == 0, &seed);
        ahead = pages_ahead_begin(l->env, l->txn, "id", l->id);
        begun += ahead != NULL;
        for (unsigned i = 0; i < 4 * PAGES_AHEAD; i++)
            pages_ahead_row(ahead, &(MDB_val){.mv_size = 8, .mv_data = place + (i % 2 == 0 ? 0 : page_size)});
        pages_ahead_end(&ahead);
    }
    assert_in_range(begun, 1, ROUNDS - 1); /* some was noticed, some read on */
    for (size_t i = 0; i < branches.count; i++)
        free(branches.pages[i].bytes);
    free(place);
    (void)close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_leaf_is_asked_for_once_before_it_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_small_table_or_none_is_not_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_file_holds_does_no_harm, setup, teardown),
    };

    return cmocka_run_group_tests_name("pages_ahead", tests, NULL, NULL);
}
