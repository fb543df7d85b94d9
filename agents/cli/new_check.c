/*
 * new_check - see new_check.h
 */
#include "agents/cli/new_check.h"

#include "proto/errors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "E_FIELD header.to: both sentences", as wici_encode_json() says it, with the sentence in the user's language alone.
 */
static void
refusal_print(const struct cli *cli, const char *error)
{
    const char *end = strstr(error, ": ");
    char *name = strndup(error, strcspn(error, " "));
    enum error_code code = name == NULL ? E_NONE : error_by_name(name);

    if (end != NULL && code != E_NONE)
        printf("\n%.*s: %s\n", (int)(end - error), error, error_text(code, cli->pl));
    else
        printf("\n%s\n", error);
    free(name);
}

bool
event_passes(const struct cli *cli, const json_t *header_made, const json_t *sections)
{
    static const char *const later[] = {"agency", "unit", "role"}, *const values[] = {"agency", "unit", "SW"};
    json_t *copy = json_pack("{s:o,s:o}", "header", json_deep_copy(header_made), "sections", json_deep_copy(sections));
    json_t *header = json_object_get(copy, "header");
    char *text, *error = NULL;
    uint8_t *bytes = NULL;
    size_t len;
    int rc;

    if (json_object_get(header, "actor") == NULL)
        json_object_set_new(header, "actor", json_object());
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
        if (json_object_get(json_object_get(header, "actor"), later[i]) == NULL)
            json_object_set_new(json_object_get(header, "actor"), later[i], json_string(values[i]));
    text = copy == NULL ? NULL : json_dumps(copy, JSON_COMPACT);
    rc = text == NULL ? -ENOMEM : wici_encode_json(NULL, text, &bytes, &len, &error);
    if (error != NULL)
        refusal_print(cli, error);
    else if (rc != 0)
        printf("\n%s\n", strerror(-rc));
    free(bytes);
    free(error);
    free(text);
    json_decref(copy);
    return rc == 0;
}
