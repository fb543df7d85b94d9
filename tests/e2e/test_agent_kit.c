/* test_agent_kit - see test_agent_kit.h */
#include "tests/e2e/test_agent_kit.h"

#include "proto/document.h"
#include "proto/event.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned steps_left;

static void
count_down(void)
{
    if (--steps_left == 0)
        (void)kill(getpid(), SIGKILL);
}

static void
crash_at(unsigned nth)
{
    steps_left = nth;
    agent_step = count_down;
}

/* ---- the broker */

static void
order_note(struct kit *kit, char what)
{
    size_t len = strlen(kit->order);

    if (len + 1 < sizeof kit->order) {
        kit->order[len] = what;
        kit->order[len + 1] = '\0';
    }
}

static int
fake_put(void *arg, const uint8_t *bytes, size_t len, struct agent_refusal *why)
{
    struct kit *kit = arg;
    uint8_t digest[DIGEST_SIZE];
    struct digest none;
    char path[128];
    FILE *file;

    if (kit->offline)
        return -ENOTCONN;
    if (kit->put_later > 0) {
        kit->put_later--;
        *why = (struct agent_refusal){"E_DOCUMENT_QUOTA", "documentPut.size", "Za dużo.", "Too many."};
        return -EPROTO;
    }
    digest_begin(&none);
    digest_end(&none, bytes, len, digest);
    document_digest_format(digest, kit->put);
    order_note(kit, 'd');
    (void)snprintf(path, sizeof path, "%s/broker.docs", kit->dir);
    file = fopen(path, "ae");
    assert_non_null(file);
    fprintf(file, "%s\n", kit->put);
    (void)fclose(file);
    return 0;
}

/* The n-th document of an event has the digest nnn...n. */
static int
fake_get(void *arg, uint64_t seq, const char *sha256, uint8_t **ret, size_t *ret_len, struct agent_refusal *why)
{
    struct kit *kit = arg;

    (void)seq;
    if (kit->offline)
        return -ENOTCONN;
    if (kit->get_code != NULL) {
        *why = (struct agent_refusal){.path = "documentGet.sha256", .pl = "Nie.", .en = "No."};
        (void)snprintf(why->code, sizeof why->code, "%s", kit->get_code);
        return -EPROTO;
    }
    *ret_len = strlen("document 1");
    *ret = malloc(*ret_len + 1);
    assert_non_null(*ret);
    (void)snprintf((char *)*ret, *ret_len + 1, "document %c", sha256[0]);
    return 0;
}

/* The first document of the event's JSON that has a digest; NULL: none. */
static const char *
first_digest(const json_t *event)
{
    const json_t *section, *body, *document;
    const char *member, *found = NULL;
    size_t i, k;

    json_array_foreach(json_object_get(event, "sections"), i, section)
        json_object_foreach((json_t *)(uintptr_t)section, member, body)
            json_array_foreach(json_object_get(body, "documents"), k, document) if (found == NULL)
                found = json_string_value(json_object_get(document, "sha256"));
    return found;
}

static int
fake_encode(void *arg, const char *json, uint8_t **ret, size_t *ret_len, struct agent_refusal *why)
{
    json_t *event = json_loads(json, 0, NULL);
    json_t *header = json_object_get(event, "header");
    const char *unit = json_string_value(json_object_get(json_object_get(header, "actor"), "unit"));
    const char *priority = json_string_value(json_object_get(header, "priority"));
    Wici__V1__EventDocument document;
    Wici__V1__Header h;
    Wici__V1__Address to, *tos[] = {&to};
    Wici__V1__Document doc, *docs[] = {&doc};
    Wici__V1__ReferralSubmittedS1 body;
    Wici__V1__Section section, *sections[] = {&section};
    const char *digest = first_digest(event);
    uint8_t random[10], raw[16];
    char id[37], word[16];
    int rc = 0;

    if (priority == NULL || unit == NULL || strcmp(unit, "sp3") != 0) {
        *why = (struct agent_refusal){"E_JSON", "sections[0].referralSubmittedS0.referalId", "zdanie", "sentence"};
        rc = -EPROTO;
        goto out;
    }
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        rc = -EIO;
        goto out;
    }
    uuid7_make(1000000, random, raw);
    uuid_format(raw, id);
    (void)snprintf(word, sizeof word, "%s", priority);
    wici__v1__event_document__init(&document);
    wici__v1__header__init(&h);
    wici__v1__address__init(&to);
    to.unit = word;
    h.event_id = id;
    h.priority = word;
    h.to = tos;
    h.n_to = 1;
    document.header = &h;
    if (digest != NULL) {
        wici__v1__document__init(&doc);
        wici__v1__referral_submitted_s1__init(&body);
        wici__v1__section__init(&section);
        doc.sha256 = (char *)(uintptr_t)digest;
        body.documents = docs;
        body.n_documents = 1;
        section.body_case = WICI__V1__SECTION__BODY_REFERRAL_SUBMITTED_S1;
        section.referral_submitted_s1 = &body;
        document.sections = sections;
        document.n_sections = 1;
        (void)snprintf(((struct kit *)arg)->named, sizeof((struct kit *)arg)->named, "%s", digest);
    }
    *ret_len = wici__v1__event_document__get_packed_size(&document);
    *ret = malloc(*ret_len);
    (void)wici__v1__event_document__pack(&document, *ret);
out:
    json_decref(event);
    return rc;
}

static bool
log_has(const struct kit *kit, const char *id)
{
    char path[128], line[64];
    bool found = false;
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/broker.log", kit->dir);
    file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        found = found || strncmp(line, id, 36) == 0;
    if (file != NULL)
        (void)fclose(file);
    return found;
}

static int
fake_publish(void *arg, const uint8_t *event, size_t len, wici_answer_fn *fn, void *fn_arg)
{
    struct kit *kit = arg;
    Wici__V1__EventDocument *document;
    struct kit_answer *answer;
    char path[128];
    FILE *file;

    if (kit->offline || kit->answer_count == 64)
        return -EAGAIN;
    document = wici__v1__event_document__unpack(NULL, len, event);
    if (document == NULL)
        return -EINVAL;
    order_note(kit, 'u');
    answer = &kit->answers[kit->answer_count++];
    *answer = (struct kit_answer){.fn = fn, .arg = fn_arg};
    (void)snprintf(answer->id, sizeof answer->id, "%s", document->header->event_id);
    answer->refused = strcmp(document->header->priority, "stat") == 0;
    answer->later = strcmp(document->header->priority, "asap") == 0 && !kit->later_said;
    kit->later_said = kit->later_said || answer->later;
    wici__v1__event_document__free_unpacked(document, NULL);
    if (!answer->refused && !answer->later && !log_has(kit, answer->id)) {
        (void)snprintf(path, sizeof path, "%s/broker.log", kit->dir);
        file = fopen(path, "ae");
        assert_non_null(file);
        fprintf(file, "%s\n", answer->id);
        (void)fclose(file);
    }
    return 0;
}

size_t
kit_answer(struct kit *kit)
{
    static const struct wici_error refused = {"E_DOSSIER", "header.dossierId", "Nieznana teczka.", "Unknown dossier."};
    static const struct wici_error later = {"E_FULL", "", "Pełny.", "Full."};
    size_t count = kit->answer_count;

    for (size_t i = 0; i < count; i++) {
        struct kit_answer a = kit->answers[i];
        struct wici_answer answer = {.event_id = a.id};

        if (a.refused || a.later) {
            answer.refusal = a.later ? &later : &refused;
        } else {
            answer.seq = 7;
            answer.receipt_json = "{\"seq\":\"7\",\"tsMs\":\"1\"}";
        }
        a.fn(a.arg, &answer);
    }
    kit->answer_count = 0;
    return count;
}

uint64_t
kit_cursor(const struct kit *kit)
{
    uint64_t cursor = 0;
    char *text = NULL;

    if (agent_read(kit->dirs.top, "broker.cursor", 32, &text, NULL) == 0)
        cursor = strtoull(text, NULL, 10);
    free(text);
    return cursor;
}

static int
fake_ack(void *arg, uint64_t seq)
{
    struct kit *kit = arg;
    char text[32];

    if (kit->place != NULL)
        assert_int_equal(place_note(kit->place, 1, 1, seq), 0);
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)seq);
    kit_put(kit, "broker.cursor", text);
    return 0;
}

static int
event_give(const struct kit_event *e, wici_event_fn *fn, void *arg)
{
    char id[37];
    struct wici_event event = {.seq = e->seq,
                               .ts_ms = 1700000000000,
                               .event_id = id,
                               .type = e->type,
                               .family = e->family,
                               .dossier_id = e->dossier,
                               .delivery = (const uint8_t *)e};

    (void)snprintf(id, sizeof id, "01900000-0000-7000-8%03x-%012llx", e->log, (unsigned long long)e->seq);
    return fn(arg, &event);
}

/* Numbers as texts, as proto3 JSON has them. */
static json_t *
notice_of(const struct kit_event *e)
{
    json_t *ranges = json_array();
    unsigned from, to;
    char unit[16] = "";
    int len = 0;

    assert_int_equal(sscanf(e->name, "%15s %n", unit, &len), 1);
    for (const char *at = e->name + len; sscanf(at, "%u-%u %n", &from, &to, &len) == 2; at += len) {
        char first[16], last[16];

        (void)snprintf(first, sizeof first, "%u", from);
        (void)snprintf(last, sizeof last, "%u", to);
        json_array_append_new(ranges, json_pack("{s:s, s:s}", "fromSeq", first, "toSeq", last));
    }
    return json_pack("{s:{s:s, s:s, s:o}}", "sysErasureNotifiedS0", "unit", unit, "reason",
                     e->history_from != 0 ? "REPEATED" : "COURT_ORDER", "ranges", ranges);
}

static int
fake_forget(void *arg, uint64_t from_seq, uint64_t to_seq)
{
    struct kit *kit = arg;
    size_t len = strlen(kit->forgot);

    (void)snprintf(kit->forgot + len, sizeof kit->forgot - len, "%llu-%llu ", (unsigned long long)from_seq,
                   (unsigned long long)to_seq);
    return 0;
}

/* What opens earlier history to somebody; NULL: nothing does. */
static json_t *
opener_of(const struct kit_event *e)
{
    char from[24];

    (void)snprintf(from, sizeof from, "%llu", (unsigned long long)e->history_from);
    if (strcmp(e->type, "referral.submitted") == 0 && e->history_from != 0)
        return json_pack("{s:{s:s, s:{s:s, s:s}}}", "referralSubmittedS6", "service", "HAND_OVER", "handOver",
                         "fromDossier", e->name, "historyFrom", from);
    if (strcmp(e->type, "referral.answered") == 0 && e->name != NULL)
        return json_pack("{s:{s:s}}", "referralAnsweredS6", "status", e->name);
    if (strcmp(e->type, "referral.forwarded") == 0)
        return json_pack("{s:{s:s, s:s}}", "referralForwardedS0", "whole", "YES", "toUnit", e->name);
    if (strcmp(e->type, "case.linked") == 0 && e->history_from != 0)
        return json_pack("{s:{s:s, s:s, s:s}}", "caseLinkedS0", "kind", "MERGED_INTO", "otherDossier", e->name,
                         "historyFrom", from);
    if (strcmp(e->type, "case.linked") == 0)
        return json_pack("{s:{s:s, s:s}}", "caseLinkedS0", "kind", "REFERRAL_OF", "otherDossier", e->name);
    return NULL;
}

static int
fake_event_json(const struct wici_event *event, char **ret)
{
    const struct kit_event *e = (const void *)event->delivery;
    json_t *json = json_pack("{s:I, s:I, s:{s:s, s:s, s:s, s:{s:s, s:s}}, s:[]}", "seq", (json_int_t)event->seq, "tsMs",
                             (json_int_t)event->ts_ms, "header", "eventId", event->event_id, "type",
                             "REFERRAL_SUBMITTED", "dossierId", event->dossier_id, "actor", "agency", "ops", "unit",
                             e->unit, "sections");
    json_t *sections = json_object_get(json, "sections"), *opener = opener_of(e);

    if (strcmp(e->type, "sys.erasure_notified") == 0)
        json_array_append_new(sections, notice_of(e));
    else if (opener != NULL)
        json_array_append_new(sections, opener);
    else if (e->name != NULL)
        json_array_append_new(sections, json_pack("{s:{s:[{s:s, s:s}]}}", "referralSubmittedS1", "persons", "personRef",
                                                  "p1", "name", e->name));
    if (e->history_from != 0 && strcmp(e->type, "sys.participant_added") == 0)
        json_array_append_new(sections, json_pack("{s:{s:s, s:I}}", "sysParticipantAddedS0", "unit", "sp3",
                                                  "historyFrom", (json_int_t)e->history_from));
    for (unsigned i = 1; i <= e->documents; i++) {
        char digest[65];

        memset(digest, '0' + (int)i, 64);
        digest[64] = '\0';
        json_array_append_new(sections, json_pack("{s:{s:[{s:s, s:i, s:s}]}}", "referralSubmittedS1", "documents",
                                                  "sha256", digest, "size", 10, "mediaType", "application/pdf"));
    }
    *ret = json_dumps(json, 0);
    json_decref(json);
    return *ret != NULL ? 0 : -ENOMEM;
}

static int
fake_read(void *arg, const char *request, wici_event_fn *fn, void *fn_arg)
{
    struct kit *kit = arg;
    int rc = 0;

    if (kit->offline)
        return -ENOTCONN;
    (void)snprintf(kit->asked, sizeof kit->asked, "%s", request);
    for (const struct kit_event *e = kit->past; rc == 0 && e != NULL && e->seq != 0; e++)
        rc = event_give(e, fn, fn_arg);
    return rc;
}

static int
fake_query(void *arg, const char *request, char **ret)
{
    struct kit *kit = arg;

    if (kit->offline)
        return -ENOTCONN;
    if (!kit->unknown && kit->group != NULL && strstr(request, "group") != NULL) {
        *ret = strdup(kit->group);
        return *ret != NULL ? 0 : -ENOMEM;
    }
    if (kit->unknown || strstr(request, "fetched") == NULL)
        return -EPROTO;
    *ret = strdup(kit->later_said
                      ? "{\"fetched\":{\"seq\":\"7\",\"units\":[{\"unit\":\"ops\",\"fetched\":true}]}}"
                      : "{\"fetched\":{\"seq\":\"7\",\"units\":[{\"unit\":\"ops\",\"notReadingS\":\"90000\"}]}}");
    return *ret != NULL ? 0 : -ENOMEM;
}

static bool
fake_unknown(void *arg)
{
    struct kit *kit = arg;

    return kit->unknown && !kit->under_way;
}

int
kit_deliver(struct kit *kit, struct inbox *inbox)
{
    uint64_t cursor = kit_cursor(kit);
    int rc = 0;

    for (const struct kit_event *e = kit->events; rc == 0 && e->seq != 0; e++)
        if (e->seq > cursor)
            rc = event_give(e, inbox_take, inbox);
    return rc != 0 ? rc : inbox_commit(inbox);
}

/* The broker's clock, which nobody sets: the computer's own may be wrong. */
static uint64_t
fake_time_ms(void *arg)
{
    const struct kit *kit = arg;

    return kit->time_ms != 0 ? kit->time_ms : wici_time_ms(NULL);
}

/* ---- the folders */

static void
kit_open(struct kit *kit, const char *dir)
{
    static char role[] = "SCH", name[] = "Szkoła", empty[] = "";

    *kit = (struct kit){.who = {"szkola", "sp3"}};
    (void)snprintf(kit->dir, sizeof kit->dir, "%s", dir);
    kit->config = (struct agent_config){.poll_ms = 50,
                                        .settle_ms = 2000,
                                        .half_ms = 60000,
                                        .window = 64,
                                        .delivery_s = 300,
                                        .delivery_days = 60,
                                        .holidays = empty,
                                        .role = {.name = name,
                                                 .role = role,
                                                 .profession = empty,
                                                 .families = empty,
                                                 .polish = true,
                                                 .page_header = empty,
                                                 .tasks = empty,
                                                 .page_footer = empty,
                                                 .own = true}};
    kit->link = (struct agent_link){.arg = kit,
                                    .encode = fake_encode,
                                    .publish = fake_publish,
                                    .ack = fake_ack,
                                    .read = fake_read,
                                    .query = fake_query,
                                    .forget = fake_forget,
                                    .unknown = fake_unknown,
                                    .time_ms = fake_time_ms,
                                    .put = fake_put,
                                    .get = fake_get,
                                    .event_json = fake_event_json};
    assert_int_equal(agent_dirs_open(&kit->dirs, kit->dir), 0);
}

static void
kit_close(struct kit *kit)
{
    agent_dirs_close(&kit->dirs);
    json_decref(kit->names);
    kit->names = NULL;
}

int
kit_setup(void **state)
{
    struct kit *kit = malloc(sizeof *kit);
    char dir[] = "/tmp/wici-agent-XXXXXX";

    if (kit == NULL || mkdtemp(dir) == NULL)
        return -1;
    kit_open(kit, dir);
    *state = kit;
    return 0;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

int
kit_teardown(void **state)
{
    struct kit *kit = *state;

    agent_step = NULL;
    kit_close(kit);
    (void)nftw(kit->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(kit);
    return 0;
}

void
kit_settle(struct kit *kit, struct outbox *box, uint64_t *now)
{
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(outbox_run(box, *now), 0);
        *now += 2500;
        if (kit_answer(kit) == 0 && outbox_under_way(box) == 0 && i > 11)
            return;
    }
}

/* ---- kill -9, with a user who tidies up in between */

bool
kit_run_until_crash(kit_child_fn *child, const char *dir, unsigned nth)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct kit kit;

        kit_open(&kit, dir);
        if (nth > 0)
            crash_at(nth);
        child(&kit);
        kit_close(&kit);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    return WIFEXITED(status);
}

void
kit_tidy_up(const struct kit *kit, int user)
{
    int fd = openat(kit->dirs.inbox, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fdopendir(fd);
    struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (agent_has_suffix(entry->d_name, ".json")) {
            char page[64];

            (void)snprintf(page, sizeof page, "%.*s.html", (int)strlen(entry->d_name) - 5, entry->d_name);
            assert_true(agent_exists(kit->dirs.inbox, page) || agent_exists(user, page)); /* both, or none */
        }
        assert_int_equal(agent_move(kit->dirs.inbox, entry->d_name, user, entry->d_name), 0);
    }
    closedir(dir);
}

/* ---- files */

void
kit_put(const struct kit *kit, const char *path, const char *text)
{
    int fd = openat(kit->dirs.top, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

bool
kit_has(const struct kit *kit, const char *path)
{
    return agent_exists(kit->dirs.top, path);
}

char *
kit_text(const struct kit *kit, const char *path)
{
    char *text = NULL;

    assert_int_equal(agent_read(kit->dirs.top, path, 1u << 20, &text, NULL), 0);
    return text;
}

unsigned
kit_count(const struct kit *kit, const char *folder)
{
    int fd = openat(kit->dirs.top, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fdopendir(fd);
    struct dirent *entry;
    unsigned count = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return count;
}

unsigned
kit_log_count(const struct kit *kit)
{
    unsigned count = 0;
    char *text;

    if (!kit_has(kit, "broker.log"))
        return 0;
    text = kit_text(kit, "broker.log");
    for (const char *c = text; *c != '\0'; c++)
        count += *c == '\n';
    free(text);
    return count;
}

const char *
kit_json(const char *priority)
{
    static char text[256];

    (void)snprintf(text, sizeof text,
                   "{\"header\":{\"type\":\"REFERRAL_SUBMITTED\",\"priority\":\"%s\"},\"sections\":[]}", priority);
    return text;
}

struct outbox *
kit_outbox(struct kit *kit)
{
    struct outbox *box = NULL;

    assert_int_equal(outbox_open(&box, &(struct outbox_options){&kit->dirs, &kit->link, &kit->config, &kit->who}), 0);
    return box;
}

struct inbox *
kit_inbox(struct kit *kit)
{
    struct inbox *box = NULL;

    assert_int_equal(
        inbox_open(&box, &(struct inbox_options){&kit->dirs, &kit->link, &kit->config, &kit->who, &kit->names}), 0);
    return box;
}
