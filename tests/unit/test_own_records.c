/* What the broker records by itself, reads shown and counts of refusals, however much of it comes at once: no batch of
 * the store overflows (access.h, refusals.h). A broker without a door. */
#include "broker/access.h"
#include "broker/refusals.h"
#include "broker/sequence.h"
#include "test_store_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS 1000000u
#define UNIT   "ops-sw"

struct world {
    struct kit *kit;
    struct broker b;
    struct session *session;
};

static int
appended_nothing(void *arg, const struct record *record)
{
    (void)arg;
    (void)record;
    return 0;
}

static void
unit_enrol(struct broker *b)
{
    Wici__V1__Section agency = WICI__V1__SECTION__INIT, unit = WICI__V1__SECTION__INIT;
    Wici__V1__SysAgencyEnrolledS0 a = WICI__V1__SYS_AGENCY_ENROLLED_S0__INIT;
    Wici__V1__SysUnitEnrolledS0 u = WICI__V1__SYS_UNIT_ENROLLED_S0__INIT;

    a.agency_id = a.name = u.agency_id = TEXT("ops");
    u.unit_id = u.name = TEXT(UNIT);
    agency.body_case = WICI__V1__SECTION__BODY_SYS_AGENCY_ENROLLED_S0;
    agency.sys_agency_enrolled_s0 = &a;
    unit.body_case = WICI__V1__SECTION__BODY_SYS_UNIT_ENROLLED_S0;
    unit.sys_unit_enrolled_s0 = &u;
    assert_int_equal(sequence_own(b->sequence, &agency, STORE_CLEAR_ENTRY, NOW_MS), 0);
    assert_int_equal(sequence_own(b->sequence, &unit, STORE_CLEAR_ENTRY, NOW_MS), 0);
    assert_int_equal(store_commit(b->store), 0);
}

static int
world_make(void **state, uint64_t map_size_max)
{
    struct world *w = calloc(1, sizeof *w);
    struct front_route route = {.len = 1, .id = {1}};
    char key[FRONT_KEY_SIZE] = "its key";
    struct broker *b;
    void *kit = NULL;

    assert_non_null(w);
    assert_int_equal(kit_setup(&kit), 0);
    w->kit = kit;
    if (map_size_max != 0) {
        w->kit->options.map_size_max = map_size_max;
        kit_reopen(w->kit);
    }
    b = &w->b;
    b->store = w->kit->st;
    b->clock = (struct clock){.started = true, .now_ms = NOW_MS, .mono_ms = NOW_MS};
    assert_int_equal(core_create(&b->core), 0);
    assert_int_equal(feed_source_init(&b->source, b->store, b->core), 0);
    assert_int_equal(sequence_create(&b->sequence, b->store, b->core, NULL, appended_nothing, b), 0);
    assert_int_equal(refusals_create(&b->refusals, b->store, b->sequence), 0);
    assert_int_equal(sessions_create(&b->sessions), 0);
    unit_enrol(b);
    assert_int_equal(sessions_add(b->sessions, &route, key, core_unit_by_id(b->core, UNIT), "desk", &w->session), 0);
    *state = w;
    return 0;
}

static int
setup(void **state)
{
    return world_make(state, 0);
}

static int
small_setup(void **state)
{
    return world_make(state, STORE_MAP_MIN);
}

static int
teardown(void **state)
{
    struct world *w = *state;
    struct broker *b = &w->b;
    void *kit = w->kit;

    sessions_destroy(&b->sessions);
    refusals_destroy(&b->refusals);
    sequence_destroy(&b->sequence);
    feed_source_free(&b->source);
    core_destroy(&b->core);
    free(b->opening);
    free(b->over);
    free(w);
    return kit_teardown(&kit);
}

/* ---- counts of refusals */

static void
refuse_all(struct broker *b, unsigned agencies)
{
    for (unsigned i = 0; i < agencies; i++) {
        char agency[16];

        (void)snprintf(agency, sizeof agency, "a%u", i);
        refusals_note(b->refusals, agency, E_ADDRESS);
    }
}

/* Records in the log after the next commit, less those before it. */
static uint64_t
committed(struct broker *b)
{
    uint64_t before = store_head(b->store);

    assert_int_equal(store_commit(b->store), 0);
    return store_head(b->store) - before;
}

/* What is due now is written, in the next commit. Returns how many records that is. */
static uint64_t
flushed(struct broker *b, bool all, bool *ret_more)
{
    assert_int_equal(refusals_flush(b->refusals, b->clock.now_ms, b->clock.mono_ms, all, ret_more), 0);
    return committed(b);
}

/* The count that the log's newest record tells. */
static uint64_t
newest_count(struct broker *b)
{
    struct store_slice *slice = NULL;
    struct store_row row;
    struct record record;
    struct arena *arena = NULL;
    uint64_t ret;

    assert_int_equal(arena_create(&arena, DECODE_ARENA_SIZE), 0);
    assert_int_equal(store_slice_begin(b->store, &slice), 0);
    assert_int_equal(store_read(slice, store_head(b->store), &row), 0);
    assert_int_equal(record_load(&record, &row, arena, false), 0);
    assert_int_equal(record.event.section_count, 1);
    assert_int_equal(record.event.sections[0].section->body_case, WICI__V1__SECTION__BODY_SYS_EVENT_REJECTED_S0);
    ret = record.event.sections[0].section->sys_event_rejected_s0->count;
    store_slice_end(&slice);
    arena_destroy(&arena);
    return ret;
}

static void
the_first_is_written_at_once_and_what_follows_after_a_minute_however_much_it_is(void **state)
{
    struct broker *b = &((struct world *)*state)->b;
    uint64_t head = store_head(b->store);
    bool more = false;

    assert_false(refusals_are_new(b->refusals));
    refusals_note(b->refusals, "sp12", E_UNKNOWN);
    assert_true(refusals_are_new(b->refusals));
    assert_int_equal(store_next(b->store), head + 1); /* to note it writes nothing */
    assert_int_equal(flushed(b, false, &more), 1);
    assert_int_equal(newest_count(b), 1);
    assert_false(refusals_are_new(b->refusals));
    for (unsigned i = 0; i < 100000; i++)
        refusals_note(b->refusals, "sp12", E_UNKNOWN);
    assert_false(refusals_are_new(b->refusals));
    assert_int_equal(flushed(b, false, &more), 0);
    b->clock.mono_ms += REFUSALS_PERIOD_MS - 1;
    assert_int_equal(flushed(b, false, &more), 0);
    b->clock.mono_ms++;
    assert_int_equal(flushed(b, false, &more), 1);
    assert_int_equal(newest_count(b), 100000);
    refusals_note(b->refusals, "sp12", E_REQUEST); /* another code, another agency: each its own first */
    refusals_note(b->refusals, "ops", E_UNKNOWN);
    refusals_note(b->refusals, "ops", E_UNKNOWN);
    assert_int_equal(flushed(b, false, &more), 2);
    assert_int_equal(newest_count(b), 2); /* those of one tick together */
    b->clock.mono_ms += REFUSALS_PERIOD_MS;
    assert_int_equal(flushed(b, false, &more), 0);
    refusals_note(b->refusals, "sp12", E_UNKNOWN); /* after a quiet minute it is a first one again */
    assert_int_equal(flushed(b, false, &more), 1);
    assert_int_equal(newest_count(b), 1);
}

static void
counts_of_one_commit_are_bounded_and_the_rest_follows_in_the_next(void **state)
{
    enum { REST = 88, AGENCIES = 2 * REFUSALS_TICK_MAX + REST };
    struct broker *b = &((struct world *)*state)->b;
    bool more = false;

    for (unsigned period = 0; period < 2; period++) { /* the firsts, and what a minute counted */
        refuse_all(b, AGENCIES);
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(flushed(b, false, &more), REFUSALS_TICK_MAX);
            assert_true(more);
        }
        assert_int_equal(flushed(b, false, &more), REST);
        assert_false(more);
        assert_int_equal(flushed(b, false, &more), 0);
        assert_false(more);
        b->clock.mono_ms += REFUSALS_PERIOD_MS;
    }
}

static void
counts_at_the_end_are_bounded_too(void **state)
{
    struct broker *b = &((struct world *)*state)->b;
    uint64_t written = 0, piece;
    bool more = true;

    refuse_all(b, REFUSALS_MAX + 1); /* the last agency is counted as the broker's own */
    while (more) {
        piece = flushed(b, true, &more);
        assert_in_range(piece, 1, REFUSALS_TICK_MAX);
        written += piece;
    }
    assert_int_equal(written, REFUSALS_MAX + 1);
}

/* Fills the log until it has no room for so many bytes more. */
static void
log_fill(struct kit *kit, uint32_t bytes, uint64_t *number)
{
    static uint8_t body[8000];
    struct kit_record r;
    uint64_t seq;

    assert_true(bytes <= sizeof body);
    while (store_room(kit->st, 1, bytes) == 0) {
        kit_record(&r, ++*number, STORE_CLEAR_ENTRY);
        r.record.ts_ms = NOW_MS;
        r.parts[2].body = body;
        r.parts[2].len = bytes;
        assert_int_equal(store_append(kit->st, &r.record, &seq, NULL), 0);
        assert_int_equal(store_commit(kit->st), 0);
    }
}

static void
in_a_full_log_counts_are_kept_and_written_at_the_end(void **state)
{
    struct world *w = *state;
    struct broker *b = &w->b;
    uint64_t number = 0;
    bool more = true;

    log_fill(w->kit, 8000, &number);
    log_fill(w->kit, 1000, &number);
    for (unsigned i = 0; i < 7; i++) {
        refusals_note(b->refusals, "sp12", E_FULL);
        b->clock.mono_ms += REFUSALS_PERIOD_MS; /* nor does one a minute eat up what is left */
        assert_int_equal(flushed(b, false, &more), 0);
        assert_false(more); /* it is not tried again at once */
        assert_true(refusals_are_new(b->refusals));
    }
    assert_int_equal(flushed(b, true, &more), 1);
    assert_int_equal(newest_count(b), 7);
    assert_false(more);
}

/* ---- windows */

static struct reader *
stream_open(struct world *w)
{
    struct reader *r = NULL;

    assert_int_equal(reader_add(w->b.sessions, w->session, READER_STREAM, 1, &r), 0);
    return r;
}

/* A window that showed one event, and is over. */
static int
window_pass(struct broker *b, struct reader *r, uint64_t seq)
{
    int rc = access_open(b, r, seq);

    if (rc != 0)
        return rc;
    access_committed(b);
    access_count(r, seq);
    access_close(b, r);
    return 0;
}

static void
of_windows_that_wait_to_be_recorded_there_are_only_so_many(void **state)
{
    struct world *w = *state;
    struct broker *b = &w->b;
    struct reader *r = stream_open(w);
    uint64_t records = 0;

    for (uint64_t i = 0; i < ACCESS_WAITING_MAX - 1; i++) {
        if (i % 64 == 0) /* so that the log can grow */
            assert_int_equal(store_commit(b->store), 0);
        assert_int_equal(window_pass(b, r, 1), 0);
    }
    assert_int_equal(access_open(b, r, 1), 0); /* the last place */
    assert_int_equal(store_commit(b->store), 0);
    access_committed(b);
    access_count(r, 1);
    assert_int_equal(access_roll(b, r, 2), 0);
    assert_int_equal(b->over_count, ACCESS_WAITING_MAX);
    access_count(r, 2);
    assert_int_equal(access_roll(b, r, 3), -ENOSPC);
    assert_true(r->window.open);
    assert_int_equal(r->window.from_seq, 2); /* nothing was done */
    assert_int_equal(r->window.events, 1);
    access_close(b, r); /* to end one there is room */
    assert_int_equal(access_open(b, r, 3), -ENOSPC);
    assert_false(r->window.open);
    while (access_has_due(b)) {
        uint64_t piece;

        assert_int_equal(access_room(b), 0);
        assert_int_equal(access_write(b), 0);
        piece = committed(b);
        assert_in_range(piece, 1, ACCESS_TICK_MAX);
        access_committed(b);
        if (records == 0)
            assert_int_equal(window_pass(b, r, 4), 0); /* there are fewer now: it goes on */
        records += piece;
    }
    assert_int_equal(records, ACCESS_WAITING_MAX + 2);
    assert_true(access_is_recorded(b, access_ask(b)));
    reader_drop(b->sessions, r);
}

/* ---- after a crash */

struct tally {
    uint64_t count;
};

static int
mark_count(void *arg, const char *name, const uint8_t *value, size_t len)
{
    struct tally *tally = arg;

    (void)name;
    (void)value;
    (void)len;
    tally->count++;
    return 0;
}

static void
however_many_marks_a_dead_broker_left_each_is_recorded_at_the_start(void **state)
{
    enum { MARKS = 2 * STORE_BATCH_MAX + 7 };
    struct world *w = *state;
    struct broker *b = &w->b;
    struct reader *r = stream_open(w);
    struct tally left = {0};
    uint64_t head;

    for (unsigned i = 0; i < MARKS; i++) {
        assert_int_equal(access_open(b, r, 1), 0);
        r->window.open = false; /* the broker dies with it; whatever it had set aside is gone */
        b->windows_open = 0;
    }
    assert_int_equal(store_commit(b->store), 0);
    b->opening_count = 0;
    assert_int_equal(store_value_each(b->store, "open:", mark_count, &left), 0);
    assert_int_equal(left.count, MARKS);
    head = store_head(b->store);
    assert_int_equal(access_recover(b), 0);
    assert_int_equal(store_head(b->store) - head, MARKS);
    left.count = 0;
    assert_int_equal(store_value_each(b->store, "open:", mark_count, &left), 0);
    assert_int_equal(left.count, 0);
    reader_drop(b->sessions, r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_is_written_at_once_and_what_follows_after_a_minute_however_much_it_is,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(counts_of_one_commit_are_bounded_and_the_rest_follows_in_the_next, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(counts_at_the_end_are_bounded_too, setup, teardown),
        cmocka_unit_test_setup_teardown(in_a_full_log_counts_are_kept_and_written_at_the_end, small_setup, teardown),
        cmocka_unit_test_setup_teardown(of_windows_that_wait_to_be_recorded_there_are_only_so_many, setup, teardown),
        cmocka_unit_test_setup_teardown(however_many_marks_a_dead_broker_left_each_is_recorded_at_the_start, setup,
                                        teardown),
    };

    return cmocka_run_group_tests_name("own records", tests, NULL, NULL);
}
