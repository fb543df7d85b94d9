/* client_error - the error that wici_error() tells */
#include "agents/client.h"

#include <stdio.h>

static void
error_set(struct error_buffer *e, const char *code, const char *path, const char *pl, const char *en)
{
    snprintf(e->code, sizeof e->code, "%s", code);
    snprintf(e->path, sizeof e->path, "%s", path);
    snprintf(e->pl, sizeof e->pl, "%s", pl);
    snprintf(e->en, sizeof e->en, "%s", en);
    e->view = (struct wici_error){.code = e->code, .path = e->path, .pl = e->pl, .en = e->en};
    e->set = true;
}

void
error_set_code(struct error_buffer *e, enum error_code code, const char *path)
{
    error_set(e, error_name(code), path, error_text(code, true), error_text(code, false));
}

void
error_set_refusal(struct error_buffer *e, const Wici__V1__Refusal *refusal)
{
    if (refusal == NULL)
        error_set_code(e, E_INTERNAL, "");
    else
        error_set(e, refusal->code, refusal->path, refusal->pl, refusal->en);
}

const struct wici_error *
wici_error(const struct wici *w)
{
    return w->error.set ? &w->error.view : NULL;
}
