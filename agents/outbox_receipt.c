/*
 * outbox_receipt - see outbox_receipt.h
 */
#include "agents/outbox_receipt.h"

#include "proto/leaf.h"
#include "proto/strict.h"
#include "wici/v1/wire.pb-c.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTE_MAX (64u << 10)

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

/* ---- the proof */

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
        (void)agent_remove(r->dirs->receipts, name);
        return witness_caught(r->witness, "receipt", seq);
    }
    if (!bytes_take(json_object_get(note, "digests"), digests, sizeof digests, &len))
        return 0; /* somebody changed the note: there is nothing to compare with */
    if ((uint64_t)json_integer_value(json_object_get(note, "epoch")) < r->who->epoch)
        rc = witness_receipt(r->witness, text, 0, NULL, 0); /* an older copy came back: it may have been sent again */
    else
        rc = witness_receipt(r->witness, text, seq, digests, len);
    return rc != 0 ? rc : agent_write(r->dirs->sent, side, text, strlen(text));
}

/* 0: done with this one; -EAGAIN: later; or -errno. */
static int
receipt_ask(const struct receipts *r, const char *name)
{
    json_t *note = agent_read_json(r->dirs->receipts, name, NOTE_MAX), *result = NULL;
    const char *file = json_string_value(json_object_get(note, "file")), *receipt;
    char request[128], *text = NULL;
    int rc = 0;

    if (file == NULL || json_string_value(json_object_get(note, "receipt")) == NULL ||
        !agent_exists(r->dirs->sent, file))
        goto out;
    (void)snprintf(request, sizeof request, "{\"receipt\":{\"eventId\":\"%.36s\"}}", name);
    rc = r->link->query(r->link->arg, request, &text);
    if (rc == -EPROTO && r->link->unknown(r->link->arg)) {
        rc = 0; /* erased meanwhile */
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
