/*
 * errors - the list of errors.def as a table
 */
#include "errors.h"

#include <assert.h>
#include <string.h>

static const struct {
    const char *name;
    enum error_client client;
    const char *pl, *en;
} errors[ERROR_CODE_COUNT] = {
    {"OK", CLIENT_NOTE, "", ""},
#define WICI_ERROR(name, client, pl, en) {#name, client, pl, en},
#include "errors.def"
#undef WICI_ERROR
};

const char *
error_name(enum error_code code)
{
    assert(code < ERROR_CODE_COUNT);
    return errors[code].name;
}

const char *
error_text(enum error_code code, bool pl)
{
    assert(code < ERROR_CODE_COUNT);
    return pl ? errors[code].pl : errors[code].en;
}

enum error_client
error_client(enum error_code code)
{
    assert(code < ERROR_CODE_COUNT);
    return errors[code].client;
}

enum error_code
error_by_name(const char *name)
{
    assert(name != NULL);
    for (unsigned code = 1; code < ERROR_CODE_COUNT; code++)
        if (strcmp(errors[code].name, name) == 0)
            return (enum error_code)code;
    return E_NONE;
}
