/*
 * The order of system calls of a real wicid: what is synced before an answer leaves.
 *
 * wicid runs as it is, with libwici_trace.so preloaded (trace_lines.c); this test reads the lines. From the publish's
 * arrival at the socket to the first send that can be its answer:
 *
 *     pages      the log's pages were written, and an fdatasync that began after them had ended
 *     meta       then the meta page was written through O_DSYNC, and that write had ended
 *     keys       nothing of the key store was written without an fdatasync after it, when the meta page was written
 *     names      each name that was made (directories, log, key store, key-encryption key) had its directory synced
 *
 * The same holds from an auditor's question for content to the first byte of it: that it was given, and why, is on disk
 * then.
 *
 * Each rule is shown to notice its sync missing: WICI_TRACE_DROP takes one away.
 */
#include "tests/wire/kit.h"

#include <fcntl.h>
#include <unistd.h>

#define LETTERS    12
#define ANSWER_MIN 400 /* bytes: a receipt has more; heartbeats and positions have fewer */
#define NAMES_MAX  16
#define LINE_SIZE  1400

/* ---- reading the trace */

struct order {
    const char *dir;
    bool arrived;                        /* a publish, that is not answered */
    bool pages, pages_dirty;             /* the log's: written since; not synced */
    bool meta;                           /* written since */
    bool keys_dirty;                     /* the key store */
    char unsynced[NAMES_MAX][LINE_SIZE]; /* directories in which a name was made */
    unsigned answers, contents;
    bool content; /* what arrived asked for content */
    const char *violation;
    char detail[LINE_SIZE];
};

static void
violated(struct order *o, const char *rule, const char *detail)
{
    if (o->violation != NULL)
        return;
    o->violation = rule;
    (void)snprintf(o->detail, sizeof o->detail, "%s", detail);
}

static bool
ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* Names that nothing acknowledged rests on: locks, the finding index, keys of connections. */
static bool
name_matters(const struct order *o, const char *path)
{
    return strncmp(path, o->dir, strlen(o->dir)) == 0 && !ends_with(path, "/lock") && !ends_with(path, "/lock.mdb") &&
           strstr(path, "/data/find/") == NULL && !ends_with(path, ".key") && !ends_with(path, ".key.tmp");
}

static void
name_made(struct order *o, const char *path)
{
    size_t len = (size_t)(strrchr(path, '/') - path);

    if (!name_matters(o, path))
        return;
    for (size_t i = 0; i < NAMES_MAX; i++)
        if (o->unsynced[i][0] == '\0') {
            memcpy(o->unsynced[i], path, len);
            o->unsynced[i][len] = '\0';
            return;
        }
    fail_msg("too many names");
}

static void
synced(struct order *o, const char *path)
{
    if (ends_with(path, "/data/log/data.mdb"))
        o->pages_dirty = false;
    if (ends_with(path, "/keys/keys"))
        o->keys_dirty = false;
    for (size_t i = 0; i < NAMES_MAX; i++)
        if (strcmp(o->unsynced[i], path) == 0)
            o->unsynced[i][0] = '\0';
}

static void
written(struct order *o, bool begins, bool dsync, const char *path)
{
    if (ends_with(path, "/keys/keys"))
        o->keys_dirty = true;
    if (!ends_with(path, "/data/log/data.mdb"))
        return;
    if (!dsync) {
        o->pages = true;
        o->pages_dirty = true;
        return;
    }
    if (begins && o->pages_dirty)
        violated(o, "pages", "the meta page is written while pages are not synced");
    if (begins && o->keys_dirty)
        violated(o, "keys", "the meta page is written while key entries are not synced");
    o->meta = !begins;
}

static void
answered(struct order *o)
{
    if (!o->meta)
        violated(o, "meta", "an answer leaves before the meta page is written through");
    if (!o->pages || o->pages_dirty)
        violated(o, "pages", "an answer leaves before the log's pages are synced");
    if (o->keys_dirty)
        violated(o, "keys", "an answer leaves before key entries are synced");
    for (size_t i = 0; i < NAMES_MAX; i++)
        if (o->unsynced[i][0] != '\0')
            violated(o, "names", o->unsynced[i]);
    o->contents += o->content;
    o->arrived = o->content = false;
    o->answers++;
}

static void
line_take(struct order *o, char *line)
{
    char phase, op[16], path[LINE_SIZE], to[LINE_SIZE] = "";
    long long at;
    size_t len;
    int dsync;
    bool begins;

    if (sscanf(line, "%c %15s %d %lld %zu %1399s %1399s", &phase, op, &dsync, &at, &len, path, to) < 6)
        fail_msg("not a line of a trace: %s", line);
    begins = phase == 'b';
    if (strcmp(op, "publish") == 0) { /* put in by this test */
        o->pages = o->meta = false;
        o->arrived = false;
    } else if (strcmp(op, "content") == 0) { /* the same; the question is too small to be told from a heartbeat */
        o->pages = o->meta = false;
        o->arrived = o->content = true;
    } else if (strcmp(op, "receive") == 0 && len >= ANSWER_MIN) {
        o->arrived = true;
    } else if (strcmp(op, "send") == 0 && len >= ANSWER_MIN && o->arrived) {
        answered(o);
    } else if (strcmp(op, "write") == 0) {
        written(o, begins, dsync != 0, path);
    } else if (strcmp(op, "sync") == 0 && !begins) {
        synced(o, path);
    } else if ((strcmp(op, "create") == 0 || strcmp(op, "mkdir") == 0) && !begins) {
        name_made(o, path);
    } else if ((strcmp(op, "link") == 0 || strcmp(op, "rename") == 0) && !begins) {
        name_made(o, to);
    }
}

static void
trace_read(struct order *o, const char *file)
{
    FILE *in = fopen(file, "re");
    char line[3 * LINE_SIZE];

    assert_non_null(in);
    while (fgets(line, sizeof line, in) != NULL)
        line_take(o, line);
    (void)fclose(in);
}

/* ---- a broker that is traced */

static void
trace_environment(const char *file, const char *drop)
{
    const char *library = getenv("WICI_TRACE_LIB"), *asan = getenv("ASAN_OPTIONS");
    char options[512];

    assert_non_null(library);
    (void)snprintf(options, sizeof options, "%s%sverify_asan_link_order=0", asan != NULL ? asan : "",
                   asan != NULL ? ":" : "");
    assert_int_equal(setenv("ASAN_OPTIONS", options, 1), 0);
    assert_int_equal(setenv("LD_PRELOAD", library, 1), 0);
    assert_int_equal(setenv("WICI_TRACE_FILE", file, 1), 0);
    assert_int_equal(drop != NULL ? setenv("WICI_TRACE_DROP", drop, 1) : unsetenv("WICI_TRACE_DROP"), 0);
}

static void
note_put(const char *file, const char *line)
{
    int fd = open(file, O_WRONLY | O_APPEND | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, line, strlen(line)), strlen(line));
    (void)close(fd);
}

/* An auditor asks for the content of a letter, and is given it. */
static void
content_ask(const char *file, struct peer *auditor, const char *dossier)
{
    Wici__V1__ClientMessage message;
    Wici__V1__BrokerMessage *answer;
    Wici__V1__Read read;
    static char reason[] = "skarga 12/2026";

    wici__v1__client_message__init(&message);
    wici__v1__read__init(&read);
    read.request = 7;
    read.dossier = TEXT(dossier);
    read.max_events = 1;
    read.reason = reason;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_READ;
    message.read = &read;
    note_put(file, "m content 0 0 0 -\n");
    peer_send(auditor, &message);
    answer = peer_expect(auditor, WICI__V1__BROKER_MESSAGE__MESSAGE_READ_RESULT);
    assert_int_equal(answer->read_result->n_deliveries, 1);
    assert_true(answer->read_result->deliveries[0]->n_parts >= 3); /* header, S0, and the letter itself */
    peer_free(answer);
}

/* Makes a log, starts a broker, publishes letters one by one; reads the trace of it all. */
static void
order_of(const char *drop, struct order *o)
{
    char file[] = "/tmp/wici-trace-XXXXXX", text[2000], dossier[37] = "";
    struct town town = {0};
    int fd = mkstemp(file);
    static char dir[64];
    struct peer p, auditor;

    assert_true(fd >= 0);
    (void)close(fd);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    trace_environment(file, drop);
    daemon_create(&town.daemon, NULL);
    daemon_start(&town.daemon);
    assert_int_equal(unsetenv("LD_PRELOAD"), 0);
    town_fill(&town);
    peer_hello(&p, &town.daemon, &town.sw, "order");
    peer_hello(&auditor, &town.daemon, &town.auditor, "order");
    for (unsigned i = 0; i < LETTERS; i++) {
        if (i % 3 == 0)
            peer_uuid4(dossier);
        note_put(file, "m publish 0 0 0 -\n");
        (void)peer_letter(&p, dossier, "ops-sw2", text);
        if (i % 3 == 2)
            content_ask(file, &auditor, dossier);
    }
    peer_close(&p);
    peer_close(&auditor);
    assert_int_equal(daemon_stop(&town.daemon, SIGTERM), 0);

    (void)snprintf(dir, sizeof dir, "%s", town.daemon.dir);
    memset(o, 0, sizeof *o);
    o->dir = dir;
    trace_read(o, file);
    daemon_destroy(&town.daemon);
    (void)unlink(file);
}

static void
an_answer_leaves_after_pages_meta_page_keys_and_names_are_on_disk(void **state)
{
    static struct order o;

    (void)state;
    order_of(NULL, &o);
    if (o.violation != NULL)
        fail_msg("%s: %s", o.violation, o.detail);
    assert_true(o.answers >= LETTERS); /* setting up was answered too */
    assert_int_equal(o.contents, LETTERS / 3);
}

static void
each_sync_that_is_missing_is_noticed(void **state)
{
    static const struct {
        const char *drop, *rule;
    } planted[] = {{"sync */data/log/data.mdb", "pages"},
                   {"open */data/log/data.mdb", "meta"},
                   {"sync */keys/keys", "keys"},
                   {"sync */data", "names"},
                   {"sync *wici-wire-[!/][!/][!/][!/][!/][!/]/keys", "names"},
                   {"sync *wici-wire-[!/][!/][!/][!/][!/][!/]", "names"}};
    static struct order o;

    (void)state;
    for (size_t i = 0; i < sizeof planted / sizeof *planted; i++) {
        order_of(planted[i].drop, &o);
        if (o.violation == NULL)
            fail_msg("without %s nothing was noticed", planted[i].drop);
        assert_string_equal(o.violation, planted[i].rule);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_leaves_after_pages_meta_page_keys_and_names_are_on_disk),
        cmocka_unit_test(each_sync_that_is_missing_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
