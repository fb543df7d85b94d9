/* document - documents put and got piece by piece: each piece is a request of its own (request.c) */
#include "agents/client.h"

#include "proto/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The next piece, or a question; *ret_received: how much is there. */
static int
piece_put(struct wici *w, Wici__V1__DocumentPut *put, int timeout_ms, uint32_t *ret_received)
{
    Wici__V1__ClientMessage message;
    Wici__V1__DocumentState *state = NULL;
    int rc;

    wici__v1__client_message__init(&message);
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_DOCUMENT_PUT;
    message.document_put = put;
    w->request.id = put->request = w->next_request++;
    rc = call_do(w, &message, timeout_ms);
    if (rc == 0) {
        state = wici__v1__document_state__unpack(NULL, w->request.result_len, w->request.result);
        if (state == NULL || state->size != put->size || state->received > state->size)
            rc = -EBADMSG;
        else
            *ret_received = state->received;
    }
    if (state != NULL)
        wici__v1__document_state__free_unpacked(state, NULL);
    request_free(w);
    return rc;
}

int
wici_document_put(struct wici *w, const uint8_t *bytes, size_t len, int timeout_ms, char ret_sha256[65])
{
    uint8_t digest[DIGEST_SIZE];
    Wici__V1__DocumentPut put;
    struct digest none;
    uint32_t received = 0, before;
    unsigned still = 0;
    int rc;

    if (w->busy)
        return -EDEADLK;
    if (len == 0 || len > DOCUMENT_SIZE_MAX)
        return -EMSGSIZE;
    digest_begin(&none);
    digest_end(&none, bytes, len, digest);
    wici__v1__document_put__init(&put);
    put.sha256 = (ProtobufCBinaryData){.len = sizeof digest, .data = digest};
    put.size = (uint32_t)len;
    rc = piece_put(w, &put, timeout_ms, &received); /* where does it go on? */
    while (rc == 0 && received < len) {
        before = received;
        put.offset = received;
        put.data.len = len - received < DOCUMENT_CHUNK_SIZE ? len - received : DOCUMENT_CHUNK_SIZE;
        put.data.data = (uint8_t *)(uintptr_t)(bytes + received); /* packing only reads it */
        rc = piece_put(w, &put, timeout_ms, &received);
        if (received <= before &&
            ++still > 2) /* begun anew by its day's end: once; another session sends it too: twice */
            rc = rc != 0 ? rc : -EAGAIN;
    }
    if (rc == 0 && ret_sha256 != NULL)
        document_digest_format(digest, ret_sha256);
    return rc;
}

/* Adds the piece that came to what is there. */
static int
piece_take(struct wici *w, const Wici__V1__DocumentGet *get, uint8_t **bytes, size_t *len, size_t *ret_size)
{
    Wici__V1__DocumentPart *part = wici__v1__document_part__unpack(NULL, w->request.result_len, w->request.result);
    int rc = 0;

    if (part == NULL || part->size == 0 || part->size > DOCUMENT_SIZE_MAX || part->offset != get->offset ||
        part->data.len == 0 || part->data.len > part->size - part->offset ||
        (*ret_size != 0 && *ret_size != part->size))
        rc = -EBADMSG;
    else if (*bytes == NULL && (*bytes = malloc(part->size)) == NULL)
        rc = -ENOMEM;
    if (rc == 0) {
        memcpy(*bytes + *len, part->data.data, part->data.len);
        *len += part->data.len;
        *ret_size = part->size;
    }
    if (part != NULL)
        wici__v1__document_part__free_unpacked(part, NULL);
    return rc;
}

int
wici_document_get(struct wici *w, uint64_t seq, const char *sha256, const char *reason, int timeout_ms, uint8_t **ret,
                  size_t *ret_len)
{
    uint8_t digest[DIGEST_SIZE], got[DIGEST_SIZE], *bytes = NULL;
    Wici__V1__ClientMessage message;
    Wici__V1__DocumentGet get;
    struct digest none;
    size_t len = 0, size = 0;
    int rc = 0;

    if (w->busy)
        return -EDEADLK;
    if (document_digest_parse(sha256, digest) != 0)
        return -EINVAL;
    wici__v1__client_message__init(&message);
    wici__v1__document_get__init(&get);
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_DOCUMENT_GET;
    message.document_get = &get;
    get.seq = seq;
    get.sha256 = (ProtobufCBinaryData){.len = sizeof digest, .data = digest};
    if (reason != NULL)
        get.reason = (char *)(uintptr_t)reason; /* packing only reads it */
    do {
        get.offset = (uint32_t)len;
        w->request.id = get.request = w->next_request++;
        rc = call_do(w, &message, timeout_ms);
        if (rc == 0)
            rc = piece_take(w, &get, &bytes, &len, &size);
        request_free(w);
    } while (rc == 0 && len < size);
    if (rc == 0) {
        digest_begin(&none);
        digest_end(&none, bytes, len, got);
        if (memcmp(got, digest, sizeof got) != 0)
            rc = -EBADMSG;
    }
    if (rc != 0) {
        free(bytes);
        return rc;
    }
    *ret = bytes;
    *ret_len = len;
    return 0;
}
