/* What inbox_erased.h says: after a notice of erasure the office's copies are aside or gone, and nothing else is. */
#include "agents/inbox_erased.h"
#include "tests/e2e/test_agent_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OTHER "01900000-0000-7000-8000-0000000aaaaa"

static const struct kit_event events[] = {
    {3, "referral.submitted", "referral", OTHER, "ops", NULL, 0, 0, 2},
    {4, "case.opened", "case", OTHER, "ops", "Jan Kowalski", 0, 0, 0},
    {5, "case.opened", "case", KIT_DOSSIER, "ops", "Anna Nowak", 0, 0, 0},
    {7, "case.closed", "case", OTHER, "ops", NULL, 0, 0, 0},
    {9, "sys.erasure_notified", "sys", "", "broker", "sp3 3-4 7-7 8-8", 0, 0, 0},
    {0},
};

static struct erased_work
work_of(struct kit *kit)
{
    return (struct erased_work){.dirs = &kit->dirs, .link = &kit->link, .config = &kit->config, .waits = true};
}

/* What was sent and became record `seq`. */
static void
sent_put(const struct kit *kit, const char *stem, unsigned seq)
{
    char path[96], receipt[96];

    (void)snprintf(receipt, sizeof receipt, "{\"seq\":\"%u\",\"tsMs\":\"1\"}", seq);
    (void)snprintf(path, sizeof path, "sent/%s.files", stem);
    assert_int_equal(mkdirat(kit->dirs.top, path, 0700), 0);
    (void)snprintf(path, sizeof path, "sent/%s.files/skan.pdf", stem);
    kit_put(kit, path, "PDF");
    (void)snprintf(path, sizeof path, "sent/%s.json", stem);
    kit_put(kit, path, "{}");
    (void)snprintf(path, sizeof path, "sent/%s.receipt", stem);
    kit_put(kit, path, "proof");
    (void)snprintf(path, sizeof path, "sent/%s.delivery.json", stem);
    kit_put(kit, path, "{}");
    (void)snprintf(path, sizeof path, "sent/%s.receipt.json", stem);
    kit_put(kit, path, receipt);
}

/* All events, and what lies beside them. */
static void
fill(struct kit *kit)
{
    struct inbox *box = kit_inbox(kit);

    assert_int_equal(inbox_set_log(box, "wici.example", 1), 0);
    kit->events = events;
    assert_int_equal(kit_deliver(kit, box), 0);
    assert_true(inbox_erasures(box));
    assert_false(inbox_erasures(box));
    inbox_close(&box);
    kit_put(kit, "inbox/000000000003-referral-1.pdf", "skan");
    kit_put(kit, "inbox/notatka-3.txt", "people's own");
    sent_put(kit, "wniosek", 8);
    sent_put(kit, "inny", 6);
}

static void
assert_kept(const struct kit *kit)
{
    assert_true(kit_has(kit, "inbox/000000000005-case.html"));
    assert_true(kit_has(kit, "inbox/000000000005-case.json"));
    assert_true(kit_has(kit, "inbox/000000000009-sys.html")); /* the notice itself */
    assert_true(kit_has(kit, "inbox/notatka-3.txt"));
    assert_int_equal(kit_count(kit, "inbox"), 5);
    assert_true(kit_has(kit, "sent/inny.json"));
    assert_true(kit_has(kit, "sent/inny.files/skan.pdf"));
    assert_int_equal(kit_count(kit, "sent"), 5);
    assert_int_equal(kit_count(kit, "state/documents"), 0);
    assert_int_equal(kit_count(kit, "state/erasures"), 0);
}

/* ---- */

static void
copies_are_put_aside_where_the_office_says_nothing_else(void **state)
{
    struct kit *kit = *state;
    struct erased_work work = work_of(kit);

    fill(kit);
    assert_int_equal(kit_count(kit, "state/documents"), 2); /* still to be fetched */
    assert_int_equal(erased_run(&work), 0);
    assert_kept(kit);
    assert_true(kit_has(kit, "erased/000000000003-referral.json"));
    assert_true(kit_has(kit, "erased/000000000003-referral-1.pdf"));
    assert_true(kit_has(kit, "erased/000000000004-case.html"));
    assert_true(kit_has(kit, "erased/000000000007-case.json"));
    assert_true(kit_has(kit, "erased/wniosek.files/skan.pdf"));
    assert_true(kit_has(kit, "erased/wniosek.receipt"));
    assert_int_equal(kit_count(kit, "erased"), 7 + 5);
    assert_string_equal(kit->forgot, "3-4 7-7 8-8 ");
    assert_false(work.waits);
}

static void
copies_are_removed_where_the_office_says_so(void **state)
{
    struct kit *kit = *state;
    struct erased_work work = work_of(kit);

    kit->config.erased_remove = true;
    fill(kit);
    assert_int_equal(erased_run(&work), 0);
    assert_kept(kit);
    assert_int_equal(kit_count(kit, "erased"), 0);
}

static void
what_people_put_into_a_folder_of_files_is_not_destroyed(void **state)
{
    struct kit *kit = *state;
    struct erased_work work = work_of(kit);

    kit->config.erased_remove = true;
    fill(kit);
    assert_int_equal(mkdirat(kit->dirs.top, "sent/wniosek.files/moje", 0700), 0);
    assert_int_equal(erased_run(&work), 0);
    assert_kept(kit);
    assert_true(kit_has(kit, "erased/wniosek.files/moje"));
    assert_false(kit_has(kit, "erased/wniosek.files/skan.pdf"));
}

static void
a_file_that_is_aside_already_is_not_replaced(void **state)
{
    struct kit *kit = *state;
    struct erased_work work = work_of(kit);
    char *text;

    fill(kit);
    kit_put(kit, "erased/000000000004-case.json", "older");
    assert_int_equal(erased_run(&work), 0);
    assert_kept(kit);
    text = kit_text(kit, "erased/000000000004-case.json");
    assert_string_equal(text, "older");
    free(text);
    assert_true(kit_has(kit, "erased/2-000000000004-case.json"));
}

static void
a_notice_to_another_unit_is_nothing_of_ours(void **state)
{
    static const struct kit_event others[] = {
        {3, "case.opened", "case", OTHER, "ops", NULL, 0, 0, 0},
        {4, "sys.erasure_notified", "sys", "", "broker", "sp4 3-3", 0, 0, 0},
        {0},
    };
    struct kit *kit = *state;
    struct erased_work work = work_of(kit);
    struct inbox *box = kit_inbox(kit);

    kit->events = others;
    assert_int_equal(kit_deliver(kit, box), 0);
    assert_false(inbox_erasures(box));
    inbox_close(&box);
    assert_int_equal(erased_run(&work), 0);
    assert_int_equal(kit_count(kit, "inbox"), 2);
    assert_string_equal(kit->forgot, "");
}

/* What came in the first epoch, but for its notice; then an older copy of the log comes back and says `again`. */
static void
come_back(struct kit *kit, const struct kit_event *again)
{
    struct erased_work work = work_of(kit);
    struct inbox *box = kit_inbox(kit);

    kit->events = events;
    assert_int_equal(inbox_set_log(box, "wici.example", 1), 0);
    assert_int_equal(kit_deliver(kit, box), 0);
    assert_int_equal(agent_remove(kit->dirs.erasures, "000000000009.json"), 0);
    kit_put(kit, "broker.cursor", "0");
    sent_put(kit, "wniosek", 4);
    assert_int_equal(inbox_set_log(box, "wici.example", 2), 0);
    kit->events = again;
    assert_int_equal(kit_deliver(kit, box), 0);
    inbox_close(&box);
    assert_int_equal(erased_run(&work), 0);
}

/* After an older copy of the log came back, 3 may be another event's number than it was. */
static void
files_of_an_earlier_epoch_are_left_to_people(void **state)
{
    static const struct kit_event again[] = {
        {4, "case.closed", "case", KIT_DOSSIER, "ops", NULL, 0, 1, 0},
        {10, "sys.erasure_notified", "sys", "", "broker", "sp3 3-4", 0, 1, 0},
        {0},
    };
    struct kit *kit = *state;

    come_back(kit, again);
    assert_true(kit_has(kit, "inbox/000000000003-referral.json"));
    assert_true(kit_has(kit, "inbox/000000000004-case.json"));
    assert_true(kit_has(kit, "sent/wniosek.json"));
    assert_true(kit_has(kit, "erased/000000000004-case-e2.json"));
    assert_true(kit_has(kit, "erased/000000000004-case-e2.html"));
    assert_int_equal(kit_count(kit, "erased"), 2);
    assert_string_equal(kit->forgot, "3-4 ");
}

/* What the broker repeats after the first restoration lies in the copy that came back. */
static void
files_of_both_epochs_are_meant_by_what_is_repeated(void **state)
{
    static const struct kit_event again[] = {
        {10, "sys.erasure_notified", "sys", "", "broker", "sp3 3-4", 1, 1, 0},
        {0},
    };
    struct kit *kit = *state;

    come_back(kit, again);
    assert_false(kit_has(kit, "inbox/000000000003-referral.json"));
    assert_true(kit_has(kit, "inbox/000000000005-case.json"));
    assert_true(kit_has(kit, "erased/000000000004-case.json"));
    assert_true(kit_has(kit, "erased/wniosek.json"));
}

/* ---- kill -9 */

static void
carry_out(struct kit *kit, bool removes)
{
    struct erased_work work;
    struct inbox *box;

    kit->config.erased_remove = removes;
    kit->events = events;
    work = work_of(kit);
    box = kit_inbox(kit);
    assert_int_equal(inbox_set_log(box, "wici.example", 1), 0);
    assert_int_equal(kit_deliver(kit, box), 0);
    assert_int_equal(erased_run(&work), 0);
    inbox_close(&box);
}

static void
put_aside(struct kit *kit)
{
    carry_out(kit, false);
}

static void
take_away(struct kit *kit)
{
    carry_out(kit, true);
}

static void
killed_at_any_step_each_copy_is_aside_or_gone_in_the_end(void **state)
{
    (void)state;
    for (unsigned removes = 0; removes < 2; removes++) {
        kit_child_fn *child = removes ? take_away : put_aside;
        bool ended = false;

        for (unsigned n = 1; !ended && n < 1000; n++) {
            void *made;
            struct kit *kit;

            assert_int_equal(kit_setup(&made), 0);
            kit = made;
            sent_put(kit, "wniosek", 8);
            sent_put(kit, "inny", 6);
            kit_put(kit, "inbox/notatka-3.txt", "people's own");
            ended = kit_run_until_crash(child, kit->dir, n);
            assert_true(kit_run_until_crash(child, kit->dir, 0));
            assert_kept(kit);
            assert_int_equal(kit_count(kit, "erased"), removes ? 0 : 6 + 5);
            assert_int_equal(kit_teardown(&made), 0);
        }
        assert_true(ended);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(copies_are_put_aside_where_the_office_says_nothing_else),
        TEST(copies_are_removed_where_the_office_says_so),
        TEST(what_people_put_into_a_folder_of_files_is_not_destroyed),
        TEST(a_file_that_is_aside_already_is_not_replaced),
        TEST(a_notice_to_another_unit_is_nothing_of_ours),
        TEST(files_of_an_earlier_epoch_are_left_to_people),
        TEST(files_of_both_epochs_are_meant_by_what_is_repeated),
        cmocka_unit_test(killed_at_any_step_each_copy_is_aside_or_gone_in_the_end),
    };

    return cmocka_run_group_tests_name("agent: erased", tests, NULL, NULL);
}
