/* What outbox.h, agent_explain.h and outbox_delivery.h say: files are taken when complete, in order, and each ends
 * once. */
#include "agents/agent_explain.h"
#include "agents/outbox_delivery.h"
#include "agents/outbox_receipt.h"
#include "agents/receipt_file.h"
#include "proto/check.h"
#include "tests/e2e/test_agent_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
a_file_is_sent_and_its_receipt_lies_beside_it(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;
    char *text;

    kit_put(kit, "outbox/kowalscy.json", kit_json("routine"));
    kit_settle(kit, box, &now);
    assert_true(kit_has(kit, "sent/kowalscy.json"));
    text = kit_text(kit, "sent/kowalscy.json");
    assert_string_equal(text, kit_json("routine")); /* as the office wrote it */
    free(text);
    text = kit_text(kit, "sent/kowalscy.receipt.json");
    assert_non_null(strstr(text, "\"eventId\""));
    assert_non_null(strstr(text, "\"seq\": \"7\""));
    free(text);
    assert_int_equal(kit_count(kit, "outbox"), 0);
    assert_int_equal(kit_count(kit, "state/out"), 0);
    assert_int_equal(kit_log_count(kit), 1);
    outbox_close(&box);
}

static void
a_changing_file_waits_until_it_has_settled(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);

    kit_put(kit, "outbox/a.json", kit_json("routine"));
    assert_int_equal(outbox_run(box, 1000), 0);
    assert_int_equal(outbox_run(box, 2999), 0);
    assert_int_equal(kit_count(kit, "outbox"), 1);
    kit_put(kit, "outbox/a.json", "{\"header\":{\"priority\":\"routine\"} }");
    assert_int_equal(outbox_run(box, 3500), 0); /* it changed: the two seconds begin again */
    assert_int_equal(outbox_run(box, 5000), 0);
    assert_int_equal(kit_count(kit, "outbox"), 1);
    assert_int_equal(outbox_run(box, 5500), 0);
    assert_int_equal(kit_count(kit, "outbox"), 0);
    outbox_close(&box);
}

static void
a_file_its_writer_closed_need_not_wait(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);

    kit_put(kit, "outbox/a.json", kit_json("routine"));
    outbox_closed(box, "a.json", 1000);
    assert_int_equal(outbox_run(box, 1000), 0);
    assert_int_equal(kit_count(kit, "outbox"), 0);
    outbox_close(&box);
}

static void
a_file_open_for_writing_is_left_alone(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    int fd;

    kit_put(kit, "outbox/a.json", kit_json("routine"));
    fd = openat(kit->dirs.outbox, "a.json", O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(outbox_run(box, 1000), 0);
    assert_int_equal(outbox_run(box, 9000), 0);
    assert_int_equal(kit_count(kit, "outbox"), 1);
    close(fd);
    assert_int_equal(outbox_run(box, 9100), 0);
    assert_int_equal(kit_count(kit, "outbox"), 0);
    outbox_close(&box);
}

static void
half_written_json_waits_and_is_refused_after_a_minute(void **state)
{
    static const char *const halves[] = {"", "{", "{\"header\":{\"priority\":\"rou", "{\"header\":{\"priority\":\"ż",
                                         "{\"a\":\"\xc5"};

    for (size_t i = 0; i < sizeof halves / sizeof halves[0]; i++) {
        struct kit *kit = *state;
        struct outbox *box = kit_outbox(kit);
        uint64_t now = 1000;
        char *text;

        kit_put(kit, "outbox/a.json", halves[i]);
        outbox_closed(box, "a.json", now);
        assert_int_equal(outbox_run(box, now), 0);
        assert_int_equal(outbox_run(box, now + 59999), 0);
        assert_int_equal(kit_count(kit, "outbox"), 1);
        now += 60000;
        kit_settle(kit, box, &now);
        assert_true(kit_has(kit, "rejected/a.json"));
        text = kit_text(kit, "rejected/a.txt");
        assert_non_null(strstr(text, "E_JSON"));
        free(text);
        assert_int_equal(unlinkat(kit->dirs.rejected, "a.json", 0), 0);
        assert_int_equal(unlinkat(kit->dirs.rejected, "a.txt", 0), 0);
        outbox_close(&box);
    }
}

static void
a_half_written_file_that_is_completed_is_sent(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;

    kit_put(kit, "outbox/a.json", "{\"header\":");
    kit_settle(kit, box, &now);
    assert_int_equal(kit_count(kit, "outbox"), 1);
    kit_put(kit, "outbox/a.json", kit_json("routine"));
    kit_settle(kit, box, &now);
    assert_true(kit_has(kit, "sent/a.json"));
    outbox_close(&box);
}

static void
names_of_the_system_and_of_editors_are_nobodys(void **state)
{
    static const char *const names[] = {"outbox/.a.json", "outbox/a.json~", "outbox/.json", "outbox/Thumbs.db"};
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;

    for (size_t i = 0; i < 4; i++)
        kit_put(kit, names[i], kit_json("routine"));
    for (unsigned i = 0; i < 30; i++, now += 2500)
        assert_int_equal(outbox_run(box, now), 0);
    assert_int_equal(kit_count(kit, "outbox"), 4); /* and nothing is told of them */
    assert_int_equal(kit_log_count(kit), 0);
    outbox_close(&box);
}

static void
files_are_sent_in_the_order_of_their_names_and_none_overtakes(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;

    kit_put(kit, "outbox/2.json", kit_json("routine"));
    kit_put(kit, "outbox/3.json", kit_json("routine"));
    kit_put(kit, "outbox/1.json", "{\"header\":");
    kit_settle(kit, box, &now);
    assert_int_equal(kit_count(kit, "outbox"), 3); /* 1 is not finished: 2 and 3 wait behind it */
    kit_put(kit, "outbox/1.json", kit_json("routine"));
    outbox_closed(box, "1.json", now);
    assert_int_equal(outbox_run(box, now), 0);
    assert_true(kit_has(kit, "state/out/000000000001-1.json"));
    assert_true(kit_has(kit, "state/out/000000000002-2.json"));
    assert_true(kit_has(kit, "state/out/000000000003-3.json"));
    kit_settle(kit, box, &now);
    assert_int_equal(kit_log_count(kit), 3);
    outbox_close(&box);
}

static void
what_the_broker_refuses_is_explained_in_both_languages(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;
    char *text;

    kit_put(kit, "outbox/a.json", kit_json("stat"));
    kit_settle(kit, box, &now);
    assert_true(kit_has(kit, "rejected/a.json"));
    text = kit_text(kit, "rejected/a.txt");
    assert_non_null(strstr(text, "E_DOSSIER. Nieznana teczka."));
    assert_non_null(strstr(text, "E_DOSSIER. Unknown dossier."));
    assert_non_null(strstr(text, "header.dossierId (identyfikator teczki)"));
    free(text);
    assert_int_equal(kit_count(kit, "sent"), 0);
    assert_int_equal(outbox_rejected(box), 1);
    outbox_close(&box);
}

static void
later_means_later_not_refused(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;

    kit_put(kit, "outbox/a.json", kit_json("asap"));
    kit_settle(kit, box, &now);
    kit_settle(kit, box, &now);
    assert_true(kit_has(kit, "sent/a.json"));
    assert_int_equal(kit_count(kit, "rejected"), 0);
    assert_int_equal(kit_log_count(kit), 1);
    outbox_close(&box);
}

static void
syntax_errors_name_line_and_column_and_quote_nothing(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;
    char *text;

    kit_put(kit, "outbox/a.json", "{\n  \"header\": \"Jan\" Kowalski\n}\n");
    kit_put(kit, "outbox/b.json", "{\"header\":{},\"header\":{}}");
    kit_settle(kit, box, &now);
    text = kit_text(kit, "rejected/a.txt");
    assert_non_null(strstr(text, "wiersz/line 2"));
    assert_null(strstr(text, "Kowalski"));
    free(text);
    text = kit_text(kit, "rejected/b.txt");
    assert_non_null(strstr(text, "dwa razy"));
    free(text);
    outbox_close(&box);
}

static void
a_typing_error_gets_the_nearest_name_and_a_code_its_words(void **state)
{
    struct agent_refusal why;
    char *text = NULL;

    (void)state;
    agent_explain_make(&why, "E_JSON", "sections[0].referralSubmittedS0.referalId", "x", "x");
    assert_int_equal(agent_explain(&why, true, &text), 0);
    assert_non_null(strstr(text, "\"referalId\""));
    assert_non_null(strstr(text, "referralId"));
    free(text);
    agent_explain_make(&why, "E_FIELD", "header.priority", "x", "x");
    assert_int_equal(agent_explain(&why, false, &text), 0);
    assert_non_null(strstr(text, "Allowed words: routine urgent asap stat"));
    free(text);
    agent_explain_make(&why, "E_FIELD", "no.such[3].place", "x", "x");
    assert_int_equal(agent_explain(&why, false, &text), 0);
    free(text);
}

/* "z" and as many letters of two bytes: what is cut anywhere is cut between letters, or mended. */
static void
a_long_name_in_polish_is_told_without_half_a_letter(void **state)
{
    struct agent_refusal why;
    char path[400], *text;

    (void)state;
    for (size_t before = 0; before < 4; before++) {
        size_t len = before;

        memcpy(path, "zzzz", before);
        while (len < 320) {
            memcpy(path + len, "ż", 2);
            len += 2;
        }
        path[len] = '\0';
        agent_explain_make(&why, "E_JSON", path, "x", "x");
        assert_int_equal(agent_explain(&why, true, &text), 0);
        assert_true(check_is_utf8((const uint8_t *)text, strlen(text)));
        assert_null(strchr(text, '?'));
        free(text);
    }
    (void)snprintf(why.path, sizeof why.path, "header.%c", 0xc5); /* however it came there */
    assert_int_equal(agent_explain(&why, true, &text), 0);
    assert_non_null(strstr(text, "header.?"));
    assert_true(check_is_utf8((const uint8_t *)text, strlen(text)));
    free(text);
}

static void
a_name_used_before_gets_the_time_in_front(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;

    for (unsigned i = 0; i < 3; i++) {
        kit_put(kit, "outbox/a.json", kit_json("routine"));
        kit_settle(kit, box, &now);
    }
    assert_int_equal(kit_count(kit, "sent"), 6);
    assert_true(kit_has(kit, "sent/a.json"));
    assert_int_equal(kit_log_count(kit), 3);
    outbox_close(&box);
}

static void
long_and_odd_names_are_cut_and_cleaned(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;
    char path[300] = "outbox/", cut[300] = "sent/";

    for (unsigned i = 0; i < 120; i++)
        (void)strcat(path, "ż"); /* 240 bytes */
    for (unsigned i = 0; i < 87; i++)
        (void)strcat(cut, "ż");
    (void)strcat(path, ".json");
    (void)strcat(cut, ".json");
    kit_put(kit, path, kit_json("routine"));
    kit_put(kit, "outbox/\xff\xfe.json", kit_json("routine"));
    kit_settle(kit, box, &now);
    assert_true(kit_has(kit, cut));
    assert_true(kit_has(kit, "sent/__.json"));
    outbox_close(&box);
}

static void
a_file_too_large_is_refused(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;
    char *text;
    int fd;

    kit_put(kit, "outbox/a.json", "");
    fd = openat(kit->dirs.outbox, "a.json", O_WRONLY | O_CLOEXEC);
    assert_int_equal(ftruncate(fd, (off_t)AGENT_FILE_MAX + 1), 0);
    close(fd);
    kit_settle(kit, box, &now);
    text = kit_text(kit, "rejected/a.txt");
    assert_non_null(strstr(text, "E_SIZE"));
    free(text);
    assert_true(kit_has(kit, "rejected/a.txt"));
    outbox_close(&box);
}

static void
nothing_is_taken_before_the_unit_is_known(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;

    kit->who.unit[0] = '\0';
    kit_put(kit, "outbox/a.json", kit_json("routine"));
    kit_settle(kit, box, &now);
    assert_int_equal(kit_count(kit, "outbox"), 1);
    (void)snprintf(kit->who.unit, sizeof kit->who.unit, "sp3");
    kit_settle(kit, box, &now);
    assert_true(kit_has(kit, "sent/a.json"));
    outbox_close(&box);
}

static void
a_week_without_a_broker_keeps_files_and_order(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;
    char path[32];

    kit->offline = true;
    for (unsigned i = 0; i < 200; i++) {
        (void)snprintf(path, sizeof path, "outbox/%03u.json", i);
        kit_put(kit, path, kit_json("routine"));
    }
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(outbox_run(box, now += 3000), 0);
    assert_int_equal(outbox_under_way(box), OUTBOX_JOBS_MAX); /* the rest stays where people see it */
    assert_int_equal(kit_count(kit, "outbox"), 200 - OUTBOX_JOBS_MAX);
    outbox_close(&box);
    box = kit_outbox(kit);
    kit->offline = false;
    kit_settle(kit, box, &now);
    assert_int_equal(kit_count(kit, "outbox"), 0);
    assert_int_equal(kit_count(kit, "sent"), 400);
    assert_int_equal(kit_log_count(kit), 200);
    outbox_close(&box);
}

static void
delivery_says_who_has_not_fetched_until_all_have(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    struct delivery delivery = {.dirs = &kit->dirs, .link = &kit->link, .config = &kit->config};
    uint64_t now = 1000;
    char *text;

    kit_put(kit, "outbox/a.json", kit_json("routine"));
    kit_settle(kit, box, &now);
    assert_int_equal(kit_count(kit, "state/track"), 1);
    assert_int_equal(delivery_run(&delivery, now), 0);
    text = kit_text(kit, "sent/a.delivery.json");
    assert_non_null(strstr(text, "\"fetchedByAll\": false"));
    assert_non_null(strstr(text, "90000"));
    free(text);
    kit->later_said = true; /* now the unit has read */
    assert_int_equal(delivery_run(&delivery, now + 299999), 0);
    assert_int_equal(kit_count(kit, "state/track"), 1); /* not due yet */
    assert_int_equal(delivery_run(&delivery, now + 300000), 0);
    text = kit_text(kit, "sent/a.delivery.json");
    assert_non_null(strstr(text, "\"fetchedByAll\": true"));
    free(text);
    assert_int_equal(kit_count(kit, "state/track"), 0);
    outbox_close(&box);
}

/* A broker that was restored does not know an event yet that is on its way to it again: that is no reason to stop
 * asking. */
static void
an_event_that_is_being_sent_again_is_asked_about_later(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    struct delivery delivery = {.dirs = &kit->dirs, .link = &kit->link, .config = &kit->config};
    struct receipts receipts = {.dirs = &kit->dirs, .link = &kit->link, .who = &kit->who};
    uint64_t now = 1000;
    char note[80], *ids;

    kit_put(kit, "outbox/a.json", kit_json("routine"));
    kit_settle(kit, box, &now);
    ids = kit_text(kit, "broker.log");
    (void)snprintf(note, sizeof note, "state/receipts/%.36s.json", ids);
    free(ids);
    kit_put(kit, note, "{\"file\":\"a.json\",\"receipt\":\"a.receipt\",\"seq\":7,\"epoch\":1,\"fits\":true}");
    kit->unknown = kit->under_way = true;
    assert_int_equal(delivery_run(&delivery, now), 0);
    assert_int_equal(receipts_run(&receipts, now), 0);
    assert_int_equal(kit_count(kit, "state/track"), 1);
    assert_true(kit_has(kit, note));
    kit->under_way = false; /* all have their answer: it is really not there */
    now += 300000;
    assert_int_equal(delivery_run(&delivery, now), 0);
    assert_int_equal(receipts_run(&receipts, now), 0);
    assert_int_equal(kit_count(kit, "state/track"), 0);
    assert_false(kit_has(kit, note));
    outbox_close(&box);
}

/* Who says which epoch a receipt is of: its name. */
static void
a_later_receipt_is_found_by_its_name_and_a_users_file_is_none(void **state)
{
    static const struct {
        const char *name;
        uint64_t epoch;
    } names[] = {{"a.receipt-e2", 2},        {"a.receipt-e17", 17}, {"a.receipt", 0},   {"a.receipt-e", 0},
                 {"a.receipt-e02", 0},       {".receipt-e2", 0},    {"receipt-e2", 0},  {"a.receipt-e2.json", 0},
                 {"a.receipt-e2.json.x", 0}, {"a.lost-e2.txt", 0},  {"a.receipt-ex", 0}};
    struct kit *kit = *state;
    char name[RECEIPT_FILE_SIZE];
    size_t len;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(receipt_name_epoch(names[i].name, &len), names[i].epoch);
    assert_int_equal(receipt_name_epoch("a.b.receipt-e12", &len), 12);
    assert_int_equal(len, 3);
    receipt_name("a.b.json", 3, 12, name);
    assert_string_equal(name, "a.b.receipt-e12");
    receipt_name("a.b.json", 3, 1, name);
    assert_string_equal(name, "a.b.receipt");
    kit_put(kit, "sent/a.receipt-e2", "x");
    kit_put(kit, "sent/a.receipt-e5", "x");
    assert_int_equal(receipt_epoch_before(kit->dirs.sent, "a", 1, UINT32_MAX), 0); /* too far back */
    assert_int_equal(receipt_epoch_before(kit->dirs.sent, "a", 1, 6), 5);
    assert_int_equal(receipt_epoch_before(kit->dirs.sent, "a", 1, 5), 2);
    assert_int_equal(receipt_epoch_before(kit->dirs.sent, "a", 1, 2), 0);
    assert_int_equal(receipt_epoch_before(kit->dirs.sent, "b", 1, 9), 0);
    assert_int_equal(receipt_epoch_before(kit->dirs.sent, "a", 1, 0), 0);
}

/* ---- kill -9 */

static void
child_run(struct kit *kit)
{
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;

    kit_settle(kit, box, &now);
    outbox_close(&box);
}

static void
crash_once(unsigned first, unsigned second, bool *ret_ended)
{
    void *state = NULL;
    struct kit *kit;

    assert_int_equal(kit_setup(&state), 0);
    kit = state;
    kit_put(kit, "outbox/a.json", kit_json("routine"));
    kit_put(kit, "outbox/b.json", "[\"no event\"]");
    kit_put(kit, "outbox/c.json", kit_json("stat"));
    kit_put(kit, "outbox/d.json", "{\"no\" json}");
    *ret_ended = kit_run_until_crash(child_run, kit->dir, first);
    if (second > 0)
        (void)kit_run_until_crash(child_run, kit->dir, second);
    assert_true(kit_run_until_crash(child_run, kit->dir, 0));

    assert_int_equal(kit_count(kit, "outbox"), 0);
    assert_int_equal(kit_count(kit, "state/out"), 0);
    assert_int_equal(kit_count(kit, "sent"), 2);
    assert_true(kit_has(kit, "sent/a.json") && kit_has(kit, "sent/a.receipt.json"));
    assert_int_equal(kit_count(kit, "rejected"), 6);
    assert_true(kit_has(kit, "rejected/b.json") && kit_has(kit, "rejected/b.txt"));
    assert_true(kit_has(kit, "rejected/c.json") && kit_has(kit, "rejected/c.txt"));
    assert_true(kit_has(kit, "rejected/d.json") && kit_has(kit, "rejected/d.txt"));
    assert_int_equal(kit_count(kit, "state/track"), 1);
    assert_int_equal(kit_log_count(kit), 1);
    (void)kit_teardown(&state);
}

static void
killed_at_any_step_each_file_ends_once_and_the_log_has_one_record(void **state)
{
    bool ended = false;
    unsigned n;

    (void)state;
    for (n = 1; !ended && n < 1000; n++)
        crash_once(n, 0, &ended);
    assert_true(ended && n > 40); /* it really went through all steps */
    ended = false;
    for (n = 1; !ended && n < 1000; n += 3)
        crash_once(n, n % 11 + 1, &ended); /* and while it recovers */
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
    const struct CMUnitTest tests[] = {
        T(a_file_is_sent_and_its_receipt_lies_beside_it),
        T(a_changing_file_waits_until_it_has_settled),
        T(a_file_its_writer_closed_need_not_wait),
        T(a_file_open_for_writing_is_left_alone),
        T(half_written_json_waits_and_is_refused_after_a_minute),
        T(a_half_written_file_that_is_completed_is_sent),
        T(names_of_the_system_and_of_editors_are_nobodys),
        T(files_are_sent_in_the_order_of_their_names_and_none_overtakes),
        T(what_the_broker_refuses_is_explained_in_both_languages),
        T(later_means_later_not_refused),
        T(syntax_errors_name_line_and_column_and_quote_nothing),
        T(a_typing_error_gets_the_nearest_name_and_a_code_its_words),
        cmocka_unit_test(a_long_name_in_polish_is_told_without_half_a_letter),
        T(a_name_used_before_gets_the_time_in_front),
        T(long_and_odd_names_are_cut_and_cleaned),
        T(a_file_too_large_is_refused),
        T(nothing_is_taken_before_the_unit_is_known),
        T(a_week_without_a_broker_keeps_files_and_order),
        T(delivery_says_who_has_not_fetched_until_all_have),
        T(an_event_that_is_being_sent_again_is_asked_about_later),
        T(a_later_receipt_is_found_by_its_name_and_a_users_file_is_none),
        cmocka_unit_test(killed_at_any_step_each_file_ends_once_and_the_log_has_one_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
