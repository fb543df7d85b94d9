/* What outbox_files.h and inbox_documents.h say: files go with their event, and come beside it, each once. */
#include "agents/inbox_documents.h"
#include "agents/media.h"
#include "tests/e2e/test_agent_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An event that names one document by its file's name. */
static const char *const naming =
    "{\"header\":{\"type\":\"REFERRAL_SUBMITTED\",\"priority\":\"routine\"},\"sections\":[{\"referralSubmittedS1\":"
    "{\"documents\":[{\"name\":\"skan.pdf\"}]}}]}";

static void
files_put(const struct kit *kit, const char *stem, const char *name, const char *text)
{
    char path[128];

    (void)snprintf(path, sizeof path, "outbox/%s.files", stem);
    (void)mkdirat(kit->dirs.top, path, 0700);
    (void)snprintf(path, sizeof path, "outbox/%s.files/%s", stem, name);
    kit_put(kit, path, text);
}

static unsigned
lines(const struct kit *kit, const char *path)
{
    unsigned count = 0;
    char *text;

    if (!kit_has(kit, path))
        return 0;
    text = kit_text(kit, path);
    for (const char *c = text; *c != '\0'; c++)
        count += *c == '\n';
    free(text);
    return count;
}

/* ---- outbox */

static void
files_are_sent_before_their_event_and_lie_beside_it_afterwards(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;
    char *text;

    files_put(kit, "a", "skan.pdf", "tresc skanu");
    files_put(kit, "a", ".DS_Store", "x"); /* not the office's */
    kit_put(kit, "outbox/a.json", naming);
    kit_settle(kit, box, &now);
    text = kit_text(kit, "sent/a.json");
    assert_string_equal(text, naming); /* as the office wrote it */
    free(text);
    assert_true(kit_has(kit, "sent/a.files/skan.pdf"));
    assert_true(kit_has(kit, "sent/a.receipt.json"));
    assert_int_equal(kit_count(kit, "outbox"), 0);
    assert_int_equal(kit_count(kit, "state/out"), 0);
    assert_int_equal(kit_log_count(kit), 1);
    assert_int_equal(lines(kit, "broker.docs"), 1);
    assert_string_equal(kit->order, "du");     /* the document, then the event that names it */
    assert_string_equal(kit->named, kit->put); /* by the digest of the file */
    outbox_close(&box);
}

static void
a_name_without_a_file_and_a_file_without_a_name_are_refused(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;
    char *text;

    files_put(kit, "a", "inny.pdf", "tresc");
    kit_put(kit, "outbox/a.json", naming);
    files_put(kit, "b", "inny.pdf", "tresc");
    kit_put(kit, "outbox/b.json", kit_json("routine"));
    kit_put(kit, "outbox/c.json", naming); /* no folder at all */
    files_put(kit, "d", "skan.pdf", "");
    kit_put(kit, "outbox/d.json", naming);
    kit_settle(kit, box, &now);
    text = kit_text(kit, "rejected/a.txt");
    assert_non_null(strstr(text, "sections[0].referralSubmittedS1.documents[0].name"));
    assert_null(strstr(text, "inny.pdf")); /* a file's name may tell whose it is */
    free(text);
    text = kit_text(kit, "rejected/b.txt");
    assert_non_null(strstr(text, "E_DOCUMENT"));
    free(text);
    assert_true(kit_has(kit, "rejected/a.files/inny.pdf"));
    assert_true(kit_has(kit, "rejected/b.files/inny.pdf"));
    assert_true(kit_has(kit, "rejected/c.txt"));
    assert_true(kit_has(kit, "rejected/d.txt"));
    assert_int_equal(kit_log_count(kit), 0);
    assert_int_equal(lines(kit, "broker.docs"), 0);
    assert_int_equal(kit_count(kit, "state/out"), 0);
    outbox_close(&box);
}

static void
a_document_that_has_to_wait_holds_its_event_back(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;

    kit->put_later = 2;
    files_put(kit, "a", "skan.pdf", "tresc skanu");
    kit_put(kit, "outbox/a.json", naming);
    kit_put(kit, "outbox/b.json", kit_json("routine"));
    kit_settle(kit, box, &now);
    assert_int_equal(kit->put_later, 0);
    assert_string_equal(kit->order, "duu");
    assert_true(kit_has(kit, "sent/a.json") && kit_has(kit, "sent/b.json"));
    outbox_close(&box);
}

static void
a_name_used_before_takes_its_folder_along(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;

    for (unsigned i = 0; i < 2; i++) {
        files_put(kit, "a", "skan.pdf", "tresc skanu");
        kit_put(kit, "outbox/a.json", naming);
        kit_settle(kit, box, &now);
    }
    assert_int_equal(kit_count(kit, "sent"), 6);
    assert_int_equal(kit_log_count(kit), 2);
    outbox_close(&box);
}

static void
media_types_follow_the_end_of_the_name(void **state)
{
    (void)state;
    assert_string_equal(media_type_of("Skan.PDF"), "application/pdf");
    assert_string_equal(media_type_of("a.jpeg"), "image/jpeg");
    assert_string_equal(media_type_of("pdf"), "application/octet-stream");
    assert_string_equal(media_type_of(".pdf"), "application/octet-stream");
    assert_string_equal(media_suffix_of("image/jpeg"), ".jpg");
    assert_string_equal(media_suffix_of("x/../../etc"), ".bin");
    assert_string_equal(media_suffix_of(""), ".bin");
}

/* ---- inbox */

static const struct kit_event two[] = {
    {.seq = 3,
     .type = "referral.submitted",
     .family = "referral",
     .dossier = KIT_DOSSIER,
     .unit = "ops",
     .documents = 2},
    {.seq = 4, .type = "case.opened", .family = "case", .dossier = KIT_DOSSIER, .unit = "ops"},
    {0},
};

static void
fetch_all(struct kit *kit, struct documents_fetch *fetch, uint64_t now_ms)
{
    *fetch = (struct documents_fetch){.dirs = &kit->dirs, .link = &kit->link, .waits = true};
    while (fetch->waits)
        assert_int_equal(documents_run(fetch, now_ms), 0);
}

static void
documents_come_beside_their_event_with_its_number(void **state)
{
    struct kit *kit = *state;
    struct inbox *box = kit_inbox(kit);
    struct documents_fetch fetch;
    size_t waiting = 0;
    char *text;

    kit->events = two;
    assert_false(inbox_wanted(box));
    assert_int_equal(kit_deliver(kit, box), 0);
    assert_true(inbox_wanted(box));
    assert_false(inbox_wanted(box));
    assert_int_equal(documents_waiting(&kit->dirs, &waiting), 0);
    assert_int_equal(waiting, 2);
    fetch_all(kit, &fetch, 1000);
    text = kit_text(kit, "inbox/000000000003-referral-1.pdf");
    assert_string_equal(text, "document 1");
    free(text);
    text = kit_text(kit, "inbox/000000000003-referral-2.pdf");
    assert_string_equal(text, "document 2");
    free(text);
    assert_int_equal(kit_count(kit, "inbox"), 6);
    assert_int_equal(kit_count(kit, "state/documents"), 0);
    text = kit_text(kit, "inbox/000000000003-referral.json");
    assert_non_null(strstr(text, "\"file\": \"000000000003-referral-2.pdf\""));
    free(text);
    text = kit_text(kit, "inbox/000000000003-referral.html");
    assert_non_null(strstr(text, "href=\"000000000003-referral-2.pdf\""));
    free(text);
    inbox_close(&box);
}

static void
one_that_is_not_there_yet_is_asked_for_again(void **state)
{
    struct kit *kit = *state;
    struct inbox *box = kit_inbox(kit);
    struct documents_fetch fetch;

    kit->events = two;
    kit->get_code = "E_NO_DOCUMENT";
    assert_int_equal(kit_deliver(kit, box), 0);
    fetch_all(kit, &fetch, 1000);
    assert_int_equal(kit_count(kit, "inbox"), 4);
    assert_int_equal(kit_count(kit, "state/documents"), 2);
    kit->get_code = NULL;
    assert_int_equal(documents_run(&fetch, 1000 + DOCUMENTS_EVERY_MS - 1), 0);
    assert_int_equal(kit_count(kit, "inbox"), 4);
    kit->offline = true;
    assert_int_equal(documents_run(&fetch, 1000 + DOCUMENTS_EVERY_MS), 0);
    assert_true(fetch.waits);
    kit->offline = false;
    assert_int_equal(documents_run(&fetch, 1000 + DOCUMENTS_EVERY_MS + DOCUMENTS_PAUSE_MS), 0);
    assert_int_equal(kit_count(kit, "inbox"), 6);
    inbox_close(&box);
}

/* A broker that gives other bytes for documents whose digest begins with 1. */
static int
give_other_bytes(void *arg, uint64_t seq, const char *sha256, uint8_t **ret, size_t *ret_len, struct agent_refusal *why)
{
    (void)arg;
    (void)seq;
    (void)why;
    if (sha256[0] == '1')
        return -EBADMSG;
    *ret_len = 1;
    *ret = malloc(1);
    assert_non_null(*ret);
    **ret = 'x';
    return 0;
}

static void
one_that_cannot_be_had_keeps_no_other_from_coming(void **state)
{
    struct kit *kit = *state;
    struct inbox *box = kit_inbox(kit);
    struct documents_fetch fetch;
    const uint64_t day_ms = 86400000u;

    kit->events = two;
    kit->link.get = give_other_bytes;
    kit->time_ms = 1000u * day_ms;
    assert_int_equal(kit_deliver(kit, box), 0);
    kit_put(kit, "state/documents/000000000001-odd-1.want", "{");
    fetch_all(kit, &fetch, 1000);
    assert_false(kit_has(kit, "inbox/000000000003-referral-1.pdf"));
    assert_true(kit_has(kit, "inbox/000000000003-referral-2.pdf"));
    assert_int_equal(kit_count(kit, "state/documents"), 2);
    kit->time_ms += (DOCUMENTS_DAYS + 1) * day_ms;
    assert_int_equal(documents_run(&fetch, 1000 + DOCUMENTS_EVERY_MS), 0);
    assert_int_equal(kit_count(kit, "state/documents"), 1); /* the note that nobody can read is for people */
    inbox_close(&box);
}

/* The computer's own clock may be years off, or be set meanwhile. */
static void
one_that_never_comes_is_given_up_by_the_brokers_clock(void **state)
{
    struct kit *kit = *state;
    struct inbox *box = kit_inbox(kit);
    struct documents_fetch fetch;
    const uint64_t day_ms = 86400000u;

    kit->events = two;
    kit->get_code = "E_NO_DOCUMENT";
    kit->time_ms = 1000u * day_ms; /* in 1972 */
    assert_int_equal(kit_deliver(kit, box), 0);
    fetch_all(kit, &fetch, 1000);
    kit->time_ms += DOCUMENTS_DAYS * day_ms;
    assert_int_equal(documents_run(&fetch, 1000 + DOCUMENTS_EVERY_MS), 0);
    assert_int_equal(kit_count(kit, "state/documents"), 2);
    kit->time_ms += day_ms;
    assert_int_equal(documents_run(&fetch, 1000 + 2 * DOCUMENTS_EVERY_MS), 0);
    assert_int_equal(kit_count(kit, "state/documents"), 0);
    inbox_close(&box);
}

static void
one_that_is_not_ours_any_more_is_given_up(void **state)
{
    struct kit *kit = *state;
    struct inbox *box = kit_inbox(kit);
    struct documents_fetch fetch;

    kit->events = two;
    kit->get_code = "E_UNKNOWN";
    assert_int_equal(kit_deliver(kit, box), 0);
    fetch_all(kit, &fetch, 1000);
    assert_int_equal(kit_count(kit, "inbox"), 4);
    assert_int_equal(kit_count(kit, "state/documents"), 0);
    inbox_close(&box);
}

static void
somebody_elses_file_of_that_name_stays(void **state)
{
    struct kit *kit = *state;
    struct inbox *box = kit_inbox(kit);
    struct documents_fetch fetch;
    char *text;

    kit->events = two;
    kit_put(kit, "inbox/000000000003-referral-1.pdf", "mine");
    assert_int_equal(kit_deliver(kit, box), 0);
    fetch_all(kit, &fetch, 1000);
    text = kit_text(kit, "inbox/000000000003-referral-1.pdf");
    assert_string_equal(text, "mine");
    free(text);
    assert_true(kit_has(kit, "inbox/000000000003-referral-1-2.pdf"));
    inbox_close(&box);
}

/* ---- kill -9, with a user who tidies up in between */

static void
child_run(struct kit *kit)
{
    struct inbox *in = kit_inbox(kit);
    struct outbox *out = kit_outbox(kit);
    struct documents_fetch fetch;
    uint64_t now = 1000;

    kit->events = two;
    assert_int_equal(inbox_set_log(in, "wici.example", 1), 0);
    kit_settle(kit, out, &now);
    assert_int_equal(kit_deliver(kit, in), 0);
    fetch_all(kit, &fetch, now);
    outbox_close(&out);
    inbox_close(&in);
}

static void
killed_at_any_step_each_file_ends_once(void **state)
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
        files_put(kit, "a", "skan.pdf", "tresc skanu");
        kit_put(kit, "outbox/a.json", naming);
        files_put(kit, "b", "inny.pdf", "tresc");
        kit_put(kit, "outbox/b.json", naming);
        assert_int_equal(mkdirat(kit->dirs.top, "user", 0700), 0);
        user = openat(kit->dirs.top, "user", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ended = kit_run_until_crash(child_run, kit->dir, n);
        kit_tidy_up(kit, user);
        (void)kit_run_until_crash(child_run, kit->dir, n % 13 + 1);
        kit_tidy_up(kit, user);
        assert_true(kit_run_until_crash(child_run, kit->dir, 0));
        kit_tidy_up(kit, user);
        assert_int_equal(kit_count(kit, "user"), 6);
        assert_int_equal(kit_count(kit, "outbox"), 0);
        assert_int_equal(kit_count(kit, "state/out"), 0);
        assert_int_equal(kit_count(kit, "state/in"), 0);
        assert_int_equal(kit_count(kit, "state/documents"), 0);
        assert_int_equal(kit_count(kit, "sent"), 3);
        assert_true(kit_has(kit, "sent/a.files/skan.pdf") && kit_has(kit, "sent/a.json"));
        assert_int_equal(kit_count(kit, "rejected"), 3);
        assert_true(kit_has(kit, "rejected/b.files/inny.pdf") && kit_has(kit, "rejected/b.txt"));
        assert_int_equal(kit_log_count(kit), 1);
        close(user);
        (void)kit_teardown(&own);
    }
    assert_true(ended && n > 60);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
    const struct CMUnitTest tests[] = {
        T(files_are_sent_before_their_event_and_lie_beside_it_afterwards),
        T(a_name_without_a_file_and_a_file_without_a_name_are_refused),
        T(a_document_that_has_to_wait_holds_its_event_back),
        T(a_name_used_before_takes_its_folder_along),
        T(media_types_follow_the_end_of_the_name),
        T(documents_come_beside_their_event_with_its_number),
        T(one_that_is_not_there_yet_is_asked_for_again),
        T(one_that_cannot_be_had_keeps_no_other_from_coming),
        T(one_that_never_comes_is_given_up_by_the_brokers_clock),
        T(one_that_is_not_ours_any_more_is_given_up),
        T(somebody_elses_file_of_that_name_stays),
        cmocka_unit_test(killed_at_any_step_each_file_ends_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
