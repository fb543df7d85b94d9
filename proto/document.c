/*
 * document - see document.h
 *
 * Every body that may name documents has them in field 31, a list of Document (the registry's generator is not asked:
 * the descriptor tells).
 */
#include "document.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FIELD_DOCUMENTS 31u

/* The documents of a section. Returns how many. */
static size_t
section_documents(const struct event_section *section, Wici__V1__Document *const **ret)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(section->body->descriptor, FIELD_DOCUMENTS);
    const uint8_t *body = (const uint8_t *)section->body;

    if (field == NULL || field->label != PROTOBUF_C_LABEL_REPEATED ||
        field->descriptor != &wici__v1__document__descriptor)
        return 0;
    memcpy(ret, body + field->offset, sizeof *ret);
    return *(const size_t *)(const void *)(body + field->quantifier_offset);
}

bool
document_next(const struct event *event, struct document_walk *walk)
{
    while (walk->section < event->section_count) {
        Wici__V1__Document *const *list = NULL;
        size_t count = section_documents(&event->sections[walk->section], &list);

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

static int
hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
document_digest_parse(const char *text, uint8_t ret[DIGEST_SIZE])
{
    uint8_t digest[DIGEST_SIZE];

    if (strlen(text) != 2 * DIGEST_SIZE)
        return -EINVAL;
    for (unsigned i = 0; i < DIGEST_SIZE; i++) {
        int high = hex(text[2 * i]), low = hex(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return -EINVAL;
        digest[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(ret, digest, sizeof digest);
    return 0;
}

void
document_digest_format(const uint8_t digest[DIGEST_SIZE], char ret[DOCUMENT_DIGEST_TEXT_SIZE])
{
    for (unsigned i = 0; i < DIGEST_SIZE; i++)
        (void)snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}
