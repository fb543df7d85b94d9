/* What agent_file.h says of people who tidy up while the agent runs, of folders that are removed, or replaced; names
 * that are used again; and a disk that does not take what is written. */
#include "agents/known.h"
#include "agents/outbox_delivery.h"
#include "agents/outbox_receipt.h"
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

/* One event was sent as a.json; afterwards people moved away some of what lies there. */
static void
sent_as_a(struct kit *kit, struct outbox *box, uint64_t *now)
{
    kit_put(kit, "outbox/a.json", kit_json("routine"));
    kit_settle(kit, box, now);
    assert_true(kit_has(kit, "sent/a.json") && kit_has(kit, "sent/a.receipt.json"));
}

static void
a_name_is_not_used_again_while_anything_of_it_is_left(void **state)
{
    static const char *const left[] = {"sent/a.receipt", "sent/a.receipt-e2", "sent/a.delivery.json", "sent/a.txt"};
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;

    kit->who.epoch = 2;
    sent_as_a(kit, box, &now);
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        (void)agent_remove(kit->dirs.sent, "a.json");
        (void)agent_remove(kit->dirs.sent, "a.receipt.json");
        kit_put(kit, left[i], "of the one before");
        kit_put(kit, "outbox/a.json", kit_json("routine"));
        kit_settle(kit, box, &now);
        assert_false(kit_has(kit, "sent/a.json"));
        assert_int_equal(kit_count(kit, "state/out"), 0);
        assert_int_equal(agent_remove(kit->dirs.sent, strchr(left[i], '/') + 1), 0);
    }
    kit_put(kit, "outbox/a.json", kit_json("routine"));
    kit_settle(kit, box, &now);
    assert_true(kit_has(kit, "sent/a.json"));
    outbox_close(&box);
}

static void
what_is_told_of_an_event_is_not_put_beside_another_of_its_name(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    struct delivery delivery = {.dirs = &kit->dirs, .link = &kit->link, .config = &kit->config};
    struct receipts receipts = {.dirs = &kit->dirs, .link = &kit->link, .who = &kit->who};
    uint64_t now = 1000;
    char note[80], *ids;

    sent_as_a(kit, box, &now);
    ids = kit_text(kit, "broker.log");
    (void)snprintf(note, sizeof note, "state/receipts/%.36s.json", ids);
    free(ids);
    kit_put(kit, note, "{\"file\":\"a.json\",\"receipt\":\"a.receipt\",\"seq\":7,\"epoch\":1,\"fits\":true}");
    kit_put(kit, "sent/a.receipt.json", "{\"eventId\":\"" KIT_DOSSIER "\"}"); /* the name was used again */
    assert_int_equal(delivery_run(&delivery, now), 0);
    assert_int_equal(receipts_run(&receipts, now), 0);
    assert_false(kit_has(kit, "sent/a.delivery.json") || kit_has(kit, "sent/a.receipt"));
    assert_false(kit_has(kit, note));
    assert_int_equal(kit_count(kit, "state/track"), 0);
    outbox_close(&box);
}

static void
a_file_of_the_offices_own_is_not_replaced_by_what_is_told(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    struct delivery delivery = {.dirs = &kit->dirs, .link = &kit->link, .config = &kit->config};
    uint64_t now = 1000;
    char *text;

    sent_as_a(kit, box, &now);
    kit_put(kit, "sent/a.delivery.json", kit_json("routine")); /* an event that was sent under this name */
    assert_int_equal(delivery_run(&delivery, now), 0);
    text = kit_text(kit, "sent/a.delivery.json");
    assert_string_equal(text, kit_json("routine"));
    free(text);
    assert_int_equal(kit_count(kit, "state/track"), 0);
    outbox_close(&box);
}

/* ---- the disk */

static int publish_error;

static int
publish_fails(void *arg, const uint8_t *event, size_t len, wici_answer_fn *fn, void *fn_arg)
{
    (void)arg;
    (void)event;
    (void)len;
    (void)fn;
    (void)fn_arg;
    return publish_error;
}

static void
what_hinders_publishing_is_told_unless_it_passes(void **state)
{
    static const struct {
        int error, told;
    } errors[] = {{-EAGAIN, 0}, {-ENOSPC, 0}, {-EDQUOT, 0}, {-EACCES, -EACCES}, {-EIO, -EIO}};
    struct kit *kit = *state;
    struct outbox *box;
    uint64_t now = 1000;

    kit->link.publish = publish_fails;
    kit_put(kit, "outbox/a.json", kit_json("routine"));
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        box = kit_outbox(kit);
        publish_error = errors[i].error; /* there is room: of the client's own bounds, these two are none of the disk */
        assert_int_equal(outbox_failure(kit, box, &now), errors[i].told);
        outbox_close(&box);
    }
}

static void
what_was_caught_and_cannot_be_noted_is_not_settled(void **state)
{
    struct kit *kit = *state;
    struct agent_dirs dirs = kit->dirs;
    struct known known = {.dirs = &dirs};

    dirs.state = -1;
    assert_int_equal(known_caught(&known, "inclusion", 3, "note", 4), -EBADF);
    assert_int_equal(known_caught(&known, "inclusion", 3, NULL, 0), -EBADF);
    dirs.state = kit->dirs.state;
    assert_int_equal(known_caught(&known, "inclusion", 3, NULL, 0), -ENOTRECOVERABLE);
    assert_true(kit_has(kit, "state/alarm.json"));
}

static void
a_file_in_a_folders_place_is_told_as_what_it_is(void **state)
{
    struct kit *kit = *state;

    folder_remove(kit, "rejected");
    kit_put(kit, "rejected", "a file");
    assert_int_equal(agent_dirs_renew(&kit->dirs), -ENOTDIR);
    assert_int_equal(agent_remove(kit->dirs.top, "rejected"), 0);
    assert_int_equal(agent_dirs_renew(&kit->dirs), 1);
    assert_true(kit_has(kit, "rejected"));
}

static void
without_its_state_the_agent_does_not_go_on(void **state)
{
    struct kit *kit = *state;

    assert_int_equal(renameat(kit->dirs.top, "state", kit->dirs.top, "elsewhere"), 0);
    assert_int_equal(agent_dirs_renew(&kit->dirs), -EIDRM);
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
        T(a_file_in_a_folders_place_is_told_as_what_it_is),
        T(without_its_state_the_agent_does_not_go_on),
        T(a_name_is_not_used_again_while_anything_of_it_is_left),
        T(what_is_told_of_an_event_is_not_put_beside_another_of_its_name),
        T(a_file_of_the_offices_own_is_not_replaced_by_what_is_told),
        T(what_hinders_publishing_is_told_unless_it_passes),
        T(what_was_caught_and_cannot_be_noted_is_not_settled),
    };

    return cmocka_run_group_tests_name("wici-agent: people who tidy up", tests, NULL, NULL);
}
