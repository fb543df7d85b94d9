/* What outbox_odd.h says, and outbox.h of odd files: whatever lies in outbox is sent, refused, or told with
 * what to do. */
#include "agents/outbox_odd.h"
#include "tests/e2e/test_agent_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOTE   "outbox/" OUTBOX_ODD_FILE
#define NOBODY 65534u

/* A minute and more, in which nobody touches outbox. */
static void
minute(struct kit *kit, struct outbox *box, uint64_t *now)
{
    for (unsigned i = 0; i < 30; i++, *now += 2500) {
        assert_int_equal(outbox_run(box, *now), 0);
        (void)kit_answer(kit);
    }
}

static void
assert_note_has(const struct kit *kit, const char *what)
{
    char *text = kit_text(kit, NOTE);

    assert_non_null(strstr(text, what));
    free(text);
}

/* Lines of the log that say so, in a minute. */
static unsigned
told_in_a_minute(struct kit *kit, struct outbox *box, uint64_t *now)
{
    int saved = dup(2), log = openat(kit->dirs.top, "log", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    char *text;
    unsigned count = 0;

    assert_true(saved >= 0 && log >= 0 && dup2(log, 2) == 2);
    minute(kit, box, now);
    assert_int_equal(dup2(saved, 2), 2);
    close(saved);
    close(log);
    text = kit_text(kit, "log");
    for (const char *at = text; (at = strstr(at, OUTBOX_ODD_FILE)) != NULL; at++)
        count++;
    free(text);
    return count;
}

static void
odd_things_put(const struct kit *kit)
{
    assert_int_equal(symlinkat("/etc/passwd", kit->dirs.outbox, "a.json"), 0);
    assert_int_equal(mkdirat(kit->dirs.outbox, "b.json", 0700), 0);
    assert_int_equal(mkfifoat(kit->dirs.outbox, "c.json", 0600), 0);
    assert_int_equal(mkdirat(kit->dirs.outbox, "d.files", 0700), 0);
    kit_put(kit, "outbox/e.json.txt", kit_json("routine"));
    kit_put(kit, "outbox/f.json.tmp", kit_json("routine"));
    kit_put(kit, "outbox/g.pdf", "%PDF");
}

static void
each_odd_thing_is_told_in_the_folder_once_and_stays(void **state)
{
    static const char *const lines[] = {"* a.json\n  To jest skrót",
                                        "* b.json\n  To jest folder",
                                        "* c.json\n  To nie jest zwykły plik",
                                        "* d.files\n  Te załączniki czekają",
                                        "* e.json.txt\n  Nazwa musi kończyć się na .json",
                                        "  e.json\n",
                                        "* f.json.tmp\n  Wygląda na niedokończony",
                                        "* g.pdf\n  Wysyłane są tylko zdarzenia",
                                        "* a.json\n  This is a link",
                                        "* e.json.txt\n  The name has to end in .json"};
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;
    struct stat before, after;

    odd_things_put(kit);
    assert_int_equal(outbox_run(box, now), 0);
    assert_false(kit_has(kit, NOTE)); /* a program may be about to rename it */
    assert_int_equal(told_in_a_minute(kit, box, &now), 1);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_note_has(kit, lines[i]);
    assert_int_equal(fstatat(kit->dirs.top, NOTE, &before, 0), 0);
    assert_int_equal(told_in_a_minute(kit, box, &now), 0);
    outbox_close(&box);
    box = kit_outbox(kit); /* nor after a restart */
    assert_int_equal(told_in_a_minute(kit, box, &now), 0);
    assert_int_equal(fstatat(kit->dirs.top, NOTE, &after, 0), 0);
    assert_true(before.st_ino == after.st_ino);
    assert_int_equal(kit_count(kit, "outbox"), 8);
    assert_int_equal(kit_log_count(kit), 0);
    assert_int_equal(kit_count(kit, "rejected"), 0);
    outbox_close(&box);
}

static void
what_is_mended_is_sent_and_the_note_goes(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;
    int dir = kit->dirs.outbox;

    odd_things_put(kit);
    minute(kit, box, &now);
    assert_int_equal(renameat(dir, "e.json.txt", dir, "e.json"), 0);
    assert_int_equal(renameat(dir, "f.json.tmp", dir, "f.json"), 0);
    assert_int_equal(unlinkat(dir, "g.pdf", 0), 0);
    assert_int_equal(told_in_a_minute(kit, box, &now), 0); /* it becomes less */
    assert_true(kit_has(kit, "sent/e.json") && kit_has(kit, "sent/f.json"));
    assert_note_has(kit, "* a.json\n");
    kit_put(kit, "outbox/h.docx", "PK");
    assert_int_equal(told_in_a_minute(kit, box, &now), 1); /* and more again */
    assert_note_has(kit, "* h.docx\n");
    assert_int_equal(unlinkat(dir, "h.docx", 0), 0);
    assert_int_equal(unlinkat(dir, "a.json", 0), 0);
    assert_int_equal(unlinkat(dir, "b.json", AT_REMOVEDIR), 0);
    assert_int_equal(unlinkat(dir, "c.json", 0), 0);
    assert_int_equal(unlinkat(dir, "d.files", AT_REMOVEDIR), 0);
    assert_int_equal(told_in_a_minute(kit, box, &now), 0);
    assert_int_equal(kit_count(kit, "outbox"), 0);
    outbox_close(&box);
}

static void
what_still_changes_is_not_told_yet(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;
    char text[64];

    for (unsigned i = 0; i < 60; i++, now += 2500) {
        (void)snprintf(text, sizeof text, "%.*s", (int)i,
                       "{                                                          ");
        kit_put(kit, "outbox/a.json.tmp", text);
        assert_int_equal(outbox_run(box, now), 0);
        assert_false(kit_has(kit, NOTE));
    }
    outbox_close(&box);
}

static void
of_very_many_the_first_are_named_and_the_rest_counted(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;
    char path[64];

    for (unsigned i = 0; i < OUTBOX_ODD_MAX + 7; i++) {
        (void)snprintf(path, sizeof path, "outbox/x%03u.pdf", i * 31 % (OUTBOX_ODD_MAX + 7));
        kit_put(kit, path, "%PDF");
    }
    kit_put(kit, "outbox/\xbf\n.pdf", "%PDF"); /* sorts last: it is counted */
    minute(kit, box, &now);
    assert_note_has(kit, "* x000.pdf\n");
    assert_note_has(kit, "* x049.pdf\n");
    assert_note_has(kit, "* i jeszcze: 8\n");
    outbox_close(&box);
}

static void
a_name_in_another_encoding_is_told_readably(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;

    kit_put(kit, "outbox/za\xbf\xf3\xb3\xe6.pdf", "%PDF"); /* ISO-8859-2 */
    kit_put(kit, "outbox/żółć.pdf", "%PDF");
    kit_put(kit, "outbox/two\nlines.pdf", "%PDF");
    minute(kit, box, &now);
    assert_note_has(kit, "* za____.pdf\n");
    assert_note_has(kit, "* żółć.pdf\n");
    assert_note_has(kit, "* two_lines.pdf\n");
    outbox_close(&box);
}

static void
files_of_an_event_that_waits_are_not_odd(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;

    assert_int_equal(mkdirat(kit->dirs.outbox, "a.files", 0700), 0);
    kit_put(kit, "outbox/a.json", kit_json("routine"));
    kit->who.unit[0] = '\0'; /* nothing is taken yet */
    minute(kit, box, &now);
    assert_false(kit_has(kit, NOTE));
    outbox_close(&box);
}

/* ---- names and contents that are well */

static void
any_name_that_ends_in_json_is_sent(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;

    kit_put(kit, "outbox/X.JSON", kit_json("routine"));
    kit_put(kit, "outbox/a b  c.json", kit_json("routine"));
    kit_put(kit, "outbox/-rf.json", kit_json("routine"));
    kit_put(kit, "outbox/zażółć.json", kit_json("routine"));
    kit_put(kit, "outbox/za\xbf\xf3\xb3\xe6.json", kit_json("routine"));
    minute(kit, box, &now);
    assert_true(kit_has(kit, "sent/X.json") && kit_has(kit, "sent/X.receipt.json"));
    assert_true(kit_has(kit, "sent/a b  c.json") && kit_has(kit, "sent/-rf.json"));
    assert_true(kit_has(kit, "sent/zażółć.json") && kit_has(kit, "sent/za____.json"));
    assert_int_equal(kit_log_count(kit), 5);
    assert_int_equal(kit_count(kit, "outbox"), 0);
    outbox_close(&box);
}

static void
a_folder_beside_a_name_that_is_cut_or_cleaned_goes_along(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;
    char path[300] = "outbox/", *text;

    for (unsigned i = 0; i < 200; i++)
        (void)strcat(path, "n");
    (void)strcat(path, ".files");
    assert_int_equal(mkdirat(kit->dirs.top, path, 0700), 0);
    (void)strcpy(path + strlen(path) - strlen("files"), "json");
    kit_put(kit, path, kit_json("stat")); /* refused */
    assert_int_equal(mkdirat(kit->dirs.outbox, "\xbf.files", 0700), 0);
    kit_put(kit, "outbox/\xbf.json", kit_json("routine"));
    minute(kit, box, &now);
    assert_int_equal(kit_count(kit, "outbox"), 0);
    assert_true(kit_has(kit, "sent/_.json"));
    assert_int_equal(kit_count(kit, "rejected"), 3);
    text = kit_text(kit, "sent/_.receipt.json");
    free(text);
    outbox_close(&box);
}

static void
a_link_or_a_file_in_place_of_the_folder_is_refused(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;
    char *text;

    assert_int_equal(symlinkat("/etc", kit->dirs.outbox, "a.files"), 0);
    kit_put(kit, "outbox/a.json", kit_json("routine"));
    kit_put(kit, "outbox/b.files", "no folder");
    kit_put(kit, "outbox/b.json", kit_json("routine"));
    kit_put(kit, "outbox/c.json", kit_json("routine"));
    minute(kit, box, &now);
    text = kit_text(kit, "rejected/a.txt");
    assert_non_null(strstr(text, "to skrót"));
    free(text);
    text = kit_text(kit, "rejected/b.txt");
    assert_non_null(strstr(text, "it is a link or a file"));
    free(text);
    assert_true(kit_has(kit, "sent/c.json"));
    assert_int_equal(kit_count(kit, "outbox"), 0);
    assert_int_equal(kit_count(kit, "state/out"), 0);
    outbox_close(&box);
}

static void
an_empty_file_is_refused_as_empty(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;
    char *text;

    kit_put(kit, "outbox/a.json", "");
    minute(kit, box, &now);
    text = kit_text(kit, "rejected/a.txt");
    assert_non_null(strstr(text, "Plik jest pusty."));
    assert_non_null(strstr(text, "The file is empty."));
    free(text);
    outbox_close(&box);
}

static void
a_mark_before_utf8_is_passed_over_and_a_broken_letter_is_refused(void **state)
{
    struct kit *kit = *state;
    struct outbox *box = kit_outbox(kit);
    uint64_t now = 1000;
    char marked[4096], *text;

    (void)snprintf(marked, sizeof marked, "\xef\xbb\xbf%s", kit_json("routine"));
    kit_put(kit, "outbox/a.json", marked);
    marked[strlen(marked) - 2] = '\0';
    kit_put(kit, "outbox/b.json", marked); /* not finished, though it begins with the mark */
    kit_put(kit, "outbox/c.json", "{\"header\": {\"type\": \"za\xbf\xf3\xb3\xe6\"}}");
    for (unsigned i = 0; i < 4; i++, now += 2500) {
        assert_int_equal(outbox_run(box, now), 0);
        (void)kit_answer(kit);
    }
    assert_true(kit_has(kit, "sent/a.json") && kit_has(kit, "outbox/b.json") && kit_has(kit, "outbox/c.json"));
    minute(kit, box, &now);
    text = kit_text(kit, "rejected/b.txt");
    assert_non_null(strstr(text, "nie został zapisany do końca"));
    free(text);
    text = kit_text(kit, "rejected/c.txt");
    assert_non_null(strstr(text, "UTF-8"));
    free(text);
    outbox_close(&box);
}

/* The agent is not root, who may do everything; its folders are its own. */
static void
account_take(const struct kit *kit)
{
    const int dirs[] = {kit->dirs.top,      kit->dirs.outbox, kit->dirs.out,  kit->dirs.rejected,
                        kit->dirs.receipts, kit->dirs.sent,   kit->dirs.track};

    if (getuid() != 0)
        return;
    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++)
        assert_int_equal(fchown(dirs[i], NOBODY, NOBODY), 0);
    assert_int_equal(seteuid(NOBODY), 0);
}

static void
account_leave(void)
{
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
}

static void
a_folder_that_may_not_be_moved_is_told_and_stops_nothing(void **state)
{
    struct kit *kit = *state;
    struct outbox *box;
    uint64_t now = 1000;
    char *text;

    if (getuid() != 0)
        skip(); /* it takes another account to make such a folder */
    assert_int_equal(mkdirat(kit->dirs.outbox, "a.files", 0755), 0);
    account_take(kit);
    kit_put(kit, "outbox/a.json", kit_json("routine"));
    kit_put(kit, "outbox/b.json", kit_json("routine"));
    box = kit_outbox(kit);
    minute(kit, box, &now);
    outbox_close(&box);
    account_leave();
    text = kit_text(kit, "rejected/a.txt");
    assert_non_null(strstr(text, "nie może wziąć folderu"));
    free(text);
    assert_true(kit_has(kit, "sent/b.json"));
    assert_note_has(kit, "* a.files\n");
}

static void
an_outbox_that_is_not_the_agents_is_told_once_and_stops_nothing(void **state)
{
    struct kit *kit = *state;
    struct outbox *box;
    uint64_t now = 1000;

    account_take(kit);
    kit_put(kit, "outbox/a.json", kit_json("routine"));
    assert_int_equal(fchmod(kit->dirs.outbox, 0555), 0);
    box = kit_outbox(kit);
    minute(kit, box, &now);
    assert_true(kit_has(kit, "outbox/a.json"));
    assert_int_equal(fchmod(kit->dirs.outbox, 0755), 0);
    minute(kit, box, &now);
    account_leave();
    assert_true(kit_has(kit, "sent/a.json"));
    outbox_close(&box);
}

static void
a_file_that_may_not_be_read_is_refused_with_what_to_do(void **state)
{
    struct kit *kit = *state;
    struct outbox *box;
    uint64_t now = 1000;
    char *text;

    kit_put(kit, "outbox/a.json", kit_json("routine"));
    assert_int_equal(fchmodat(kit->dirs.outbox, "a.json", 0, 0), 0);
    account_take(kit);
    box = kit_outbox(kit);
    minute(kit, box, &now);
    outbox_close(&box);
    account_leave();
    text = kit_text(kit, "rejected/a.txt");
    assert_non_null(strstr(text, "konto agenta"));
    assert_non_null(strstr(text, "the agent's account"));
    free(text);
    assert_int_equal(kit_log_count(kit), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
    const struct CMUnitTest tests[] = {
        T(each_odd_thing_is_told_in_the_folder_once_and_stays),
        T(what_is_mended_is_sent_and_the_note_goes),
        T(what_still_changes_is_not_told_yet),
        T(of_very_many_the_first_are_named_and_the_rest_counted),
        T(a_name_in_another_encoding_is_told_readably),
        T(files_of_an_event_that_waits_are_not_odd),
        T(any_name_that_ends_in_json_is_sent),
        T(a_folder_beside_a_name_that_is_cut_or_cleaned_goes_along),
        T(a_link_or_a_file_in_place_of_the_folder_is_refused),
        T(an_empty_file_is_refused_as_empty),
        T(a_mark_before_utf8_is_passed_over_and_a_broken_letter_is_refused),
        T(a_folder_that_may_not_be_moved_is_told_and_stops_nothing),
        T(an_outbox_that_is_not_the_agents_is_told_once_and_stops_nothing),
        T(a_file_that_may_not_be_read_is_refused_with_what_to_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
