/*
 * outbox_receipt - see outbox_receipt.h
 */
#include "agents/outbox_receipt.h"

#include "agents/receipt_file.h"
#include "proto/leaf.h"
#include "proto/member.h"
#include "proto/strict.h"
#include "proto/types.h"
#include "wici/v1/wire.pb-c.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTE_MAX (64u << 10)
#define LIST_MAX 256u
#define ANSWER   ".receipt.json" /* of an event in sent */

static bool
is_note(const char *name)
{
    return name[0] != '.' && strlen(name) == 41 && agent_has_suffix(name, ".json");
}

/* ---- what was sent, and what the answer said of it */

/* Bytes of base64 in JSON. False: not so many. */
static bool
bytes_take(const json_t *value, uint8_t *ret, size_t size, size_t *ret_len)
{
    const char *text = json_string_value(value);

    return text != NULL && strict_base64_decode(text, strlen(text), ret, size, ret_len) == 0 && *ret_len <= size;
}

/* Does this part, in the slot and with the salt that the answer names, give the digest there? */
static bool
part_fits(const json_t *slot, const ProtobufCBinaryData *body, const uint8_t *digests, size_t len)
{
    size_t at = (size_t)json_integer_value(json_object_get(slot, "slot")), salt_len;
    struct leaf_part part = {.slot = (uint8_t)at,
                             .section_id = (uint16_t)json_integer_value(json_object_get(slot, "sectionId")),
                             .len = (uint32_t)body->len,
                             .body = body->data};
    uint8_t salt[LEAF_HASH_SIZE], digest[LEAF_HASH_SIZE];

    if (!bytes_take(json_object_get(slot, "salt"), salt, sizeof salt, &salt_len) || salt_len != sizeof salt ||
        (at + 1) * LEAF_HASH_SIZE > len)
        return false;
    leaf_section_digest(&part, salt, digest);
    return memcmp(digest, digests + at * LEAF_HASH_SIZE, sizeof digest) == 0;
}

/* Slots are told of the header and then of each section, in the order in which they were published. */
static bool
event_fits(const struct receipt_expected *e, const json_t *slots, const uint8_t *digests, size_t len)
{
    Wici__V1__Event *event = wici__v1__event__unpack(NULL, e->len, e->event);
    bool fits = event != NULL && json_array_size(slots) == event->n_sections + 1 &&
                part_fits(json_array_get(slots, 0), &event->header, digests, len);

    for (size_t i = 0; fits && i < event->n_sections; i++)
        fits = part_fits(json_array_get(slots, i + 1), &event->sections[i], digests, len);
    if (event != NULL)
        wici__v1__event__free_unpacked(event, NULL);
    return fits;
}

int
receipts_expect(const struct agent_dirs *dirs, const struct receipt_expected *e)
{
    json_t *receipt = json_loads(e->receipt, 0, NULL), *told = json_object_get(receipt, "digests"), *note = NULL;
    uint8_t digests[LEAF_SLOTS_MAX * LEAF_HASH_SIZE];
    char name[64], *text = NULL;
    size_t len;
    bool fits;
    int rc = 0;

    if (told == NULL)
        goto out;
    fits = bytes_take(told, digests, sizeof digests, &len) &&
           event_fits(e, json_object_get(receipt, "slots"), digests, len);
    note = json_pack("{s:s, s:s, s:I, s:I, s:O, s:b}", "file", e->file, "receipt", e->side, "seq", (json_int_t)e->seq,
                     "epoch", (json_int_t)e->epoch, "digests", told, "fits", (int)fits);
    text = note == NULL ? NULL : json_dumps(note, JSON_COMPACT);
    (void)snprintf(name, sizeof name, "%.36s.json", e->event_id);
    rc = text == NULL ? -ENOMEM : agent_write(dirs->receipts, name, text, strlen(text));
out:
    free(text);
    json_decref(note);
    json_decref(receipt);
    return rc;
}

/* ---- the log came back from an older copy */

static bool
is_answer(const char *name)
{
    return name[0] != '.' && agent_has_suffix(name, ANSWER) && strlen(name) < RECEIPT_FILE_SIZE;
}

static int
id_compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Notes one, as receipts_expect() would have, if it is one of these events; a note that waits already says the same. */
static int
again_note(const struct agent_dirs *dirs, const char *answer, uint64_t epoch, const struct receipts_id *ids,
           size_t count)
{
    json_t *receipt = agent_read_json(dirs->sent, answer, NOTE_MAX), *note = NULL;
    const char *id = member_text(receipt, "eventId");
    char file[RECEIPT_FILE_SIZE], side[RECEIPT_FILE_SIZE], name[64], *text = NULL;
    size_t stem_len = strlen(answer) - strlen(ANSWER);
    int rc = 0;

    (void)snprintf(file, sizeof file, "%.*s.json", (int)stem_len, answer);
    receipt_name(answer, stem_len, 1, side);
    (void)snprintf(name, sizeof name, "%.36s.json", id);
    if (bsearch(id, ids, count, sizeof *ids, id_compare) != NULL && !agent_exists(dirs->receipts, name)) {
        note = json_pack("{s:s, s:s, s:I, s:I, s:s, s:b}", "file", file, "receipt", side, "seq",
                         (json_int_t)member_number(receipt, "seq"), "epoch", (json_int_t)epoch, "digests",
                         member_text(receipt, "digests"), "fits", 1);
        text = note == NULL ? NULL : json_dumps(note, JSON_COMPACT);
        rc = text == NULL ? -ENOMEM : agent_stage(dirs->receipts, name, text, strlen(text));
    }
    free(text);
    json_decref(note);
    json_decref(receipt);
    return rc;
}

int
receipts_again(const struct agent_dirs *dirs, uint64_t epoch, struct receipts_id *ids, size_t count)
{
    char after[RECEIPT_FILE_SIZE] = "";
    bool more = true;
    int rc = 0;

    if (count == 0)
        return 0;
    qsort(ids, count, sizeof *ids, id_compare);
    while (rc == 0 && more) {
        struct agent_list list;

        rc = agent_list(dirs->sent, after[0] != '\0' ? after : NULL, is_answer, LIST_MAX, &list);
        if (rc != 0)
            return rc;
        for (size_t i = 0; rc == 0 && i < list.count; i++) {
            (void)snprintf(after, sizeof after, "%s", list.names[i]);
            rc = again_note(dirs, list.names[i], epoch, ids, count);
        }
        more = list.more;
        agent_list_free(&list);
    }
    return rc == 0 ? agent_sync(dirs->receipts) : rc;
}

int
receipts_refused(const struct agent_dirs *dirs, const char *event_id, const char *why)
{
    char name[64], *text = NULL;
    json_t *note;
    int rc = 0;

    (void)snprintf(name, sizeof name, "%.36s.json", event_id);
    note = agent_read_json(dirs->receipts, name, NOTE_MAX);
    if (note != NULL) {
        if (json_object_set_new(note, "why", json_string(why)) == 0)
            text = json_dumps(note, JSON_COMPACT);
        rc = text == NULL ? -ENOMEM : agent_write(dirs->receipts, name, text, strlen(text));
    }
    free(text);
    json_decref(note);
    return rc;
}

/* ---- the proof */

/* Was it sent to another epoch of the log than the one that answers now? */
static bool
is_again(const struct receipts *r, const json_t *note)
{
    return member_number(note, "epoch") < r->who->epoch;
}

static size_t
stem_of(const json_t *note)
{
    size_t len = strlen(member_text(note, "file"));

    return len < 5 ? 0 : len - 5; /* ".json" */
}

/* Do the parts of this record have the bytes that the digests of the first answer are of? Without that answer there is
 * nothing to compare with. */
static bool
bytes_are_those(const struct receipts *r, const json_t *note, const Wici__V1__Delivery *delivery)
{
    char name[RECEIPT_FILE_SIZE];
    uint8_t digests[LEAF_SLOTS_MAX * LEAF_HASH_SIZE];
    json_t *answer, *slots, *slot;
    size_t len, i, parts = 0;
    bool same = true;

    (void)snprintf(name, sizeof name, "%.*s" ANSWER, (int)stem_of(note), member_text(note, "file"));
    answer = agent_read_json(r->dirs->sent, name, NOTE_MAX);
    slots = json_object_get(answer, "slots");
    if (slots != NULL && bytes_take(json_object_get(answer, "digests"), digests, sizeof digests, &len)) {
        for (size_t k = 0; k < delivery->n_parts; k++)
            parts += delivery->parts[k]->slot->slot != TYPE_SLOT_NOTE;
        same = parts == json_array_size(slots);
        json_array_foreach(slots, i, slot)
        {
            bool found = false;

            for (size_t k = 0; k < delivery->n_parts && !found; k++)
                found = delivery->parts[k]->slot->section_id == member_number(slot, "sectionId") &&
                        part_fits(slot, &delivery->parts[k]->body, digests, len);
            same = same && found;
        }
    }
    json_decref(answer);
    return same;
}

/* The record that we hold the latest proof of, or were promised. 1: it is this one; 0: it is another; -EBADMSG: the
 * proof that we hold of it cannot be read any more. */
static int
record_is(const struct receipts *r, const json_t *note, uint64_t epoch, const struct leaf *leaf)
{
    const char *file = member_text(note, "file");
    uint8_t digests[LEAF_SLOTS_MAX * LEAF_HASH_SIZE];
    size_t len = (size_t)leaf->n * LEAF_HASH_SIZE, told;
    char name[RECEIPT_FILE_SIZE];
    struct receipt_proof held;
    int rc;

    if (epoch == 0)
        return member_number(note, "seq") == leaf->seq &&
               bytes_take(json_object_get(note, "digests"), digests, sizeof digests, &told) && told == len &&
               memcmp(digests, leaf->digests, len) == 0;
    receipt_name(file, stem_of(note), epoch, name);
    rc = receipt_open_file(r->dirs->sent, name, &held);
    if (rc != 0)
        return rc;
    rc = held.leaf.seq == leaf->seq && held.leaf.n == leaf->n && memcmp(held.leaf.digests, leaf->digests, len) == 0;
    receipt_free(&held);
    return rc;
}

/* Keeps what the living log proves of an event that an earlier epoch promised to hold. The proof is checked already. */
static int
again_keep(const struct receipts *r, const json_t *note, const char *text)
{
    const char *file = member_text(note, "file");
    struct receipt_proof now;
    char name[RECEIPT_FILE_SIZE];
    uint64_t latest;
    int rc = receipt_open(text, &now), same;

    if (rc != 0)
        return rc;
    latest = receipt_epoch_before(r->dirs->sent, file, stem_of(note), now.epoch + 1);
    same = record_is(r, note, latest, &now.leaf);
    receipt_name(file, stem_of(note), now.epoch, name);
    if (same == -ENOMEM) {
        rc = same;
    } else if (same == 1) {
        receipt_name(file, stem_of(note), 1, name); /* of what was promised; it may not have been there yet */
        if (latest == 0 && !agent_exists(r->dirs->sent, name))
            rc = agent_write(r->dirs->sent, name, text, strlen(text));
    } else if (same == 0 && (latest == now.epoch || now.epoch <= member_number(note, "epoch") ||
                             !bytes_are_those(r, note, now.delivery))) {
        rc = witness_caught(r->witness, "receipt", now.leaf.seq);
    } else if (latest != now.epoch) {
        rc = agent_write(r->dirs->sent, name, text, strlen(text));
        if (rc == 0)
            agent_log(
                AGENT_INFO,
                "outbox: sent again, as the log came back without it: seq=%llu in its epoch %llu; it was seq=%llu",
                (unsigned long long)now.leaf.seq, (unsigned long long)now.epoch,
                (unsigned long long)member_number(note, "seq"));
    }
    receipt_free(&now);
    return rc;
}

/* It is in the log no more, and was not taken again: refused, or not kept any more. */
static int
lost_tell(const struct receipts *r, const json_t *note)
{
    char name[RECEIPT_FILE_SIZE], *text = NULL;
    int rc, len;

    agent_log(AGENT_WARN,
              "an event that we sent (seq=%llu) is not in the log that came back from an older copy, and "
              "was not taken again: sent/*.lost-e%llu.txt says what to do",
              (unsigned long long)member_number(note, "seq"), (unsigned long long)r->who->epoch);
    len = asprintf(&text, "%s\n\n%s\n\n%s",
                   "Dziennik systemu wrócił ze starszej kopii, tego zdarzenia w nim nie ma i ponownie nie zostało "
                   "przyjęte (powód, jeśli jest znany, stoi niżej). Jeśli treść jest nadal potrzebna, popraw plik i "
                   "włóż go jeszcze raz do outbox. Potwierdzenie, które leży obok, dowodzi, że zdarzenie było "
                   "zapisane: zachowaj je.",
                   "The log came back from an older copy, does not hold this event and has not taken it again "
                   "(why, where that is known, stands below). If its content is still needed, mend the file and put "
                   "it into outbox once more. The receipt beside it proves that the event was recorded: keep it.",
                   member_text(note, "why"));
    if (len < 0)
        return -ENOMEM;
    (void)snprintf(name, sizeof name, "%.*s.lost-e%llu.txt", (int)stem_of(note), member_text(note, "file"),
                   (unsigned long long)r->who->epoch);
    rc = agent_write(r->dirs->sent, name, text, (size_t)len);
    free(text);
    return rc;
}

/* Checks the receipt that the broker gave, and keeps it. */
static int
receipt_keep(const struct receipts *r, const char *name, const json_t *note, const char *text)
{
    const char *side = json_string_value(json_object_get(note, "receipt"));
    uint64_t seq = (uint64_t)json_integer_value(json_object_get(note, "seq"));
    uint8_t digests[LEAF_SLOTS_MAX * LEAF_HASH_SIZE];
    size_t len;
    int rc;

    if (json_is_false(json_object_get(note, "fits"))) { /* told once: there will be no receipt */
        rc = witness_caught(r->witness, "receipt", seq);
        if (rc == -ENOTRECOVERABLE)
            (void)agent_remove(r->dirs->receipts, name);
        return rc;
    }
    if (!bytes_take(json_object_get(note, "digests"), digests, sizeof digests, &len))
        return 0; /* somebody changed the note: there is nothing to compare with */
    if (is_again(r, note)) {
        rc = witness_receipt(r->witness, text, 0, NULL, 0);
        return rc != 0 ? rc : again_keep(r, note, text);
    }
    rc = witness_receipt(r->witness, text, seq, digests, len);
    return rc != 0 || agent_exists(r->dirs->sent, side) ? rc : agent_write(r->dirs->sent, side, text, strlen(text));
}

/* 0: done with this one; -EAGAIN: later; or -errno. */
static int
receipt_ask(const struct receipts *r, const char *name)
{
    json_t *note = agent_read_json(r->dirs->receipts, name, NOTE_MAX), *result = NULL;
    const char *file = json_string_value(json_object_get(note, "file")), *receipt;
    char id[37], request[128], *text = NULL;
    int rc = 0;

    if (file == NULL || json_string_value(json_object_get(note, "receipt")) == NULL ||
        !agent_exists(r->dirs->sent, file))
        goto out;
    (void)snprintf(id, sizeof id, "%.36s", name);
    if (!receipt_may_be_of(r->dirs->sent, file, id))
        goto out;
    (void)snprintf(request, sizeof request, "{\"receipt\":{\"eventId\":\"%.36s\"}}", name);
    rc = r->link->query(r->link->arg, request, &text);
    if (rc == -EPROTO && r->link->unknown(r->link->arg)) {
        rc = is_again(r, note) ? lost_tell(r, note) : 0;
        if (!is_again(r, note)) /* a notice of its erasure takes it out of sent, and nothing is asked any more */
            agent_log(AGENT_WARN,
                      "the log does not know an event that we sent (seq=%llu): unless its dossier was erased, tell the "
                      "administrator",
                      (unsigned long long)member_number(note, "seq"));
        goto out;
    }
    if (rc != 0) {
        rc = -EAGAIN;
        goto out;
    }
    result = json_loads(text, 0, NULL);
    receipt = json_string_value(json_object_get(json_object_get(result, "receipt"), "text"));
    rc = receipt == NULL ? -EAGAIN : receipt_keep(r, name, note, receipt);
out:
    free(text);
    json_decref(result);
    json_decref(note);
    return rc;
}

int
receipts_run(struct receipts *r, uint64_t now_ms)
{
    struct agent_list list;
    bool more;
    int rc;

    if (now_ms < r->next_ms)
        return 0;
    rc = agent_list(r->dirs->receipts, r->after[0] != '\0' ? r->after : NULL, is_note, RECEIPT_STEP_MAX, &list);
    if (rc != 0)
        return rc;
    more = list.more;
    for (size_t i = 0; rc == 0 && i < list.count; i++) {
        (void)snprintf(r->after, sizeof r->after, "%s", list.names[i]);
        rc = receipt_ask(r, list.names[i]);
        if (rc == 0)
            rc = agent_remove(r->dirs->receipts, list.names[i]);
    }
    agent_list_free(&list);
    if (rc == 0 && more)
        return 0;
    r->after[0] = '\0';
    r->next_ms = now_ms + RECEIPT_PAUSE_MS;
    return rc == -EAGAIN ? 0 : rc;
}

bool
receipts_wait(const struct receipts *r)
{
    struct agent_list list;
    bool some = agent_list(r->dirs->receipts, NULL, is_note, 1, &list) == 0 && list.count > 0;

    agent_list_free(&list);
    return some;
}
