/* What inbox_place.h says: each folder has a name of its own at the broker, and knows how far it has come. */
#include "agents/inbox_place.h"
#include "tests/e2e/test_agent_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILTER 0xabcdu

static struct place
opened(const struct kit *kit)
{
    struct place place = PLACE_CLOSED;

    assert_int_equal(place_open(&place, &kit->dirs), 0);
    return place;
}

static void
a_mark_is_drawn_once_and_stays(void **state)
{
    struct kit *kit = *state;
    struct place place = opened(kit);
    char mark[PLACE_MARK_LEN + 1];

    assert_int_equal(strlen(place.mark), PLACE_MARK_LEN);
    assert_int_equal(strspn(place.mark, "abcdefghijklmnopqrstuvwxyz"), PLACE_MARK_LEN);
    memcpy(mark, place.mark, sizeof mark);
    place_close(&place);
    place = opened(kit);
    assert_string_equal(place.mark, mark);
    assert_int_equal(place_renew(&place), 0);
    assert_string_not_equal(place.mark, mark);
    memcpy(mark, place.mark, sizeof mark);
    place_close(&place);
    place = opened(kit);
    assert_string_equal(place.mark, mark);
    place_close(&place);
}

static void
a_folder_that_received_before_it_had_a_mark_is_told_from_a_new_one(void **state)
{
    struct kit *kit = *state;
    struct place place = opened(kit);

    assert_false(place.common);
    place_close(&place);
    kit_put(kit, "state/origin", "wici.example");
    place = opened(kit);
    assert_false(place.common); /* it was new when its mark was drawn */
    place_close(&place);
    assert_int_equal(unlinkat(kit->dirs.state, "mark", 0), 0);
    place = opened(kit);
    assert_true(place.common);
    assert_int_equal(place_renew(&place), 0);
    place_close(&place);
    place = opened(kit);
    assert_true(place.common);
    place_close(&place);
}

static void
a_damaged_mark_is_told_and_not_replaced(void **state)
{
    static const char *const damaged[] = {"", "{}", "{\"mark\": \"bcd\"}", "{\"mark\": \"bcdfghjklmn/\"}"};
    struct kit *kit = *state;

    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        struct place place = PLACE_CLOSED;
        char *text;

        kit_put(kit, "state/mark", damaged[i]);
        assert_int_equal(place_open(&place, &kit->dirs), -EBADMSG);
        text = kit_text(kit, "state/mark");
        assert_string_equal(text, damaged[i]);
        free(text);
    }
}

static void
a_place_is_of_one_filter_and_one_epoch(void **state)
{
    struct kit *kit = *state;
    struct place place = opened(kit);

    assert_false(place_is_known(&place, FILTER, 1));
    assert_int_equal(place_note(&place, FILTER, 1, 0), 0);
    assert_true(place_is_known(&place, FILTER, 1));
    assert_int_equal(place_note(&place, FILTER, 1, UINT64_MAX), 0);
    place_close(&place);
    place = opened(kit);
    assert_true(place_is_known(&place, FILTER, 1) && place.seq == UINT64_MAX);
    assert_false(place_is_known(&place, FILTER + 1, 1));
    assert_false(place_is_known(&place, FILTER, 2));
    assert_int_equal(place_note(&place, FILTER, 0, 7), 0); /* a broker that names no epoch */
    assert_true(place_is_known(&place, FILTER, 1) && !place_is_known(&place, FILTER, 0));
    assert_int_equal(place_note(&place, FILTER, 2, 7), 0);
    assert_true(place_is_known(&place, FILTER, 2) && !place_is_known(&place, FILTER, 1));
    place_close(&place);
}

static void
a_place_that_is_not_whole_is_not_known(void **state)
{
    struct kit *kit = *state;
    struct place place = opened(kit);
    char *whole;

    assert_int_equal(place_note(&place, FILTER, 1, 4711), 0);
    place_close(&place);
    whole = kit_text(kit, "state/place");
    for (size_t i = 0; whole[i] != '\n'; i++) {
        char was = whole[i];

        whole[i] = was == '1' ? '2' : '1';
        kit_put(kit, "state/place", whole);
        place = opened(kit);
        assert_false(place_is_known(&place, FILTER, 1) && place.seq == 4711);
        assert_int_equal(place.epoch, 0);
        place_close(&place);
        whole[i] = '\0'; /* torn here */
        kit_put(kit, "state/place", whole);
        place = opened(kit);
        assert_int_equal(place.epoch, 0);
        place_close(&place);
        whole[i] = was;
    }
    kit_put(kit, "state/place", whole);
    place = opened(kit);
    assert_true(place_is_known(&place, FILTER, 1) && place.seq == 4711);
    place_close(&place);
    free(whole);
}

static const struct kit_event events[] = {
    {2, "referral.submitted", "referral", KIT_DOSSIER, "ops", NULL, 0, 0, 0},
    {3, "referral.submitted", "referral", KIT_DOSSIER, "ops", NULL, 0, 0, 0},
    {7, "referral.submitted", "referral", KIT_DOSSIER, "ops", NULL, 0, 0, 0},
    {0},
};

static void
child_run(struct kit *kit)
{
    struct place place = opened(kit);
    struct inbox *box = kit_inbox(kit);

    kit->place = &place;
    kit->events = events;
    assert_int_equal(inbox_set_log(box, "wici.example", 1), 0);
    assert_int_equal(kit_deliver(kit, box), 0);
    inbox_close(&box);
    place_close(&place);
}

/* Or a folder that was only killed would take itself for an older copy. */
static void
killed_at_any_step_the_broker_is_never_ahead_of_the_place(void **state)
{
    bool ended = false;
    unsigned n;

    (void)state;
    for (n = 1; !ended && n < 1000; n++) {
        struct place place;
        void *own = NULL;
        struct kit *kit;

        assert_int_equal(kit_setup(&own), 0);
        kit = own;
        ended = kit_run_until_crash(child_run, kit->dir, n);
        place = opened(kit);
        assert_true(kit_cursor(kit) == 0 || (place_is_known(&place, 1, 1) && kit_cursor(kit) <= place.seq));
        place_close(&place);
        assert_true(kit_run_until_crash(child_run, kit->dir, 0));
        place = opened(kit);
        assert_true(place_is_known(&place, 1, 1) && place.seq == 7 && kit_cursor(kit) == 7);
        assert_int_equal(kit_count(kit, "inbox"), 6);
        place_close(&place);
        (void)kit_teardown(&own);
    }
    assert_true(ended && n > 15);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
    const struct CMUnitTest tests[] = {
        T(a_mark_is_drawn_once_and_stays),
        T(a_folder_that_received_before_it_had_a_mark_is_told_from_a_new_one),
        T(a_damaged_mark_is_told_and_not_replaced),
        T(a_place_is_of_one_filter_and_one_epoch),
        T(a_place_that_is_not_whole_is_not_known),
        cmocka_unit_test(killed_at_any_step_the_broker_is_never_ahead_of_the_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
