/*
 * The bounds of an erasure that only an administrator can come to (broker/erase.h): at each the order is still taken,
 * one beyond it is refused, and nothing was changed. They are too far to be reached by events, so what was found so far
 * is put into the scan; what decides is the broker's.
 */
#include "tests/wire/inside.h"

#include "broker/broker.h"
#include "broker/erase_write.h"

#include <errno.h>

size_t __real_core_erase_group(const struct core *core, const uint8_t id[16], struct core_erase_member *ret,
                               size_t max);
size_t __wrap_core_erase_group(const struct core *core, const uint8_t id[16], struct core_erase_member *ret,
                               size_t max);

static size_t group_size; /* 0: as it is */
static char dossier[37];  /* of the letter */
static uint64_t letter_seq;

/* A dossier with as many others merged with it. */
size_t
__wrap_core_erase_group(const struct core *core, const uint8_t id[16], struct core_erase_member *ret, size_t max)
{
    size_t count = __real_core_erase_group(core, id, ret, max);

    for (; group_size != 0 && count < group_size && count < max; count++) {
        ret[count] = ret[0];
        ret[count].entry = (uint32_t)(1000 + count);
    }
    return count;
}

static void
scan_make(struct erase_scan *scan)
{
    *scan = (struct erase_scan){.asked_count = 1};
    assert_int_equal(uuid_parse(dossier, scan->asked[0]), 0);
}

/* Until it is complete, or refused. */
static int
scan_all(struct broker *b, struct erase_scan *scan)
{
    bool complete = false;
    int rc = 0;

    while (rc == 0 && !complete)
        rc = erase_scan_some(b, scan, &complete);
    return rc;
}

/* ---- what is looked at when the broker has said its last */

static void
dossiers(struct broker *b)
{
    struct erase_scan scan;

    scan_make(&scan);
    group_size = ERASE_DOSSIERS_MAX;
    assert_int_equal(erase_scan_begin(b, &scan), 0);
    assert_int_equal(scan.goes, ERASE_DOSSIERS_MAX);
    group_size = ERASE_DOSSIERS_MAX + 1;
    assert_int_equal(erase_scan_begin(b, &scan), -ENOBUFS);
    group_size = 0;
    erase_scan_free(&scan);
}

static void
given(struct broker *b)
{
    struct erase_scan scan;
    size_t total;

    scan_make(&scan);
    assert_int_equal(erase_scan_begin(b, &scan), 0);
    assert_int_equal(scan_all(b, &scan), 0);
    total = scan.given_total;
    assert_true(total > 1);
    assert_int_equal(erase_scan_begin(b, &scan), 0);
    scan.given_total = ERASE_GIVEN_MAX - total;
    assert_int_equal(scan_all(b, &scan), 0);
    assert_int_equal(scan.given_total, ERASE_GIVEN_MAX);
    assert_int_equal(erase_scan_begin(b, &scan), 0);
    scan.given_total = ERASE_GIVEN_MAX - total + 1;
    assert_int_equal(scan_all(b, &scan), -ENOBUFS);
    erase_scan_free(&scan);
}

/* Something comes to the dossier, or the directory, in each pass. */
static void
passes(struct broker *b)
{
    struct erase_scan scan;
    bool complete;
    unsigned begun = 0;
    int rc = 0;

    scan_make(&scan);
    assert_int_equal(erase_scan_begin(b, &scan), 0);
    while (rc == 0) {
        scan.directory_version--;
        rc = erase_scan_some(b, &scan, &complete);
        assert_false(complete);
        begun = scan.passes;
    }
    assert_int_equal(rc, -EBUSY);
    assert_int_equal(begun, ERASE_PASSES_MAX);
    erase_scan_free(&scan);

    scan_make(&scan);
    assert_int_equal(erase_scan_begin(b, &scan), 0);
    scan.passes = ERASE_PASSES_MAX - 1; /* the last one finds it at rest */
    assert_int_equal(scan_all(b, &scan), 0);
    erase_scan_free(&scan);
}

/* One record for the intent, one for each recipient. */
static void
records(struct broker *b)
{
    const struct erase_order order = {.reason = "COURT_ORDER",
                                      .sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                      .unit = "admin"};
    struct erase_scan scan;
    struct erase_given *many = calloc(ERASE_RECORDS_MAX, sizeof *many);
    uint64_t seqs[1] = {letter_seq}, intended = 0, next = store_next(b->store);

    assert_non_null(many);
    for (size_t i = 0; i < ERASE_RECORDS_MAX; i++)
        many[i] = (struct erase_given){.unit = 0, .seqs = seqs, .count = 1};
    scan_make(&scan);
    assert_int_equal(erase_scan_begin(b, &scan), 0);
    scan.seqs = seqs;
    scan.count = 1;
    scan.given = many;
    scan.given_count = ERASE_RECORDS_MAX;
    assert_int_equal(erase_intend(b, &scan, &order, &intended), -ENOBUFS);
    assert_int_equal(store_next(b->store), next);
    assert_int_equal(intended, 0);
    scan.given_count = ERASE_RECORDS_MAX - 1;
    assert_int_equal(erase_intend(b, &scan, &order, &intended), 0);
    assert_int_equal(intended, next);
    assert_int_equal(store_next(b->store), next + ERASE_RECORDS_MAX);
    store_rollback(b->store);
    free(many);
}

/* ---- */

static void
at_end(struct inside *inside, void (*look)(struct broker *))
{
    struct town *t = inside_town(inside);
    struct peer sw;

    peer_hello(&sw, &t->daemon, &t->sw, "limits");
    peer_uuid4(dossier);
    letter_seq = peer_letter(&sw, dossier, "ops-sw2", "list");
    peer_close(&sw);
    inside_at_end(inside, look);
    assert_int_equal(inside_stop(inside), 0);
    assert_int_equal(inside_start(inside, false), 0);
}

static void
an_order_reaches_so_many_dossiers(void **state)
{
    at_end(*state, dossiers);
}

static void
so_many_numbers_are_kept_of_what_was_given(void **state)
{
    at_end(*state, given);
}

static void
a_dossier_that_does_not_come_to_rest_is_given_up(void **state)
{
    at_end(*state, passes);
}

static void
one_commit_says_what_is_intended_in_so_many_records(void **state)
{
    at_end(*state, records);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, inside_setup, inside_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(an_order_reaches_so_many_dossiers),
        RULE(so_many_numbers_are_kept_of_what_was_given),
        RULE(a_dossier_that_does_not_come_to_rest_is_given_up),
        RULE(one_commit_says_what_is_intended_in_so_many_records),
    };

    return cmocka_run_group_tests_name("wire: erase limits", tests, NULL, NULL);
}
