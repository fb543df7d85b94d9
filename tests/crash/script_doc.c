/* script_doc - the documents of a script (script.h): begun, put, bound, dropped, erased, and what must be left of them
 */
#include "tests/crash/script.h"

#include "store/doc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LARGE_ONE_IN 8u /* documents of two chunks: each is 64 pages that a power cut may tear */

static uint8_t bytes[STORE_DOC_CHUNK + 4096], opened[STORE_DOC_CHUNK];

static void
owner_name(unsigned slot, char ret[3])
{
    ret[0] = 'd';
    ret[1] = (char)('0' + slot);
    ret[2] = '\0';
}

/* ---- the script */

static void
document_draw(struct script *s, uint64_t k, unsigned slot, struct dice *dice)
{
    struct model *now = &s->after[k];
    struct model_doc *doc = &now->docs[slot];
    uint64_t seq = s->after[k - 1].head == 0 ? 0 : 1 + dice_roll(dice, s->after[k - 1].head);
    uint32_t chunk = doc->size - doc->received < STORE_DOC_CHUNK ? doc->size - doc->received : STORE_DOC_CHUNK;

    switch (doc->state) {
    case DOC_NONE:
        *doc = (struct model_doc){.state = DOC_UPLOAD, .entry = ++now->entries, .number = k};
        s->is_doc[doc->entry] = true;
        doc->size = 1 + (uint32_t)dice_roll(dice, 4096);
        if (dice_roll(dice, LARGE_ONE_IN) == 0)
            doc->size += STORE_DOC_CHUNK - 4096 / 2;
        break;
    case DOC_UPLOAD:
        doc->received += chunk;
        if (doc->received == doc->size)
            doc->state = DOC_WHOLE;
        break;
    case DOC_WHOLE:
        if (seq > 0 && s->entry_of[seq] != STORE_CLEAR_ENTRY) {
            doc->state = DOC_BOUND;
            doc->dossier = s->entry_of[seq];
        }
        break;
    case DOC_BOUND: break;
    }
}

void
script_doc_make(struct script *s, uint64_t k)
{
    struct dice dice = dice_of(s, 20, k);
    struct model *now = &s->after[k];
    unsigned destroyed = (unsigned)dice_roll(&dice, SCRIPT_DOCS);
    const struct model_doc gone = now->docs[destroyed];

    s->steps[k].destroys = SCRIPT_DOCS;
    if (gone.state != DOC_NONE && dice_roll(&dice, 6) == 0) {
        s->steps[k].destroys = destroyed;
        for (unsigned i = 0; i < SCRIPT_DOCS; i++)
            if (i == destroyed ||
                (gone.state == DOC_BOUND && now->docs[i].state == DOC_BOUND && now->docs[i].dossier == gone.dossier))
                now->docs[i] = (struct model_doc){.state = DOC_NONE};
        return;
    }
    for (unsigned i = 0; i < SCRIPT_DOCS; i++)
        if (dice_roll(&dice, 3) == 0)
            document_draw(s, k, i, &dice);
}

/* ---- running it */

static void
content_draw(const struct script *s, const struct model_doc *doc)
{
    struct dice dice = dice_of(s, 21, doc->number);

    script_bytes(&dice, bytes, doc->size);
}

static struct store_doc
document_of(const struct script *s, const struct model_doc *doc, unsigned slot)
{
    struct store_doc ret = {.entry = doc->entry, .size = doc->size, .received = doc->received, .began_ms = doc->number};
    struct digest none;

    content_draw(s, doc);
    digest_begin(&none);
    digest_end(&none, bytes, doc->size, ret.digest);
    ret.sofar = none;
    if (doc->received >= STORE_DOC_CHUNK)
        digest_add(&ret.sofar, bytes, STORE_DOC_CHUNK);
    owner_name(slot, ret.owner);
    return ret;
}

int
script_doc_destroy(const struct script *s, struct store *st, uint64_t k)
{
    unsigned slot = s->steps[k].destroys;
    const struct model_doc *doc = &s->after[k - 1].docs[slot];
    struct store_doc upload = {.entry = 0};
    size_t count;

    if (slot == SCRIPT_DOCS)
        return 0;
    if (doc->state == DOC_BOUND)
        return store_doc_erase(st, doc->dossier, &count);
    upload.entry = doc->entry;
    return store_doc_drop(st, &upload);
}

int
script_doc_run(const struct script *s, struct store *st, uint64_t k)
{
    int rc = 0;

    for (unsigned i = 0; i < SCRIPT_DOCS && rc == 0; i++) {
        const struct model_doc *before = &s->after[k - 1].docs[i], *now = &s->after[k].docs[i];
        struct store_doc doc = document_of(s, before->state == DOC_NONE ? now : before, i);

        if (before->state == DOC_NONE && now->state == DOC_UPLOAD) {
            rc = store_doc_begin(st, &doc);
            if (rc == 0 && doc.entry != now->entry)
                rc = -EPROTO;
        } else if (before->state == DOC_UPLOAD && now->received > before->received) {
            rc = store_doc_put(st, &doc, bytes + before->received, now->received - before->received);
        } else if (before->state == DOC_WHOLE && now->state == DOC_BOUND) {
            rc = store_doc_bind(st, &doc, now->dossier);
        }
    }
    return rc;
}

/* ---- checking it */

struct uploads {
    struct store_doc found[SCRIPT_DOCS + 1];
    size_t count;
};

static int
upload_take(void *arg, const struct store_doc *doc)
{
    struct uploads *uploads = arg;

    if (uploads->count <= SCRIPT_DOCS)
        uploads->found[uploads->count++] = *doc;
    return 0;
}

static const struct store_doc *
upload_find(const struct uploads *uploads, uint32_t entry)
{
    for (size_t i = 0; i < uploads->count; i++)
        if (uploads->found[i].entry == entry)
            return &uploads->found[i];
    return NULL;
}

/* Its key may be gone already: the next step, which destroys it, begins with that. */
static bool
may_be_gone(const struct script *s, uint64_t step, unsigned slot)
{
    return step < SCRIPT_STEPS_MAX && s->after[step + 1].docs[slot].entry != s->after[step].docs[slot].entry;
}

/* "": it is as it should be. */
static const char *
content_check(struct store *st, const struct store_doc *doc)
{
    size_t len = 0;

    for (uint32_t at = 0, chunk = 0; at < doc->received; at += (uint32_t)len, chunk++) {
        int rc = store_doc_read(st, doc, chunk, opened, &len);

        if (rc != 0)
            return strerror(-rc);
        if (memcmp(opened, bytes + at, len) != 0)
            return "a chunk has other bytes";
    }
    return "";
}

static const char *
document_check(const struct script *s, struct store *st, uint64_t step, unsigned slot, const struct uploads *uploads)
{
    const struct model_doc *doc = &s->after[step].docs[slot];
    struct store_doc want = document_of(s, doc, slot), bound;
    const struct store_doc *found = &bound;
    size_t count = 0;

    if (doc->state == DOC_BOUND) {
        int rc = store_doc_find(st, doc->dossier, want.owner, want.digest, &bound);

        if (rc == -ENOENT && may_be_gone(s, step, slot) && store_doc_count(st, doc->dossier, &count) == 0 && count > 0)
            return "";
        if (rc != 0)
            return strerror(-rc);
    } else {
        found = upload_find(uploads, doc->entry);
        if (found == NULL)
            return "it is gone";
        if (found->size == 0)
            return may_be_gone(s, step, slot) ? "" : "its key is gone";
        if (found->began_ms != want.began_ms || strcmp(found->owner, want.owner) != 0 ||
            memcmp(&found->sofar, &want.sofar, sizeof want.sofar) != 0)
            return "its head is another one";
    }
    if (found->entry != want.entry || found->size != want.size || found->received != want.received ||
        memcmp(found->digest, want.digest, sizeof want.digest) != 0)
        return "it is another one";
    return content_check(st, found);
}

bool
script_doc_check(const struct script *s, struct store *st, uint64_t step, struct finding *ret)
{
    struct uploads uploads = {.count = 0};
    size_t want = 0;
    int rc = store_doc_each(st, upload_take, &uploads);

    if (rc != 0)
        return found_wrong(ret, "documents", "uploads cannot be read: %s %s", strerror(-rc), store_damage(st));
    for (unsigned i = 0; i < SCRIPT_DOCS; i++) {
        enum model_doc_state state = s->after[step].docs[i].state;
        const char *what = state == DOC_NONE ? "" : document_check(s, st, step, i, &uploads);

        want += state == DOC_UPLOAD || state == DOC_WHOLE;
        if (what[0] != '\0')
            return found_wrong(ret, "documents", "of slot %u: %s %s", i, what, store_damage(st));
    }
    if (uploads.count != want)
        return found_wrong(ret, "documents", "%zu uploads where there should be %zu", uploads.count, want);
    return true;
}
