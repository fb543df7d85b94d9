/*
 * A process that writes to a store is killed with SIGKILL at random moments, again and again on the same log; after
 * each, the store opens, and everything it acknowledged is there.
 *
 * Record n of the log is kit's record n, of the entry entry_of(n); so the reader knows what each must be. The writer
 * reports a head through a pipe after the commit that made it, and nothing else.
 *
 * What this shows: the order of commit and acknowledgement, and recovery from any moment of a process. It does not show
 * what a power cut does; SIGKILL leaves the page cache.
 */
#include "store/fault.h"
#include "tests/unit/test_store_kit.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define CYCLES         60u
#define PER_ENTRY      50u      /* records to a dossier */
#define KILL_NS_MAX    4000000u /* after the first acknowledgement */
#define ACK_TIMEOUT_MS 20000

/* A new dossier begins every PER_ENTRY records; a fifth belong to none, but never a dossier's first. */
static uint32_t
entry_of(uint64_t seq)
{
    return seq % 5 == 3 ? STORE_CLEAR_ENTRY : (uint32_t)((seq - 1) / PER_ENTRY + 1);
}

static uint32_t
next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* ---- the writer: never returns */

static int
write_one(struct kit *kit, uint64_t seq)
{
    uint32_t entry = 0;
    uint64_t got = 0;
    int rc = 0;

    if (seq % PER_ENTRY == 1) {
        rc = store_key_take(kit->st, &entry);
        if (rc == 0 && entry != entry_of(seq))
            rc = -EPROTO;
    }
    if (rc == 0)
        rc = kit_append(kit, seq, entry_of(seq), &got);
    return rc == 0 && got != seq ? -EPROTO : rc;
}

static void
writer(struct kit *kit, uint32_t random, int ack_fd)
{
    int rc;

    store_find_small = true;
    rc = kit_open(kit);
    while (rc == 0) {
        uint32_t count = 1 + next_random(&random) % 64;
        struct store_cursor cursor = {0};
        uint64_t head;

        rc = store_room(kit->st, count, count * UINT64_C(400));
        for (uint32_t i = 0; rc == 0 && i < count; i++)
            rc = write_one(kit, store_next(kit->st));
        cursor.seq = store_next(kit->st) - 1;
        if (rc == 0)
            rc = store_cursor_put(kit->st, "unit", "cursor", &cursor);
        if (rc == 0)
            rc = store_commit(kit->st);
        head = store_head(kit->st);
        if (rc == 0 && write(ack_fd, &head, sizeof head) != sizeof head)
            rc = -errno;
        if (rc == 0)
            rc = store_find_flush(kit->st, next_random(&random) % 8 == 0);
    }
    fprintf(stderr, "writer: %s\n", strerror(-rc));
    _exit(1);
}

/* ---- the reader */

/* Waits for one head; false at the end of the pipe. */
static bool
ack_read(int fd, uint64_t *ret_head)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

    assert_int_equal(poll(&poll_fd, 1, ACK_TIMEOUT_MS), 1);
    return read(fd, ret_head, sizeof *ret_head) == sizeof *ret_head;
}

/* Runs a writer, kills it, and returns the last head it acknowledged. */
static uint64_t
run_and_kill(struct kit *kit, uint32_t *random)
{
    struct timespec moment = {.tv_nsec = next_random(random) % KILL_NS_MAX};
    uint32_t acks = next_random(random) % 4;
    uint64_t head = 0;
    int fds[2], status;
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(fds[0]);
        writer(kit, next_random(random), fds[1]);
    }
    close(fds[1]);
    /* Some writers die while they open the log, most between or in commits. */
    for (uint32_t i = 0; i < acks; i++)
        assert_true(ack_read(fds[0], &head));
    nanosleep(&moment, NULL); /* waits for nothing: it picks the moment of death */
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status)); /* it did not fail by itself */
    while (ack_read(fds[0], &head))
        continue;
    close(fds[0]);
    return head;
}

/* Everything up to the head is there, whole, and only that. */
static void
assert_log(struct kit *kit, uint64_t *ids_checked)
{
    uint64_t head = store_head(kit->st);
    struct store_slice *slice = NULL;
    struct store_row row;
    uint8_t id[16];
    uint64_t seq;

    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    for (seq = 1; seq <= head; seq++) {
        assert_int_equal(store_read(slice, seq, &row), 0);
        assert_true(kit_row_is(&row, seq, entry_of(seq)));
    }
    assert_int_equal(store_read(slice, head + 1, &row), -ENOENT);
    store_slice_end(&slice);
    for (uint64_t number = *ids_checked + 1; number <= head; number++) {
        kit_id(number, id);
        assert_int_equal(store_id_find(kit->st, id, &seq), 0);
        assert_int_equal(seq, number);
    }
    *ids_checked = head;
    for (uint64_t number = head + 1; number <= head + 64; number++) {
        kit_id(number, id);
        assert_int_equal(store_id_find(kit->st, id, &seq), -ENOENT);
    }
}

/* The finding index tells exactly the records of the newest dossiers, and of none. */
static void
assert_found(struct kit *kit, uint32_t entry)
{
    uint64_t head = store_head(kit->st), from = 1;
    uint64_t want = 1, got[100];
    size_t count = 100;

    while (count == 100) {
        assert_int_equal(store_find(kit->st, entry, from, got, 100, &count), 0);
        for (size_t i = 0; i < count; i++) {
            while (want <= head && entry_of(want) != entry)
                want++;
            assert_int_equal(got[i], want++);
        }
        from = count > 0 ? got[count - 1] + 1 : from;
    }
    while (want <= head && entry_of(want) != entry)
        want++;
    assert_int_equal(want, head + 1);
}

static void
what_was_acknowledged_survives_a_kill_at_any_moment(void **state)
{
    struct kit *kit = *state;
    const char *wanted = getenv("WICI_SEED");
    uint32_t seed = wanted != NULL ? (uint32_t)strtoul(wanted, NULL, 10) : (uint32_t)time(NULL), random = seed;
    uint64_t last = 0, ids_checked = 0;

    printf("WICI_SEED=%u repeats these moments\n", seed);
    store_close(&kit->st);
    for (unsigned cycle = 0; cycle < CYCLES; cycle++) {
        struct store_cursor cursor = {0};
        uint64_t acked = run_and_kill(kit, &random);
        uint32_t entry;

        assert_int_equal(kit_open(kit), 0);
        assert_true(store_head(kit->st) >= acked);
        assert_true(store_head(kit->st) >= last); /* nothing of earlier cycles is lost either */
        last = store_head(kit->st);
        assert_log(kit, &ids_checked);
        if (last > 0) {
            assert_int_equal(store_cursor_get(kit->st, "unit", "cursor", &cursor), 0);
            assert_int_equal(cursor.seq, last); /* it moves in the same commit */
            assert_found(kit, (uint32_t)((last - 1) / PER_ENTRY + 1));
        }
        if (last > 3)
            assert_found(kit, STORE_CLEAR_ENTRY);
        /* The next entry is the one after the last that a committed record uses. */
        assert_int_equal(store_key_take(kit->st, &entry), 0);
        assert_int_equal(entry, last == 0 ? 1 : (last - 1) / PER_ENTRY + 2);
        store_close(&kit->st);
    }
    printf("%u kills, %llu records\n", CYCLES, (unsigned long long)last);
    assert_true(last > CYCLES); /* they did get to work */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_acknowledged_survives_a_kill_at_any_moment, kit_setup, kit_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
