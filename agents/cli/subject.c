/*
 * subject - see subject.h
 *
 * Who was shown what comes row by row of reads, of which a subscription makes one a minute: rows of one unit, event and
 * reason are told as one, with the first and the last time.
 */
#include "agents/cli/subject.h"
#include "agents/cli/shown.h"
#include "agents/cli/subject_person.h"
#include "agents/media.h"
#include "agents/worklist.h"

#include "proto/clocks.h"
#include "proto/erasedmark.h"
#include "proto/event.h"
#include "proto/types.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct account {
    struct cli *cli;
    const struct subject_request *request;
    json_t *directory, *subject;
    bool auditor, after_erasure;
};

static json_t *
number_json(uint64_t number)
{
    return json_integer((json_int_t)number);
}

static void
time_set(json_t *to, const char *key, uint64_t ms)
{
    char text[TIME_TEXT_SIZE];

    time_format(ms, text);
    json_object_set_new(to, key, json_string(text));
}

static json_t *
list_of(const struct account *a, const char *key)
{
    json_t *list = json_object_get(a->subject, key);

    if (list == NULL) {
        list = json_array();
        json_object_set_new(a->subject, key, list);
    }
    return list;
}

static void
leave_out(const struct account *a, const char *code)
{
    json_array_append_new(list_of(a, "leftOut"), json_pack("{s:s}", "code", code));
}

static void
leave_out_some(json_t *subject, const char *code, uint64_t count)
{
    if (count > 0)
        json_array_append_new(json_object_get(subject, "leftOut"),
                              json_pack("{s:s,s:o}", "code", code, "count", number_json(count)));
}

/* Events of this unit may read, one by one, into an array. */
static int
event_take(void *arg, const struct wici_event *event)
{
    json_t *json;
    int rc = event_json(event, &json);

    if (rc != 0)
        return rc;
    return json_array_append_new(arg, json) != 0 ? -ENOMEM : 0;
}

static int
events_read(struct account *a, json_t *request, json_t *into)
{
    char *text = request == NULL ? NULL : json_dumps(request, JSON_COMPACT);
    int rc = text == NULL ? -ENOMEM : wici_read(a->cli->w, text, a->cli->timeout_ms, event_take, into);

    json_decref(request);
    free(text);
    return rc == 0 ? CLI_OK : cli_fail(a->cli, rc, "wici");
}

static bool
is_auditor(const struct cli *cli)
{
    const json_t *role;
    size_t i;

    json_array_foreach(json_object_get(cli->welcome, "roles"), i,
                       role) if (strcmp(json_string_value(role), "AUD") == 0) return true;
    return false;
}

/* ---- an erased dossier */

static json_t *
ranges_of(const json_t *body)
{
    const json_t *ranges = json_object_get(body, "ranges");

    return ranges == NULL ? json_array() : json_deep_copy(ranges);
}

static bool
has_mark(const json_t *body, const char *mark)
{
    const json_t *key;
    size_t i;

    json_array_foreach(json_object_get(body, "keys"), i, key) if (strcmp(jstr(key, "mark"), mark) == 0) return true;
    return false;
}

/* The order that names the mark, with the records that tell the rest of it. NULL: none does. */
static json_t *
order_find(const json_t *intents, const char *mark)
{
    const json_t *event, *body;
    json_t *erased = NULL;
    size_t i;

    json_array_foreach(intents, i, event)
    {
        body = event_first_body(event);
        if (erased == NULL && !has_mark(body, mark))
            continue;
        if (erased != NULL && member_number(body, "part") <= 1)
            break; /* another order */
        if (erased == NULL) {
            erased = json_pack("{s:o,s:s,s:s,s:s,s:s,s:[]}", "intendedSeq", number_json(member_number(event, "seq")),
                               "reason", jstr(body, "reason"), "orderSha256", jstr(body, "orderSha256"), "orderedBy",
                               jstr(body, "orderedBy"), "backupsClearBy", jstr(body, "backupsClearBy"), "ranges");
            time_set(erased, "ts", member_number(event, "tsMs"));
        }
        json_array_extend(json_object_get(erased, "ranges"), json_object_get(body, "ranges"));
    }
    return erased;
}

static int
order_outcome(struct account *a, json_t *erased)
{
    json_t *done = json_array(), *told = json_array(), *event, *recipients = json_array();
    uint64_t intended = member_number(erased, "intendedSeq");
    bool is_done = false;
    size_t i;
    int rc = events_read(a, json_pack("{s:s}", "type", "SYS_ERASURE_DONE"), done);

    if (rc == CLI_OK)
        rc = events_read(a, json_pack("{s:s}", "type", "SYS_ERASURE_NOTIFIED"), told);
    json_array_foreach(done, i, event)
        is_done = is_done || member_number(event_first_body(event), "intendedSeq") == intended;
    json_array_foreach(told, i, event)
    {
        const json_t *body = event_first_body(event);

        if (member_number(body, "intendedSeq") == intended)
            json_array_append_new(recipients,
                                  json_pack("{s:s,s:s,s:o}", "unit", jstr(body, "unit"), "agency",
                                            unit_agency(a->directory, jstr(body, "unit")), "ranges", ranges_of(body)));
    }
    json_object_set_new(erased, "done", json_boolean(is_done));
    json_object_set_new(erased, "recipients", recipients);
    json_decref(done);
    json_decref(told);
    return rc;
}

/* Only who looks after the log is given the records of erasures. *ret: it was erased, and that is told. */
static int
erased_take(struct account *a, bool *ret)
{
    json_t *intents = json_array(), *erased;
    char mark[ERASED_MARK_TEXT_SIZE];
    uint8_t id[16];
    int rc = events_read(a, json_pack("{s:s}", "type", "SYS_ERASURE_INTENDED"), intents);

    *ret = false;
    if (rc == CLI_OK && uuid_parse(a->request->dossier, id) == 0) {
        erased_mark_text(id, mark);
        erased = order_find(intents, mark);
        if (erased != NULL) {
            *ret = true;
            json_object_set_new(a->subject, "erased", erased);
            json_object_set_new(a->subject, "asOfSeq",
                                number_json(member_number(json_object_get(a->cli->welcome, "head"), "seq")));
            rc = order_outcome(a, erased);
            json_object_del(a->subject, "reason"); /* nothing was read that is written down */
            leave_out(a, "ERASED_CONTENT");
            leave_out(a, "ERASED_SHOWN");
        }
    }
    json_decref(intents);
    return rc;
}

/* ---- who was shown what */

static void
classes_text(const json_t *shown, char ret[64])
{
    const json_t *cls;
    size_t i, len = 0;

    ret[0] = '\0';
    json_array_foreach(json_object_get(shown, "classes"), i, cls) len += (size_t)snprintf(
        ret + len, 64 - len, "%sS%u", len > 0 ? " " : "", (unsigned)json_integer_value(cls) % TYPE_CLASSES);
}

static const char *
shown_type(const json_t *list, uint64_t seq)
{
    const json_t *event;
    size_t i;

    json_array_foreach(json_object_get(list, "events"), i,
                       event) if (member_number(event, "seq") == seq) return jstr(event, "type");
    return "";
}

/* Takes one more read into the row of its kind; rows are found by a text of all that they have in common. */
static void
recipient_add(const struct account *a, json_t *index, const json_t *read, json_t *row)
{
    bool reading = member_number(read, "record") == 0;
    uint64_t ms = reading ? (uint64_t)time(NULL) * 1000 : member_number(read, "tsMs");
    char *key;
    json_t *known;

    json_object_set_new(row, "unit", json_string(jstr(read, "unit")));
    json_object_set_new(row, "agency", json_string(unit_agency(a->directory, jstr(read, "unit"))));
    json_object_set_new(row, "why", json_string(jstr(read, "why")));
    key = json_dumps(row, JSON_COMPACT | JSON_SORT_KEYS);
    known = key == NULL ? NULL : json_object_get(index, key);
    if (known == NULL) {
        known = row;
        time_set(row, "first", ms);
        json_object_set_new(index, key == NULL ? "" : key, json_incref(row));
        json_array_append(list_of(a, "recipients"), row);
    }
    time_set(known, "last", ms);
    json_object_set_new(known, "times", number_json(member_number(known, "times") + 1));
    if (reading)
        json_object_set_new(known, "reading", json_true());
    json_decref(row);
    free(key);
}

/* What was told instead of events, of which record and which of its documents where that is known. */
static json_t *
question_row(const json_t *read)
{
    json_t *row = json_pack("{s:s}", "question", jstr(read, "question"));

    if (member_number(read, "seq") != 0)
        json_object_set_new(row, "seq", number_json(member_number(read, "seq")));
    if (member_number(read, "document") != 0)
        json_object_set_new(row, "document", number_json(member_number(read, "document")));
    return row;
}

static void
recipients_fill(const struct account *a, const json_t *list)
{
    json_t *index = json_object();
    const json_t *read, *shown;
    size_t i, k;

    (void)list_of(a, "recipients");
    json_array_foreach(json_object_get(list, "reads"), i, read)
    {
        bool at_most = json_is_true(json_object_get(read, "possibly")) ||
                       json_is_true(json_object_get(read, "narrowed"));

        if (jstr(read, "question")[0] != '\0')
            recipient_add(a, index, read, question_row(read));
        json_array_foreach(json_object_get(read, "shown"), k, shown)
        {
            char classes[64];

            classes_text(shown, classes);
            recipient_add(a, index, read,
                          json_pack("{s:o,s:s,s:s,s:b}", "seq", number_json(member_number(shown, "seq")), "type",
                                    shown_type(list, member_number(shown, "seq")), "classes", classes, "atMost",
                                    at_most || json_is_true(json_object_get(shown, "atMost"))));
        }
    }
    json_decref(index);
}

/* ---- what is in the events */

static json_t *
source_row(const struct account *a, const char *unit)
{
    json_t *sources = list_of(a, "sources"), *row;
    size_t i;

    json_array_foreach(sources, i, row) if (strcmp(jstr(row, "unit"), unit) == 0) return row;
    row = json_pack("{s:s,s:s,s:i}", "unit", unit, "agency", unit_agency(a->directory, unit), "events", 0);
    json_array_append_new(sources, row);
    return row;
}

static void
survey(const struct account *a)
{
    uint64_t parts[TYPE_CLASSES] = {0};
    json_t *event, *section, *row;
    size_t i, k;

    (void)list_of(a, "sources");
    json_array_foreach(list_of(a, "events"), i, event)
    {
        row = source_row(a, jstr(json_object_get(json_object_get(event, "header"), "actor"), "unit"));
        json_object_set_new(row, "events", number_json(member_number(row, "events") + 1));
        json_array_foreach(json_object_get(event, "sections"), k, section)
        {
            uint32_t type;
            unsigned cls;

            if (section_body(section, &type, &cls) != NULL && cls < TYPE_CLASSES)
                parts[cls]++;
        }
    }
    for (unsigned cls = 0; cls < TYPE_CLASSES; cls++)
        if (parts[cls] > 0)
            json_array_append_new(list_of(a, "kinds"),
                                  json_pack("{s:i,s:o}", "class", (int)cls, "parts", number_json(parts[cls])));
    (void)list_of(a, "kinds");
}

/* ---- linked dossiers, where it stands, deadlines */

static int
members_take(struct account *a)
{
    json_t *result = NULL, *member, *members = list_of(a, "members");
    const json_t *courses;
    size_t i;
    int rc = cli_query(
        a->cli, json_pack("{s:s,s:{s:s}}", "reason", a->request->reason, "group", "dossier", a->request->dossier),
        &result);

    if (rc != CLI_OK)
        return rc;
    json_array_foreach(json_object_get(json_object_get(result, "group"), "members"), i, member)
    {
        if (strcmp(jstr(member, "dossier"), a->request->dossier) == 0)
            json_array_insert(members, 0, member);
        else
            json_array_append(members, member);
    }
    json_decref(result);
    result = NULL;
    rc = cli_query(a->cli,
                   json_pack("{s:s,s:{s:s}}", "reason", a->request->reason, "courses", "dossier", a->request->dossier),
                   &result);
    if (rc != CLI_OK)
        return rc;
    courses = json_object_get(json_object_get(result, "courses"), "courses");
    if (json_array_size(courses) > 0)
        json_object_set(json_array_get(members, 0), "course", json_array_get(courses, 0));
    json_decref(result);
    return CLI_OK;
}

static void
deadline_add(const struct account *a, const json_t *clock)
{
    enum clock_id id = clock_by_name(jstr(clock, "clock"));
    const struct clock_info *info = id == CLOCK_NONE ? NULL : clock_info(id);

    json_array_append_new(list_of(a, "deadlines"),
                          json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "clock", jstr(clock, "clock"), "pl",
                                    info == NULL ? jstr(clock, "clock") : info->pl, "en",
                                    info == NULL ? jstr(clock, "clock") : info->en, "startedOn",
                                    jstr(clock, "startedOn"), "due", jstr(clock, "due"), "state", jstr(clock, "state"),
                                    "endedOn", jstr(clock, "endedOn")));
}

static int
deadlines_take(struct account *a)
{
    json_t *clocks = NULL, *clock;
    size_t i;
    int rc = worklist_ask_clocks(cli_ask, a->cli, &clocks);

    if (rc != 0)
        return cli_fail(a->cli, rc, "wici");
    (void)list_of(a, "deadlines");
    json_array_foreach(clocks, i, clock)
    {
        if (strcmp(jstr(clock, "dossier"), a->request->dossier) == 0)
            deadline_add(a, clock);
    }
    json_decref(clocks);
    return CLI_OK;
}

/* ---- all of it */

static int
begin(struct account *a, const struct subject_request *request)
{
    char made[TIME_TEXT_SIZE];
    int rc = cli_connect(a->cli);

    if (rc == CLI_OK)
        rc = cli_directory(a->cli, &a->directory);
    if (rc != CLI_OK)
        return rc;
    a->auditor = is_auditor(a->cli);
    time_format((uint64_t)time(NULL) * 1000, made);
    a->subject = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:[]}", "dossier", request->dossier, "log",
                           jstr(a->cli->welcome, "origin"), "made", made, "unit", jstr(a->cli->welcome, "unit"),
                           "agency", jstr(a->cli->welcome, "agency"), "reason", request->reason, "leftOut");
    if (a->subject == NULL)
        return cli_fail(a->cli, -ENOMEM, "wici");
    if (request->person != NULL)
        json_object_set_new(a->subject, "person", json_string(request->person));
    return CLI_OK;
}

/* ret_others, ret_kept_back: of an account for one person, what is not in it of the events. */
static int
content_take(struct account *a, uint64_t *ret_others, uint64_t *ret_kept_back)
{
    const struct shown_request asked = {.dossier = a->request->dossier, .reason = a->request->reason};
    json_t *shown = NULL;
    uint64_t as_of;
    int rc = shown_ask(a->cli, &asked, &shown); /* the broker refuses here who may not tell of the dossier */

    if (rc != CLI_OK)
        return rc;
    as_of = member_number(shown, "asOfSeq");
    json_object_set_new(a->subject, "asOfSeq", number_json(as_of));
    a->after_erasure = json_is_true(json_object_get(shown, "afterErasure"));
    rc = members_take(a);
    if (rc == CLI_OK)
        rc = events_read(a,
                         json_pack("{s:s,s:I,s:s}", "dossier", a->request->dossier, "toSeq", (json_int_t)as_of,
                                   "reason", a->request->reason),
                         list_of(a, "events"));
    if (rc == CLI_OK && a->request->person != NULL)
        *ret_others = subject_person_narrow(list_of(a, "events"), shown, a->request->person, ret_kept_back);
    if (rc == CLI_OK)
        recipients_fill(a, shown);
    json_decref(shown);
    if (rc == CLI_OK)
        rc = deadlines_take(a);
    return rc;
}

static void
left_out_fill(struct account *a, uint64_t others)
{
    if (json_array_size(list_of(a, "members")) > 1)
        leave_out(a, "LINKED");
    if (a->request->person == NULL)
        leave_out(a, "REVIEW");
    leave_out_some(a->subject, "OTHER_PERSONS", others);
    if (!a->auditor) {
        leave_out(a, "WITHHELD");
        leave_out(a, "AUDITORS_REASONS");
    } else if (json_array_size(list_of(a, "deadlines")) == 0) {
        leave_out(a, "DEADLINES");
    }
    if (a->after_erasure)
        leave_out(a, "ERASED_LINKS");
    leave_out(a, "QUESTIONS");
    leave_out(a, "PEOPLE");
    leave_out(a, "COPIES");
    leave_out(a, "PURPOSES");
    leave_out(a, "TECHNICAL");
}

int
subject_gather(struct cli *cli, const struct subject_request *request, json_t **ret, json_t **ret_directory)
{
    struct account a = {.cli = cli, .request = request};
    bool erased = false;
    uint64_t others = 0, kept_back = 0;
    int rc = begin(&a, request);

    if (rc == CLI_OK && a.auditor)
        rc = erased_take(&a, &erased);
    if (rc == CLI_OK && !erased) {
        rc = content_take(&a, &others, &kept_back);
        if (rc == CLI_OK) {
            survey(&a);
            left_out_fill(&a, others);
        }
    }
    if (kept_back > 0)
        cli_warn(_("parts that are not to be given to %s (not_to), which the account neither holds nor names: %llu"),
                 request->person, (unsigned long long)kept_back);
    if (rc == CLI_OK) {
        *ret = json_incref(a.subject);
        *ret_directory = json_incref(a.directory);
    }
    json_decref(a.subject);
    json_decref(a.directory);
    return rc;
}

/* ---- documents */

/* "00000000000042-1.pdf": of a record's number and the document's place in it. */
static void
document_name(const json_t *document, size_t place, char ret[64])
{
    (void)snprintf(ret, 64, "%014llu-%zu%s", (unsigned long long)member_number(document, "seq"), place,
                   media_suffix_of(jstr(document, "mediaType")));
}

/* *ret_missing: its author has not sent it. */
static int
document_write(struct cli *cli, const json_t *subject, const json_t *document, const char *path, bool *ret_missing)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    int rc = wici_document_get(cli->w, member_number(document, "seq"), jstr(document, "sha256"),
                               jstr(subject, "reason"), cli->timeout_ms, &bytes, &len);

    *ret_missing = rc == -EPROTO && strcmp(wici_error(cli->w)->code, "E_NO_DOCUMENT") == 0;
    if (*ret_missing)
        return CLI_OK;
    rc = rc == 0 ? cli_file_write(path, bytes, len) : cli_fail(cli, rc, jstr(document, "sha256"));
    free(bytes);
    return rc;
}

int
subject_documents(struct cli *cli, json_t *subject, const char *dir)
{
    json_t *all = json_array(), *event, *document;
    uint64_t missing = 0;
    size_t i, k;
    int rc = CLI_OK;

    json_object_set_new(subject, "documents", all);
    json_array_foreach(json_object_get(subject, "events"), i, event)
    {
        json_t *list = event_documents(event);

        json_array_foreach(list, k, document)
        {
            char name[64], path[PATH_MAX];
            bool is_missing = false;

            json_object_set_new(document, "seq", number_json(member_number(event, "seq")));
            json_array_append(all, document);
            if (dir == NULL || rc != CLI_OK)
                continue;
            document_name(document, k + 1, name);
            (void)snprintf(path, sizeof path, "%s/%s", dir, name);
            rc = document_write(cli, subject, document, path, &is_missing);
            missing += is_missing;
            if (rc == CLI_OK && !is_missing)
                json_object_set_new(document, "file", json_string(name));
        }
        json_decref(list);
    }
    if (dir == NULL && json_array_size(all) > 0)
        leave_out_some(subject, "DOCUMENT_BYTES", json_array_size(all));
    leave_out_some(subject, "DOCUMENT_MISSING", missing);
    return rc;
}
