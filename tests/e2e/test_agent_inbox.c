/* What inbox.h, inbox_journal.h, page.h and agent_config.h say: each event becomes one pair of files, once. */
#include "agents/inbox_journal.h"
#include "agents/page.h"
#include "tests/e2e/test_agent_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OTHER "01900000-0000-7000-8000-0000000aaaaa"
#define CASE  "01900000-0000-7000-8000-00000000ca5e"

static const struct kit_event three[] = {
    {3, "referral.submitted", "referral", OTHER, "ops", NULL, 0, 0, 0},
    {4, "case.opened", "case", KIT_DOSSIER, "ops", "Jan <b>Kowalski</b>", 0, 0, 0},
    {6, "sys.participant_added", "sys", KIT_DOSSIER, "ops", NULL, 1, 0, 0},
    {0},
};

static const struct kit_event past[] = {
    {1, "referral.submitted", "referral", KIT_DOSSIER, "ops", NULL, 0, 0, 0},
    {2, "case.linked", "case", KIT_DOSSIER, "ops", NULL, 0, 0, 0},
    {4, "case.opened", "case", KIT_DOSSIER, "ops", NULL, 0, 0, 0},
    {6, "sys.participant_added", "sys", KIT_DOSSIER, "ops", NULL, 1, 0, 0},
    {0},
};

static void
an_event_becomes_a_page_and_its_json(void **state)
{
    struct kit *kit = *state;
    struct inbox *box = kit_inbox(kit);
    char *text;

    kit->events = three;
    assert_int_equal(kit_deliver(kit, box), 0);
    assert_int_equal(kit_count(kit, "inbox"), 6);
    assert_true(kit_has(kit, "inbox/000000000003-referral.json"));
    assert_true(kit_has(kit, "inbox/000000000003-referral.html"));
    text = kit_text(kit, "inbox/000000000004-case.html");
    assert_non_null(strstr(text, "Jan &lt;b&gt;Kowalski&lt;/b&gt;"));
    free(text);
    assert_int_equal(inbox_filed(box), 3);
    inbox_close(&box);
}

static void
nothing_is_acknowledged_before_the_commit(void **state)
{
    struct kit *kit = *state;
    struct inbox *box = kit_inbox(kit);
    struct wici_event event = {.seq = 9,
                               .event_id = "",
                               .type = "case.opened",
                               .family = "case",
                               .dossier_id = "",
                               .delivery = (const uint8_t *)&three[1]};

    assert_int_equal(inbox_take(box, &event), 0);
    assert_false(kit_has(kit, "broker.cursor"));
    assert_int_equal(kit_count(kit, "inbox"), 0);
    assert_int_equal(inbox_commit(box), 0);
    assert_true(kit_has(kit, "broker.cursor"));
    assert_int_equal(kit_count(kit, "inbox"), 2);
    inbox_close(&box);
}

static void
a_redelivery_makes_no_second_file_even_if_the_first_was_moved_away(void **state)
{
    struct kit *kit = *state;
    struct inbox *box = kit_inbox(kit);

    kit->events = three;
    assert_int_equal(kit_deliver(kit, box), 0);
    assert_int_equal(unlinkat(kit->dirs.inbox, "000000000004-case.json", 0), 0);
    assert_int_equal(unlinkat(kit->dirs.inbox, "000000000004-case.html", 0), 0);
    inbox_close(&box);
    kit_put(kit, "broker.cursor", "0");
    box = kit_inbox(kit);
    assert_int_equal(kit_deliver(kit, box), 0);
    assert_int_equal(kit_count(kit, "inbox"), 4);
    assert_int_equal(inbox_filed(box), 0);
    inbox_close(&box);
}

static void
families_not_asked_for_and_own_events_are_not_filed(void **state)
{
    static const struct kit_event mixed[] = {
        {1, "referral.submitted", "referral", OTHER, "sp3", NULL, 0, 0, 0}, /* our own */
        {2, "case.opened", "case", OTHER, "ops", NULL, 0, 0, 0},            /* not asked for */
        {3, "sys.policy_loaded", "sys", "", "broker", NULL, 0, 0, 0},
        {4, "sys.participant_removed", "sys", OTHER, "ops", NULL, 0, 0, 0}, /* about a dossier of ours */
        {5, "referral.answered", "referral", OTHER, "ops", NULL, 0, 0, 0},
        {0},
    };
    static char family[] = "referral";
    struct kit *kit = *state;
    struct inbox *box = kit_inbox(kit);

    kit->config.role.family[0] = family;
    kit->config.role.own = false;
    kit->events = mixed;
    assert_int_equal(kit_deliver(kit, box), 0);
    assert_int_equal(kit_count(kit, "inbox"), 4);
    assert_true(kit_has(kit, "inbox/000000000004-sys.json"));
    assert_true(kit_has(kit, "inbox/000000000005-referral.json"));
    inbox_close(&box);
}

static void
history_opened_to_us_is_read_and_filed_once(void **state)
{
    struct kit *kit = *state;
    struct inbox *box = kit_inbox(kit);

    kit->events = three;
    kit->past = past;
    assert_int_equal(inbox_history(box), 0);
    assert_int_equal(kit_deliver(kit, box), 0);
    assert_int_equal(kit_count(kit, "state/history"), 1);
    kit->offline = true;
    assert_int_equal(inbox_history(box), -EAGAIN);
    assert_int_equal(kit_count(kit, "state/history"), 1);
    kit->offline = false;
    assert_int_equal(inbox_history(box), 1);
    assert_string_equal(kit->asked, "{\"dossier\":\"" KIT_DOSSIER "\",\"fromSeq\":\"1\",\"toSeq\":\"5\"}");
    assert_int_equal(inbox_history(box), 0);
    assert_int_equal(kit_count(kit, "inbox"), 10); /* 1, 2, 3, 4 and 6 */
    assert_true(kit_has(kit, "inbox/000000000002-case.html"));
    inbox_close(&box);
}

/* Nothing waits; then, of each read, dossier and numbers. */
static void
history_is(struct kit *kit, struct inbox *box, const char *dossier, const char *from, const char *to)
{
    char asked[sizeof kit->asked];

    (void)snprintf(asked, sizeof asked, "{\"dossier\":\"%s\",\"fromSeq\":\"%s\",\"toSeq\":\"%s\"}", dossier, from, to);
    assert_int_equal(inbox_history(box), 1);
    assert_string_equal(kit->asked, asked);
}

static void
a_referral_forwarded_to_the_unit_or_to_its_office_is_read_from_its_beginning(void **state)
{
    static const struct kit_event events[] = {
        {7, "referral.forwarded", "referral", OTHER, "ops", "sp3", 0, 0, 0},
        {8, "referral.forwarded", "referral", KIT_DOSSIER, "ops", "gmina", 0, 0, 0}, /* of our agency, say */
        {9, "referral.forwarded", "referral", KIT_DOSSIER, "sp3", "gmina", 0, 0, 0}, /* we have it */
        {0},
    };
    struct kit *kit = *state;
    struct inbox *box = kit_inbox(kit);

    kit->events = events;
    assert_int_equal(kit_deliver(kit, box), 0);
    history_is(kit, box, OTHER, "1", "6");
    history_is(kit, box, KIT_DOSSIER, "1", "7");
    assert_int_equal(inbox_history(box), 0);
    inbox_close(&box);
}

static void
what_is_handed_over_is_read_when_we_accept(void **state)
{
    static const struct kit_event asked[] = {
        {4, "referral.submitted", "referral", OTHER, "ops", KIT_DOSSIER, 2, 0, 0},
        {6, "referral.answered", "referral", OTHER, "gops", "accepted", 0, 0, 0}, /* another's word */
        {7, "referral.answered", "referral", OTHER, "sp3", "on-hold", 0, 0, 0},
        {0},
    };
    static const struct kit_event given[] = {
        {9, "referral.answered", "referral", OTHER, "sp3", "accepted", 0, 0, 0},
        {0},
    };
    struct kit *kit = *state;
    struct inbox *box = kit_inbox(kit);

    kit->config.role.own = false;
    kit->events = asked;
    assert_int_equal(kit_deliver(kit, box), 0);
    assert_int_equal(inbox_history(box), 0);
    inbox_close(&box);
    box = kit_inbox(kit); /* a week later */
    kit->events = given;
    kit->past = past;
    assert_int_equal(kit_deliver(kit, box), 0);
    history_is(kit, box, KIT_DOSSIER, "2", "8");
    assert_int_equal(inbox_history(box), 0);
    assert_int_equal(kit_count(kit, "state/history"), 0);
    assert_true(kit_has(kit, "inbox/000000000002-case.html"));
    inbox_close(&box);
}

static void
a_hand_over_that_a_case_takes_up_is_read_and_a_refused_one_is_not(void **state)
{
    static const struct kit_event up[] = {
        {4, "referral.submitted", "referral", OTHER, "ops", KIT_DOSSIER, 2, 0, 0},
        {5, "case.linked", "case", CASE, "ops", OTHER, 0, 0, 0}, /* not ours */
        {6, "case.linked", "case", CASE, "sp3", OTHER, 0, 0, 0},
        {0},
    };
    static const struct kit_event down[] = {
        {7, "referral.submitted", "referral", OTHER, "ops", KIT_DOSSIER, 2, 0, 0},
        {8, "referral.answered", "referral", OTHER, "sp3", "rejected", 0, 0, 0},
        {0},
    };
    struct kit *kit = *state;
    struct inbox *box = kit_inbox(kit);

    kit->events = up;
    assert_int_equal(kit_deliver(kit, box), 0);
    history_is(kit, box, KIT_DOSSIER, "2", "5");
    kit->events = down;
    assert_int_equal(kit_deliver(kit, box), 0);
    assert_int_equal(inbox_history(box), 0);
    assert_int_equal(kit_count(kit, "state/history"), 0);
    inbox_close(&box);
}

static void
of_a_merge_with_history_each_of_the_dossiers_is_read(void **state)
{
    static const struct kit_event events[] = {
        {9, "case.linked", "case", KIT_DOSSIER, "ops", CASE, 3, 0, 0},
        {10, "referral.submitted", "referral", OTHER, "ops", OTHER, 4, 0, 0}, /* handed over within the dossier */
        {0},
    };
    struct kit *kit = *state;
    struct inbox *box = kit_inbox(kit);

    kit->events = events;
    assert_int_equal(kit_deliver(kit, box), 0);
    kit->offline = true;
    assert_int_equal(inbox_history(box), -EAGAIN);
    kit->offline = false;
    kit->group = "{\"group\":{\"members\":[{\"dossier\":\"" KIT_DOSSIER "\"},{\"dossier\":\"" CASE
                 "\",\"link\":\"MERGED_INTO\"},{\"dossier\":\"" OTHER "\",\"link\":\"SIBLING\"}]}}";
    history_is(kit, box, CASE, "3", "8");
    history_is(kit, box, KIT_DOSSIER, "3", "8");
    kit->group = NULL;
    assert_int_equal(inbox_history(box), -EAGAIN);
    kit->unknown = true; /* erased meanwhile */
    assert_int_equal(inbox_history(box), 0);
    assert_int_equal(kit_count(kit, "state/history"), 0);
    inbox_close(&box);
}

static void
another_log_is_refused_and_an_older_copy_repeats_nothing(void **state)
{
    static const struct kit_event again[] = {
        {3, "referral.submitted", "referral", OTHER, "ops", NULL, 0, 0, 0}, /* the same event as before */
        {4, "referral.answered", "referral", OTHER, "ops", NULL, 0, 1,
         0}, /* another event, with a number used before */
        {0},
    };
    struct kit *kit = *state;
    struct inbox *box = kit_inbox(kit);

    assert_int_equal(inbox_set_log(box, "wici.example", 1), 0);
    kit->events = three;
    assert_int_equal(kit_deliver(kit, box), 0);
    inbox_close(&box);
    box = kit_inbox(kit);
    assert_int_equal(inbox_set_log(box, "training.example", 1), -ESTALE);
    assert_int_equal(inbox_set_log(box, "wici.example", 2), 0); /* restored from an older copy */
    kit_put(kit, "broker.cursor", "2");
    kit->events = again;
    assert_int_equal(kit_deliver(kit, box), 0);
    assert_int_equal(inbox_filed(box), 1);
    assert_true(kit_has(kit, "inbox/000000000004-referral-e2.json"));
    assert_false(kit_has(kit, "inbox/000000000003-referral-e2.json"));
    inbox_close(&box);
}

static void
without_a_choice_all_but_registry_and_policy_is_filed(void **state)
{
    static const struct kit_event mixed[] = {
        {1, "referral.submitted", "referral", OTHER, "sp3", NULL, 0, 0, 0}, /* our own, to print */
        {2, "case.opened", "case", OTHER, "ops", NULL, 0, 0, 0},
        {3, "sys.policy_loaded", "sys", "", "broker", NULL, 0, 0, 0},
        {0},
    };
    struct kit *kit = *state;
    struct inbox *box = kit_inbox(kit);

    kit->events = mixed;
    assert_int_equal(kit_deliver(kit, box), 0);
    assert_int_equal(inbox_filed(box), 2);
    assert_false(kit_has(kit, "inbox/000000000003-sys.json"));
    inbox_close(&box);
}

/* ---- the journal */

static void
the_journal_cuts_a_torn_end_and_refuses_damage(void **state)
{
    static const struct journal_entry entries[] = {{5, {1}}, {9, {2}}, {7, {3}}};
    struct kit *kit = *state;
    struct journal *journal = NULL;
    uint64_t first;
    int fd;

    assert_int_equal(journal_open(&journal, kit->dirs.state), 0);
    assert_int_equal(journal_set_epoch(journal, 4), 0);
    assert_int_equal(journal_add(journal, entries, 3), 0);
    journal_close(&journal);
    fd = openat(kit->dirs.state, "taken", O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, "torn", 4), 4);
    close(fd);
    assert_int_equal(journal_open(&journal, kit->dirs.state), 0);
    assert_int_equal(journal_epoch(journal, &first), 4);
    assert_int_equal(first, 4);
    assert_int_equal(journal_max(journal), 9);
    assert_int_equal(journal_has(journal, &entries[2]), 1);
    assert_int_equal(journal_has(journal, &(struct journal_entry){6, {9}}), 0);
    assert_int_equal(journal_add(journal, &(struct journal_entry){JOURNAL_SEQ_MAX, {9}}, 1), -ERANGE);
    for (uint64_t seq = 100; seq < 2200; seq++)
        assert_int_equal(journal_add(journal, &(struct journal_entry){seq, {8}}, 1), 0);
    journal_close(&journal);
    fd = openat(kit->dirs.state, "taken", O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "x", 1, 40), 1); /* far from the end: no torn write did that */
    close(fd);
    assert_int_equal(journal_open(&journal, kit->dirs.state), -EBADMSG);
}

/* ---- kill -9, with a user who tidies up in between */

static void
child_run(struct kit *kit)
{
    struct inbox *box = kit_inbox(kit);
    int rc;

    kit->events = three;
    kit->past = past;
    assert_int_equal(inbox_set_log(box, "wici.example", 1), 0);
    assert_int_equal(kit_deliver(kit, box), 0);
    while ((rc = inbox_history(box)) == 1)
        ;
    assert_int_equal(rc, 0);
    inbox_close(&box);
}

static void
killed_at_any_step_each_event_is_filed_once(void **state)
{
    bool ended = false;
    unsigned n;

    (void)state;
    for (n = 1; !ended && n < 1000; n++) {
        void *own = NULL;
        struct kit *kit;
        int user;

        assert_int_equal(kit_setup(&own), 0);
        kit = own;
        assert_int_equal(mkdirat(kit->dirs.top, "user", 0700), 0);
        user = openat(kit->dirs.top, "user", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ended = kit_run_until_crash(child_run, kit->dir, n);
        kit_tidy_up(kit, user);
        (void)kit_run_until_crash(child_run, kit->dir, n % 7 + 1);
        kit_tidy_up(kit, user);
        assert_true(kit_run_until_crash(child_run, kit->dir, 0));
        kit_tidy_up(kit, user);
        assert_int_equal(kit_count(kit, "user"), 10);
        assert_int_equal(kit_count(kit, "state/in"), 0);
        assert_int_equal(kit_count(kit, "state/history"), 0);
        close(user);
        (void)kit_teardown(&own);
    }
    assert_true(ended && n > 40);
}

/* ---- the page */

static char *
render(const char *json, bool polish)
{
    json_t *event = json_loads(json, 0, NULL), *names = json_pack("{s:s}", "ops", "OPS \"Wola\" & <i>");
    char *html = NULL;

    assert_non_null(event);
    assert_int_equal(page_render(event,
                                 &(struct page_options){
                                     .header = "Nagłówek <h>", .footer = "Stopka", .names = names, .polish = polish},
                                 &html),
                     0);
    json_decref(event);
    json_decref(names);
    return html;
}

static void
a_page_shows_labels_and_escapes_every_value(void **state)
{
    char *html = render(
        "{\"seq\":\"12\",\"tsMs\":\"1700000000000\",\"header\":{\"eventId\":\"e\",\"type\":"
        "\"REFERRAL_SUBMITTED\",\"actor\":{\"agency\":\"ops\",\"unit\":\"u\",\"role\":\"SW\"},\"to\":[{"
        "\"unit\":\"sp3\"}],\"lateEntry\":true,\"enteredBecause\":\"OUTAGE\",\"correction\":\"AMENDED\","
        "\"correctsEventId\":\"old\"},\"sections\":[{\"subjects\":[\"p1\"],\"referralSubmittedS1\":{"
        "\"persons\":[{\"personRef\":\"p1\",\"name\":\"<script>alert('x')</script>\"}]}},{"
        "\"unheardOfS6\":{\"x<y\":\"<img src=x onerror=1>\"}}],\"withheld\":[{\"slot\":3},{\"slot\":4}]}",
        true);

    (void)state;
    assert_null(strstr(html, "<script"));
    assert_null(strstr(html, "<img"));
    assert_null(strstr(html, "<i>"));
    assert_null(strstr(html, "x<y"));
    assert_non_null(strstr(html, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
    assert_non_null(strstr(html, "<title>informacja o rodzinie"));
    assert_non_null(strstr(html, "imię i nazwisko"));
    assert_non_null(strstr(html, "pracownik socjalny"));
    assert_non_null(strstr(html, "OPS &quot;Wola&quot; &amp; &lt;i&gt; (ops)"));
    assert_non_null(strstr(html, "WPIS PÓŹNIEJSZY"));
    assert_non_null(strstr(html, "POPRAWKA"));
    assert_non_null(strstr(html, "Nie otwarto miejsc: 2"));
    assert_null(strstr(html, "http://"));
    free(html);
}

static void
a_page_has_polish_times_and_labels_beside_the_exact_ones(void **state)
{
    static const char event[] =
        "{\"tsMs\":\"1795443185000\",\"header\":{\"type\":\"MEETING_CONVENED\",\"occurredAt\":"
        "\"2026-07-01T08:00:00.123+02:00\",\"priority\":\"asap\"},\"sections\":[{\"meetingConvenedS6\""
        ":{\"kind\":\"MULTI_PROFESSIONAL_FIRST\",\"chairRole\":\"FA\",\"invited\":[{\"unit\":\"ops\"}]}}]}";
    char *html = render(event, true);

    (void)state;
    assert_non_null(strstr(html, "<td>23.11.2026, 15:13 <span class=\"exact\">2026-11-23T14:13:05.000Z</span>"));
    assert_non_null(strstr(html, "<td>1.07.2026, 08:00 <span class=\"exact\">2026-07-01T06:00:00.123Z</span>"));
    assert_non_null(
        strstr(html, "pierwsze spotkanie zespołu specjalistów <span class=\"exact\">MULTI_PROFESSIONAL_FIRST"));
    assert_non_null(strstr(html, "PILNE: jak najszybciej"));
    assert_non_null(strstr(html, "<td>OPS &quot;Wola&quot; &amp; &lt;i&gt; (ops)</td>")); /* a unit inside a section */
    free(html);
}

static void
a_page_can_be_english_and_withstands_odd_json(void **state)
{
    static const char *const odd[] = {"{}", "{\"header\":7,\"sections\":{},\"note\":[],\"withheld\":3}",
                                      "{\"sections\":[1,\"x\",null,[[]],{\"a\":{\"b\":null}}]}",
                                      "{\"seq\":-5,\"tsMs\":\"x\",\"header\":{\"actor\":[],\"to\":[3]}}"};
    char *html = render("{\"header\":{\"correction\":\"ENTERED_IN_ERROR\"}}", false);

    (void)state;
    assert_non_null(strstr(html, "IN ERROR"));
    assert_non_null(strstr(html, "lang=\"en\""));
    free(html);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        free(render(odd[i], true));
}

/* ---- configuration */

static void
config_put(const struct kit *kit, const char *more)
{
    char text[1000];

    (void)snprintf(text, sizeof text,
                   "# agent\nendpoint = tcp://127.0.0.1:1\nserver_key = 0123456789012345678901234567890123456789\n"
                   "key_file = a.key\ndir = data\nrole = a.role\n%s",
                   more);
    kit_put(kit, "a.conf", text);
    kit_put(kit, "a.role", "name = Szkoła\nrole = SCH\nfamilies = referral, case\n");
    kit_put(kit, "a.key", "x");
}

static void
a_configuration_is_read_or_the_error_names_the_line(void **state)
{
    static const struct {
        const char *more, *says;
    } bad[] = {
        {"poll_ms = 1\n", "a.conf:7: '1' does not fit option 'poll_ms': a number from 50 to 600000"},
        {"poll_ms = many\n", "a.conf:7: 'many' does not fit option 'poll_ms'"},
        {"dir = x\n", "a.conf:7: option 'dir' is given twice"},
        {"\ncolour = red\n", "a.conf:8: unknown option 'colour'"},
        {"nonsense\n", "a.conf:7: not of the form name = value"},
    };
    struct kit *kit = *state;
    struct agent_config config;
    char error[OPTIONS_ERROR_MAX], path[128];

    (void)snprintf(path, sizeof path, "%s/a.conf", kit->dir);
    config_put(kit, "poll_ms = 100\n");
    assert_int_equal(agent_config_read(&config, path, error), 0);
    assert_int_equal(config.poll_ms, 100);
    assert_int_equal(config.settle_ms, 2000);
    assert_string_equal(config.role.family[1], "case");
    assert_null(config.role.family[2]);
    assert_non_null(strstr(config.key_file, kit->dir)); /* beside the configuration file */
    assert_int_equal(agent_config_check_key(&config, error), 0);
    assert_int_equal(chmod(config.key_file, 0640), 0);
    assert_int_equal(agent_config_check_key(&config, error), -EPERM);
    assert_non_null(strstr(error, "chmod 600"));
    agent_config_free(&config);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        config_put(kit, bad[i].more);
        assert_int_equal(agent_config_read(&config, path, error), -EINVAL);
        assert_non_null(strstr(error, bad[i].says));
    }
    config_put(kit, "");
    kit_put(kit, "a.role", "name = x\nrole = KING\n");
    assert_int_equal(agent_config_read(&config, path, error), -EINVAL);
    kit_put(kit, "a.role", "name = x\nrole = SCH\nfamilies = weather\n");
    assert_int_equal(agent_config_read(&config, path, error), -EINVAL);
}

static void
the_role_files_we_ship_are_valid(void **state)
{
    static const char *const names[] = {"school", "court", "probation", "ops", "fcc", "provider"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[512], error[OPTIONS_ERROR_MAX];
        struct agent_role role;

        (void)snprintf(path, sizeof path, "%s/agents/roles/%s.role", getenv("WICI_SOURCE"), names[i]);
        assert_int_equal(agent_role_read(&role, path, error), 0);
        agent_role_free(&role);
    }
}

static void
only_one_agent_runs_in_a_folder(void **state)
{
    struct kit *kit = *state;
    struct agent_dirs second;

    assert_int_equal(agent_dirs_lock(&kit->dirs), 0);
    assert_int_equal(agent_dirs_open(&second, kit->dir), 0);
    assert_int_equal(agent_dirs_lock(&second), -EBUSY);
    agent_dirs_close(&second);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
    const struct CMUnitTest tests[] = {
        T(an_event_becomes_a_page_and_its_json),
        T(nothing_is_acknowledged_before_the_commit),
        T(a_redelivery_makes_no_second_file_even_if_the_first_was_moved_away),
        T(families_not_asked_for_and_own_events_are_not_filed),
        T(without_a_choice_all_but_registry_and_policy_is_filed),
        T(history_opened_to_us_is_read_and_filed_once),
        T(a_referral_forwarded_to_the_unit_or_to_its_office_is_read_from_its_beginning),
        T(what_is_handed_over_is_read_when_we_accept),
        T(a_hand_over_that_a_case_takes_up_is_read_and_a_refused_one_is_not),
        T(of_a_merge_with_history_each_of_the_dossiers_is_read),
        T(another_log_is_refused_and_an_older_copy_repeats_nothing),
        T(the_journal_cuts_a_torn_end_and_refuses_damage),
        T(only_one_agent_runs_in_a_folder),
        T(a_configuration_is_read_or_the_error_names_the_line),
        cmocka_unit_test(killed_at_any_step_each_event_is_filed_once),
        cmocka_unit_test(a_page_shows_labels_and_escapes_every_value),
        cmocka_unit_test(a_page_has_polish_times_and_labels_beside_the_exact_ones),
        cmocka_unit_test(a_page_can_be_english_and_withstands_odd_json),
        cmocka_unit_test(the_role_files_we_ship_are_valid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
