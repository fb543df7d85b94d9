/* says - see says.h */
#include "store/says.h"

#include "proto/decode.h"
#include "proto/document.h"
#include "proto/errors.h"
#include "proto/event.h"

#include <errno.h>
#include <string.h>

static bool
is_header(const struct leaf_part *part)
{
    return part->slot == TYPE_SLOT_HEADER && part->section_id % 10 == TYPE_CLASS_HEADER;
}

int
says_of(const struct store_row *row, struct arena *arena, struct says *ret)
{
    ProtobufCMessage *message = NULL;
    const Wici__V1__Header *header;
    struct says says;
    size_t i = 0;
    int rc;

    while (i < row->part_count && !is_header(&row->parts[i]))
        i++;
    if (i == row->part_count)
        return -ENOENT;
    rc = decode_message(&wici__v1__header__descriptor, row->parts[i].body, row->parts[i].len, false, arena, &message);
    if (rc != 0)
        return rc;
    header = (const Wici__V1__Header *)message;
    if (header->actor == NULL || uuid_parse(header->event_id, says.id) != 0)
        return -EBADMSG;
    says.unit = header->actor->unit;
    *ret = says;
    return 0;
}

int
says_documents(const struct store_row *row, struct arena *arena, says_document_fn *fn, void *arg, bool *ret_all)
{
    bool all = true;

    for (size_t i = 0; i < row->part_count; i++) {
        const struct leaf_part *part = &row->parts[i];
        Wici__V1__Document *const *list = NULL;
        const ProtobufCMessage *body = NULL;
        ProtobufCMessage *message = NULL;
        size_t count;

        if (part->slot <= TYPE_SLOT_NOTE)
            continue;
        if (decode_message(&wici__v1__section__descriptor, part->body, part->len, false, arena, &message) == 0)
            body = document_body((const Wici__V1__Section *)message);
        all = all && body != NULL;
        count = document_list(body, &list);
        for (size_t k = 0; k < count; k++) {
            uint8_t digest[DIGEST_SIZE];
            int rc = document_digest_parse(list[k]->sha256, digest) == 0 ? fn(arg, digest, list[k]->size) : 0;

            if (rc != 0)
                return rc;
        }
    }
    *ret_all = all;
    return 0;
}

bool
says_document_unsent(const struct store_row *row, struct arena *arena)
{
    const Wici__V1__BrokerNote *note = NULL;

    for (size_t i = 0; i < row->part_count && note == NULL; i++)
        if (row->parts[i].slot == TYPE_SLOT_NOTE)
            note = wici__v1__broker_note__unpack(arena_allocator(arena), row->parts[i].len, row->parts[i].body);
    for (size_t i = 0; note != NULL && i < note->n_warnings; i++)
        if (strcmp(note->warnings[i]->code, error_name(W_DOCUMENT)) == 0)
            return true;
    return false;
}
