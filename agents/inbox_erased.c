/*
 * inbox_erased - see inbox_erased.h
 */
#include "agents/inbox_erased.h"

#include "agents/receipt_file.h"
#include "proto/member.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOTE_MAX   (1u << 20)
#define LIST_MAX   256u
#define NAME_SIZE  256u
#define RANGES_MAX 2048u /* in one notice, as sys.proto has it */
#define RECEIPT    ".receipt.json"

struct range {
    uint64_t from, to;
    bool found; /* a copy of one of these records at least */
};

struct notice {
    uint64_t seq;
    char suffix[32];
    bool both; /* files without a suffix are meant, too */
    struct range ranges[RANGES_MAX];
    size_t count;
    unsigned files; /* moved or removed */
    unsigned left;  /* left to people: they bear such a number, and may be of another time */
};

/* ---- the note */

static const json_t *
body_of(const json_t *json)
{
    const json_t *section;
    size_t index;

    json_array_foreach(json_object_get(json, "sections"), index, section)
    {
        const json_t *body = json_object_get(section, "sysErasureNotifiedS0");

        if (body != NULL)
            return body;
    }
    return NULL;
}

bool
erased_is_notice(const struct wici_event *event, const json_t *json, const char *unit)
{
    return strcmp(event->type, "sys.erasure_notified") == 0 && unit[0] != '\0' &&
           strcmp(member_text(body_of(json), "unit"), unit) == 0;
}

static void
note_name(uint64_t seq, char ret[NAME_SIZE])
{
    (void)snprintf(ret, NAME_SIZE, "%012" PRIu64 ".json", seq);
}

int
erased_note(const struct agent_dirs *dirs, const struct wici_event *event, const json_t *json, const char *suffix,
            bool second)
{
    const json_t *body = body_of(json);
    bool both = second && strcmp(member_text(body, "reason"), "REPEATED") == 0;
    json_t *note = json_pack("{s:I, s:s, s:b, s:O*}", "seq", (json_int_t)event->seq, "suffix", suffix, "both",
                             (int)both, "ranges", json_object_get(body, "ranges"));
    char *text = note == NULL ? NULL : json_dumps(note, JSON_COMPACT), name[NAME_SIZE];
    int rc;

    note_name(event->seq, name);
    rc = text == NULL ? -ENOMEM : agent_write(dirs->erasures, name, text, strlen(text));
    free(text);
    json_decref(note);
    return rc;
}

static int
note_read(const struct agent_dirs *dirs, const char *name, struct notice *ret)
{
    char *text = NULL;
    json_t *note = NULL, *range;
    size_t index;
    int rc = agent_read(dirs->erasures, name, NOTE_MAX, &text, NULL);

    if (rc == 0 && (note = json_loads(text, 0, NULL)) == NULL)
        rc = -EBADMSG;
    *ret = (struct notice){.seq = member_number(note, "seq"), .both = json_is_true(json_object_get(note, "both"))};
    (void)snprintf(ret->suffix, sizeof ret->suffix, "%s", member_text(note, "suffix"));
    json_array_foreach(json_object_get(note, "ranges"), index, range)
    {
        if (ret->count == RANGES_MAX)
            break; /* no broker writes more */
        ret->ranges[ret->count++] = (struct range){.from = member_number(range, "fromSeq"),
                                                   .to = member_number(range, "toSeq")};
    }
    json_decref(note);
    free(text);
    return rc;
}

/* The range that names the record; NULL: none does. 0 is no record. */
static struct range *
range_of(struct notice *n, uint64_t seq)
{
    for (size_t i = 0; i < n->count; i++)
        if (seq != 0 && n->ranges[i].from <= seq && seq <= n->ranges[i].to)
            return &n->ranges[i];
    return NULL;
}

/* ---- one copy */

/* What is in a folder of files, and the folder. What people put into it that is no file stays. */
static int
folder_remove(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), rc = 0;
    char after[NAME_SIZE] = "";

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    for (bool more = true; more && rc == 0;) {
        struct agent_list list;

        rc = agent_list(fd, after[0] != '\0' ? after : NULL, agent_name_any, LIST_MAX, &list);
        if (rc != 0)
            break;
        for (size_t i = 0; i < list.count; i++) {
            (void)snprintf(after, sizeof after, "%s", list.names[i]);
            (void)agent_remove(fd, list.names[i]);
        }
        more = list.more;
        agent_list_free(&list);
    }
    close(fd);
    return rc == 0 && unlinkat(dir, name, AT_REMOVEDIR) != 0 && errno != ENOENT ? -errno : rc;
}

/* A file, or a folder of files; it is of this time, or both are meant. */
static int
copy_put_away(const struct erased_work *w, int dir, const char *name, struct notice *n)
{
    char to[NAME_SIZE + 16];
    int rc = 1;

    if (!agent_exists(dir, name))
        return 0;
    n->files++;
    if (w->config->erased_remove)
        rc = agent_has_suffix(name, ".files") ? folder_remove(dir, name) : agent_remove(dir, name);
    if (rc <= 0 && rc != -ENOTEMPTY && rc != -EEXIST && rc != -EISDIR)
        return rc;
    (void)snprintf(to, sizeof to, "%s", name); /* what is no file is not destroyed either */
    rc = agent_move(dir, name, w->dirs->erased, to);
    for (unsigned i = 2; rc == -EEXIST && i < 100; i++) {
        (void)snprintf(to, sizeof to, "%u-%s", i, name);
        rc = agent_move(dir, name, w->dirs->erased, to);
    }
    return rc == -ENOENT ? 0 : rc;
}

/* ---- inbox: files begin with the record's number, "000000004711-referral-1-e2.pdf" */

static bool
has_number(const char *name)
{
    return strspn(name, "0123456789") == 12 && name[12] == '-';
}

/* The epoch that a name was given in: "-e" and digits, before "-" or "." or the end. */
static bool
is_of_epoch(const char *name, const char *suffix)
{
    size_t len = 0;
    const char *at = strstr(name, "-e");

    for (; at != NULL; at = strstr(at + 1, "-e")) {
        len = 2 + strspn(at + 2, "0123456789");
        if (len > 2 && (at[len] == '-' || at[len] == '.' || at[len] == '\0'))
            break;
    }
    return at == NULL ? suffix[0] == '\0' : strlen(suffix) == len && strncmp(at, suffix, len) == 0;
}

typedef int copy_fn(const struct erased_work *w, const char *name, struct notice *n);

/* fn for each name in the folder that accept() likes. */
static int
names_each(const struct erased_work *w, int dir, agent_accept_fn *accept, struct notice *n, copy_fn *fn)
{
    char after[NAME_SIZE] = "";
    bool more = true;
    int rc = 0;

    while (rc == 0 && more) {
        struct agent_list list;

        rc = agent_list(dir, after[0] != '\0' ? after : NULL, accept, LIST_MAX, &list);
        if (rc != 0)
            return rc;
        for (size_t i = 0; rc == 0 && i < list.count; i++) {
            (void)snprintf(after, sizeof after, "%s", list.names[i]);
            rc = fn(w, list.names[i], n);
        }
        more = list.more;
        agent_list_free(&list);
    }
    return rc;
}

/* Of the epochs that are meant? */
static bool
name_is_meant(const char *name, const struct notice *n)
{
    return is_of_epoch(name + 12, n->suffix) || (n->both && is_of_epoch(name + 12, ""));
}

static int
inbox_copy(const struct erased_work *w, const char *name, struct notice *n)
{
    struct range *range = range_of(n, strtoull(name, NULL, 10));

    if (range == NULL)
        return 0;
    if (!name_is_meant(name, n)) {
        n->left++;
        return 0;
    }
    range->found = true;
    return copy_put_away(w, w->dirs->inbox, name, n);
}

/* What is still to be fetched is given to nobody any more. */
static int
documents_copy(const struct erased_work *w, const char *name, struct notice *n)
{
    struct range *range = range_of(n, strtoull(name, NULL, 10));

    if (range == NULL || !name_is_meant(name, n))
        return 0;
    range->found = true;
    return agent_remove(w->dirs->documents, name);
}

/* ---- sent: which record an event became stands in its receipts, of which a later one is told by its epoch */

static bool
is_receipt(const char *name)
{
    size_t stem_len;

    return name[0] != '.' && strlen(name) < RECEIPT_FILE_SIZE &&
           (agent_has_suffix(name, RECEIPT) || receipt_name_epoch(name, &stem_len) != 0);
}

/* The epoch that the notice is of; 0: the first one that this agent knows. */
static uint64_t
epoch_of(const struct notice *n)
{
    return n->suffix[0] == '\0' ? 0 : strtoull(n->suffix + 2, NULL, 10);
}

/* All that lies beside an event in sent; `name`, which says that it is meant, goes last: until then the next start
 * finds the rest. */
static int
event_put_away(const struct erased_work *w, const char *name, size_t stem_len, struct notice *n)
{
    static const char *const besides[] = {".files", ".receipt", ".delivery.json", ".json", RECEIPT};
    uint64_t epoch = epoch_of(n) + 1;
    char beside[NAME_SIZE + 16];
    int rc = 0;

    while (rc == 0 && (epoch = receipt_epoch_before(w->dirs->sent, name, stem_len, epoch)) != 0) {
        receipt_name(name, stem_len, epoch, beside);
        if (strcmp(beside, name) != 0)
            rc = copy_put_away(w, w->dirs->sent, beside, n);
    }
    for (size_t i = 0; rc == 0 && i < sizeof besides / sizeof besides[0]; i++) {
        (void)snprintf(beside, sizeof beside, "%.*s%s", (int)stem_len, name, besides[i]);
        if (strcmp(beside, name) != 0)
            rc = copy_put_away(w, w->dirs->sent, beside, n);
    }
    return rc == 0 ? copy_put_away(w, w->dirs->sent, name, n) : rc;
}

/* NAME.receipt-eN: its number is that of epoch N. */
static int
later_copy(const struct erased_work *w, const char *name, uint64_t epoch, size_t stem_len, struct notice *n)
{
    struct receipt_proof proof;
    struct range *range;
    int rc = receipt_open_file(w->dirs->sent, name, &proof);

    if (rc != 0)
        return rc == -ENOENT || rc == -EBADMSG || rc == -ELOOP ? 0 : rc;
    range = range_of(n, proof.leaf.seq);
    receipt_free(&proof);
    if (range == NULL)
        return 0;
    if (epoch == epoch_of(n)) {
        range->found = true;
        return event_put_away(w, name, stem_len, n);
    }
    if (receipt_epoch_before(w->dirs->sent, name, stem_len, epoch_of(n) + 1) == epoch)
        n->left++; /* else the event has another number by now */
    return 0;
}

static int
sent_copy(const struct erased_work *w, const char *name, struct notice *n)
{
    static const char *const besides[] = {".files", ".receipt", ".delivery.json", ".json", RECEIPT};
    bool meant = n->suffix[0] == '\0' || n->both; /* a first answer tells no epoch */
    char *text = NULL, beside[NAME_SIZE + 16];
    struct range *range = NULL;
    json_t *receipt = NULL;
    size_t stem_len = 0;
    uint64_t epoch = receipt_name_epoch(name, &stem_len);
    int rc;

    if (epoch != 0)
        return later_copy(w, name, epoch, stem_len, n);
    stem_len = strlen(name) - strlen(RECEIPT);
    rc = agent_read(w->dirs->sent, name, NOTE_MAX, &text, NULL);
    if (rc == 0)
        receipt = json_loads(text, 0, NULL);
    free(text);
    range = range_of(n, member_number(receipt, "seq"));
    json_decref(receipt);
    if (rc != 0 || range == NULL)
        return rc == -ENOENT || rc == -EFBIG || rc == -EINVAL ? 0 : rc;
    if (meant) {
        range->found = true;
        return event_put_away(w, name, stem_len, n);
    }
    if (receipt_epoch_before(w->dirs->sent, name, stem_len, epoch_of(n) + 1) != 0)
        return 0; /* it was sent again since, and has the number that its later receipt says */
    for (size_t i = 0; i < sizeof besides / sizeof besides[0]; i++) {
        (void)snprintf(beside, sizeof beside, "%.*s%s", (int)stem_len, name, besides[i]);
        n->left += agent_exists(w->dirs->sent, beside);
    }
    return 0;
}

/* ---- a notice */

static int
kept_forget(const struct erased_work *w, const struct notice *n)
{
    int rc = 0;

    for (size_t i = 0; i < n->count && rc == 0; i++)
        rc = w->link->forget(w->link->arg, n->ranges[i].from, n->ranges[i].to);
    return rc;
}

/* Numbers, and nothing of what they were of. */
static void
notice_log(const struct erased_work *w, const struct notice *n)
{
    char text[160] = "";
    size_t len = 0, missing = 0;

    for (size_t i = 0; i < n->count; i++)
        missing += !n->ranges[i].found;
    for (size_t i = 0; i < n->count && len < sizeof text - 64; i++)
        len += (size_t)snprintf(text + len, sizeof text - len,
                                n->ranges[i].from == n->ranges[i].to ? "%s%" PRIu64 : "%s%" PRIu64 "-%" PRIu64,
                                i > 0 ? ", " : "", n->ranges[i].from, n->ranges[i].to);
    if (len >= sizeof text - 64)
        (void)snprintf(text + len, sizeof text - len, ", ...");
    if (w->config->erased_remove)
        agent_log(AGENT_WARN,
                  "records were erased by order (notice %" PRIu64 "): %s; files of ours removed: %u; ranges of which "
                  "nothing was found: %zu",
                  n->seq, text, n->files, missing);
    else
        agent_log(AGENT_WARN,
                  "records were erased by order (notice %" PRIu64
                  "): %s; files of ours put into the folder erased: %u; "
                  "ranges of which nothing was found: %zu",
                  n->seq, text, n->files, missing);
    if (n->left > 0)
        agent_log(
            AGENT_WARN,
            "notice %" PRIu64 ": files in inbox and sent that bear these numbers and may be of an earlier time of "
            "the log, before it came back from an older copy: %u. They were left as they are: people look through "
            "them",
            n->seq, n->left);
}

static int
notice_run(const struct erased_work *w, const char *name, struct notice *n)
{
    const struct agent_dirs *d = w->dirs;
    int rc = note_read(d, name, n);

    if (rc == 0)
        rc = kept_forget(w, n);
    if (rc == 0)
        rc = names_each(w, d->documents, has_number, n, documents_copy);
    if (rc == 0)
        rc = names_each(w, d->inbox, has_number, n, inbox_copy);
    if (rc == 0)
        rc = names_each(w, d->sent, is_receipt, n, sent_copy);
    if (rc != 0 || (rc = agent_sync(d->erased)) != 0 || (rc = agent_sync(d->inbox)) != 0 ||
        (rc = agent_sync(d->sent)) != 0 || (rc = agent_sync(d->documents)) != 0)
        return rc;
    notice_log(w, n);
    rc = agent_remove(d->erasures, name);
    return rc == 0 ? agent_sync(d->erasures) : rc;
}

static bool
is_note(const char *name)
{
    return name[0] != '.' && agent_has_suffix(name, ".json");
}

int
erased_run(struct erased_work *w)
{
    struct notice *n = NULL;
    int rc = 0;

    if (!w->waits)
        return 0;
    n = malloc(sizeof *n);
    if (n == NULL)
        return -ENOMEM;
    for (bool more = true; more && rc == 0;) {
        struct agent_list list;

        rc = agent_list(w->dirs->erasures, NULL, is_note, 1, &list);
        if (rc != 0)
            break;
        more = list.count > 0;
        if (more)
            rc = notice_run(w, list.names[0], n);
        agent_list_free(&list);
    }
    free(n);
    w->waits = rc != 0;
    return rc;
}
