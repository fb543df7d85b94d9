/*
 * document - see document.h
 *
 * Every body that may name documents has them in field 31, a list of Document (the registry's generator is not asked:
 * the descriptor tells).
 */
#include "document.h"

#include "hex.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FIELD_DOCUMENTS 31u

const ProtobufCMessage *
document_body(const Wici__V1__Section *section)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(section->base.descriptor,
                                                                                    (unsigned)section->body_case);
    const ProtobufCMessage *body = NULL;

    if (field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE && field->label != PROTOBUF_C_LABEL_REPEATED)
        memcpy(&body, (const uint8_t *)section + field->offset, sizeof body);
    return body;
}

size_t
document_list(const ProtobufCMessage *body, Wici__V1__Document *const **ret)
{
    const ProtobufCMessageDescriptor *desc = body == NULL ? NULL : body->descriptor;
    const ProtobufCFieldDescriptor *field;
    size_t count;

    if (desc == NULL || desc->n_fields == 0)
        return 0;
    field = &desc->fields[desc->n_fields - 1]; /* they ascend by number: it is the last, or nearly always not there */
    if (field->id > FIELD_DOCUMENTS)
        field = protobuf_c_message_descriptor_get_field(desc, FIELD_DOCUMENTS);
    if (field == NULL || field->id != FIELD_DOCUMENTS || field->label != PROTOBUF_C_LABEL_REPEATED ||
        field->descriptor != &wici__v1__document__descriptor)
        return 0;
    memcpy(ret, (const uint8_t *)body + field->offset, sizeof *ret);
    memcpy(&count, (const uint8_t *)body + field->quantifier_offset, sizeof count);
    return count;
}

bool
document_next(const struct event *event, struct document_walk *walk)
{
    while (walk->section < event->section_count) {
        Wici__V1__Document *const *list = NULL;
        size_t count = document_list(event->sections[walk->section].body, &list);

        while (walk->next < count) {
            walk->index = walk->next++;
            walk->document = list[walk->index];
            if (document_digest_parse(walk->document->sha256, walk->digest) == 0)
                return true;
        }
        walk->section++;
        walk->next = 0;
    }
    return false;
}

void
document_path(const struct event *event, const struct document_walk *walk, char *ret, size_t size)
{
    (void)snprintf(ret, size, "sections[%zu].%s.documents[%zu]", walk->section,
                   event_body_name(event, event->sections[walk->section].cls), walk->index);
}

int
document_digest_parse(const char *text, uint8_t ret[DIGEST_SIZE])
{
    return hex_parse(text, ret, DIGEST_SIZE);
}

void
document_digest_format(const uint8_t digest[DIGEST_SIZE], char ret[DOCUMENT_DIGEST_TEXT_SIZE])
{
    hex_format(digest, DIGEST_SIZE, ret);
}
