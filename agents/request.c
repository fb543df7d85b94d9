/* request - one question under way; asked again if the connection is lost before its answer came */
#include "agents/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
request_free(struct wici *w)
{
    free(w->request.message);
    free(w->request.result);
    memset(&w->request, 0, sizeof w->request);
}

void
request_up(struct wici *w)
{
    if (w->request.id != 0 && !w->request.done && !w->request.sent && w->phase == PHASE_UP) {
        w->request.sent = true;
        client_send(w, w->request.message, w->request.len);
    }
}

/* All results begin with the number of the request, field 1. */
int
request_result(struct wici *w, const uint8_t *data, size_t len)
{
    struct scan scan = scan_begin(data, len);
    struct scan_field field;
    uint8_t *copy;

    if (scan_next(&scan, &field) <= 0 || field.number != 1 || field.wire != SCAN_VARINT)
        return -EBADMSG;
    if (w->request.id == 0 || field.value != w->request.id || w->request.done)
        return 0; /* of a request that was given up */
    copy = malloc(len + 1);
    if (copy == NULL)
        return -ENOMEM;
    memcpy(copy, data, len);
    w->request.result = copy;
    w->request.result_len = len;
    w->request.done = true;
    return 0;
}

bool
request_refused(struct wici *w, uint32_t id)
{
    if (w->request.id != id || w->request.done)
        return false;
    w->request.done = w->request.refused = true;
    return true;
}
