/* What agent_file.h says of people who tidy up while the agent runs: folders that are removed, or replaced. */
#include "tests/e2e/test_agent_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
folder_remove(const struct kit *kit, const char *name)
{
    assert_int_equal(unlinkat(kit->dirs.top, name, AT_REMOVEDIR), 0);
}

/* Rounds of outbox until one fails, which it does within a minute. */
static int
outbox_failure(struct kit *kit, struct outbox *box, uint64_t *now)
{
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < 30; i++, *now += 2500) {
        rc = outbox_run(box, *now);
        (void)kit_answer(kit);
    }
    return rc;
}

static void
a_file_whose_folder_was_removed_is_not_sent_twice(void **state)
{
    static const char *const removed[] = {"sent", "rejected"}, *const priority[] = {"routine", "stat"};
    static const char *const there[] = {"sent/a.receipt.json", "rejected/a.txt"};
    struct kit *kit = *state;
    uint64_t now = 1000;

    for (unsigned i = 0; i < 2; i++) {
        struct outbox *box = kit_outbox(kit);

        kit_put(kit, "outbox/a.json", kit_json(priority[i]));
        folder_remove(kit, removed[i]);
        assert_int_equal(outbox_failure(kit, box, &now), -ERESTART);
        outbox_close(&box);
        assert_int_equal(agent_dirs_renew(&kit->dirs), 1);
        assert_int_equal(agent_dirs_renew(&kit->dirs), 0);
        box = kit_outbox(kit);
        kit_settle(kit, box, &now);
        assert_true(kit_has(kit, there[i]));
        assert_int_equal(kit_count(kit, removed[i]), 2);
        assert_int_equal(kit_count(kit, "state/out"), 0);
        assert_int_equal(kit_log_count(kit), 1);
        outbox_close(&box);
    }
}

static void
an_event_whose_folder_was_removed_appears_in_the_new_one(void **state)
{
    static const struct kit_event events[] = {
        {.seq = 3, .type = "referral.submitted", .family = "referral", .dossier = KIT_DOSSIER, .unit = "sp3"},
        {.seq = 0}};
    struct kit *kit = *state;
    struct inbox *box = kit_inbox(kit);

    kit->events = events;
    folder_remove(kit, "inbox");
    assert_int_equal(kit_deliver(kit, box), -ERESTART);
    inbox_close(&box);
    assert_int_equal(agent_dirs_renew(&kit->dirs), 1);
    box = kit_inbox(kit);
    assert_int_equal(inbox_commit(box), 0);
    assert_true(kit_has(kit, "inbox/000000000003-referral.json"));
    assert_int_equal(kit_deliver(kit, box), 0);
    assert_int_equal(kit_count(kit, "inbox"), 2); /* the page, too; and once */
    inbox_close(&box);
}

static void
what_lies_in_a_new_outbox_is_sent(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;

    assert_int_equal(renameat(kit->dirs.top, "outbox", kit->dirs.top, "outbox-2025"), 0);
    assert_int_equal(mkdirat(kit->dirs.top, "outbox", 0700), 0);
    kit_put(kit, "outbox/a.json", kit_json("routine"));
    assert_int_equal(agent_dirs_renew(&kit->dirs), 1);
    outbox_close(&box);
    box = kit_outbox(kit);
    kit_settle(kit, box, &now);
    assert_true(kit_has(kit, "sent/a.json"));
    outbox_close(&box);
}

static void
without_its_state_the_agent_does_not_go_on(void **state)
{
    struct kit *kit = *state;

    assert_int_equal(renameat(kit->dirs.top, "state", kit->dirs.top, "elsewhere"), 0);
    assert_int_equal(agent_dirs_renew(&kit->dirs), -ENOTDIR);
    assert_int_equal(renameat(kit->dirs.top, "elsewhere", kit->dirs.top, "state"), 0);
    assert_int_equal(agent_dirs_renew(&kit->dirs), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
    const struct CMUnitTest tests[] = {
        T(a_file_whose_folder_was_removed_is_not_sent_twice),
        T(an_event_whose_folder_was_removed_appears_in_the_new_one),
        T(what_lies_in_a_new_outbox_is_sent),
        T(without_its_state_the_agent_does_not_go_on),
    };

    return cmocka_run_group_tests_name("wici-agent: people who tidy up", tests, NULL, NULL);
}
