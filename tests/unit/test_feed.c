/* What broker/feed.h promises: each of a unit's records once, in order, whether they are looked up or gone through. */
#include "broker/core/state.h"
#include "broker/feed.h"
#include "test_store_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define ENTRIES 300u
#define RECORDS 4000u

struct world {
    struct kit *kit;
    struct core *core;
    struct feed_source source;
    uint32_t entries[ENTRIES];          /* key entries of the dossiers */
    uint32_t entry_of[2 * RECORDS + 1]; /* by seq */
    uint64_t head;
    uint32_t random;
};

static uint32_t
draw(struct world *w, uint32_t below)
{
    w->random = w->random * 1664525u + 1013904223u;
    return (w->random >> 8) % below;
}

static void
fill(struct world *w, unsigned count)
{
    uint64_t seq;

    for (unsigned i = 0; i < count; i++) {
        uint32_t entry = draw(w, 20) == 0 ? STORE_CLEAR_ENTRY : w->entries[draw(w, ENTRIES)];

        assert_int_equal(kit_append(w->kit, w->head + 1, entry, &seq), 0);
        assert_int_equal(seq, ++w->head);
        w->entry_of[seq] = entry;
        if (i % 1000 == 999)
            assert_int_equal(store_commit(w->kit->st), 0);
    }
    assert_int_equal(store_commit(w->kit->st), 0);
}

/* A log of RECORDS records in ENTRIES dossiers; units 0 and on that know nothing yet. */
static void
world_create(struct world *w, struct kit *kit)
{
    Wici__V1__SysAgencyEnrolledS0 agency = WICI__V1__SYS_AGENCY_ENROLLED_S0__INIT;
    uint32_t dossier;

    *w = (struct world){.kit = kit, .random = 7};
    assert_int_equal(core_create(&w->core), 0);
    assert_int_equal(feed_source_init(&w->source, kit->st, w->core), 0);
    agency.agency_id = TEXT("ops");
    assert_int_equal(directory_add_agency(&w->core->directory, &agency), 0);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        uint8_t id[16] = {(uint8_t)i, (uint8_t)(i >> 8), 1};

        assert_int_equal(store_key_take(kit->st, &w->entries[i]), 0);
        assert_int_equal(dossiers_add(&w->core->dossiers, id, w->entries[i], OPENS_CASE, 1, 1, 0, &dossier), 0);
    }
    fill(w, RECORDS);
}

static void
world_destroy(struct world *w)
{
    feed_source_free(&w->source);
    core_destroy(&w->core);
}

static uint32_t
unit_add(struct world *w, const char *name, uint32_t known)
{
    Wici__V1__SysUnitEnrolledS0 enrolled = WICI__V1__SYS_UNIT_ENROLLED_S0__INIT;
    uint32_t unit = core_unit_count(w->core);

    enrolled.unit_id = TEXT(name);
    enrolled.agency_id = TEXT("ops");
    enrolled.key = TEXT(name);
    assert_int_equal(directory_add_unit(&w->core->directory, &enrolled), 0);
    while (w->core->directory.units[unit].entries.count < known)
        assert_int_equal(numbers_put(&w->core->directory.units[unit].entries, w->entries[draw(w, ENTRIES)]), 0);
    return unit;
}

static bool
unit_has(const struct world *w, uint32_t unit, uint32_t entry)
{
    const struct numbers *known = &w->core->directory.units[unit].entries;

    for (uint32_t i = 0; i < known->count; i++)
        if (known->at[i] == entry)
            return true;
    return entry == STORE_CLEAR_ENTRY; /* everybody's */
}

/* Reads to the head, and expects just what the log holds for the unit. */
static void
feed_is_whole(struct world *w, struct feed *feed)
{
    uint64_t seq, last = feed->pos;

    for (;;) {
        int rc = feed_next(feed, &w->source, w->head, &seq);

        if (rc == -EAGAIN)
            continue;
        assert_int_equal(rc, 0);
        if (seq == 0)
            break;
        for (uint64_t left_out = last + 1; left_out < seq; left_out++)
            assert_false(unit_has(w, feed->unit, w->entry_of[left_out]));
        assert_true(seq > last);
        assert_true(unit_has(w, feed->unit, w->entry_of[seq]));
        last = feed->pos = seq;
    }
    for (uint64_t left_out = last + 1; left_out <= w->head; left_out++)
        assert_false(unit_has(w, feed->unit, w->entry_of[left_out]));
    assert_int_equal(feed->pos, w->head);
}

static void
a_unit_is_given_all_its_records_once_and_in_order(void **state)
{
    static const struct {
        const char *name;
        uint32_t known;
    } units[] = {{"u0", 0}, {"u1", 1}, {"u20", 20}, {"u150", 150}, {"u299", 299}, {"u300", 300}};
    struct world w;

    world_create(&w, *state);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        uint32_t unit = unit_add(&w, units[i].name, units[i].known);

        for (unsigned behind = RECORDS; behind > 0; behind = behind * 2 / 3) {
            struct feed feed = {.unit = unit, .pos = w.head - behind};

            feed_is_whole(&w, &feed);
            feed_free(&feed);
        }
    }
    world_destroy(&w);
}

static void
what_comes_to_the_log_or_to_the_unit_meanwhile_is_given_too(void **state)
{
    struct world w;
    struct feed feed = {.pos = 0};
    uint64_t seq;

    world_create(&w, *state);
    feed.unit = unit_add(&w, "u", 250);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(feed_next(&feed, &w.source, w.head, &seq), 0);
        feed.pos = seq;
    }
    for (uint32_t i = 0; i < ENTRIES; i++)
        assert_int_equal(numbers_put(&w.core->directory.units[feed.unit].entries, w.entries[i]), 0);
    feed.pos = feed.horizon; /* whatever was gathered before is a matter of the relations' intervals */
    fill(&w, 500);
    feed_is_whole(&w, &feed);
    fill(&w, 3);
    feed_is_whole(&w, &feed);
    feed_free(&feed);
    world_destroy(&w);
}

/* An auditor is given the whole log; records of reads are not looked for in all of it. */
static void
records_of_reads_or_refusals_alone_are_looked_up_in_their_list(void **state)
{
    const uint32_t reads = WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED,
                   refused = WICI__V1__EVENT_TYPE__SYS_EVENT_REJECTED;
    struct feed feed = {.pos = 0};
    uint64_t seq, asked = 0;
    struct world w;

    world_create(&w, *state);
    feed.unit = unit_add(&w, "auditor", 0);
    w.core->directory.units[feed.unit].roles = 1u << WICI__V1__ROLE__AUD;
    feed.type = reads;
    assert_int_equal(feed_next(&feed, &w.source, w.head, &seq), 0);
    assert_int_equal(seq, 0); /* there is no list yet */
    w.source.access_entry = w.entries[7];
    for (unsigned i = 0; i < 2; i++) {
        uint32_t entry = i == 0 ? w.source.access_entry : STORE_CLEAR_ENTRY;

        feed = (struct feed){.unit = feed.unit, .type = i == 0 ? reads : refused};
        for (uint64_t want = 1; want <= w.head; want++) {
            if (w.entry_of[want] != entry)
                continue;
            while (feed_next(&feed, &w.source, w.head, &seq) == -EAGAIN)
                continue;
            assert_int_equal(seq, want);
            feed.pos = seq;
            asked++;
        }
        while (feed_next(&feed, &w.source, w.head, &seq) == -EAGAIN)
            continue;
        assert_int_equal(seq, 0);
        feed_free(&feed);
    }
    assert_in_range(asked, 1, w.head / 2);
    world_destroy(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(a_unit_is_given_all_its_records_once_and_in_order),
        KIT_TEST(what_comes_to_the_log_or_to_the_unit_meanwhile_is_given_too),
        KIT_TEST(records_of_reads_or_refusals_alone_are_looked_up_in_their_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
