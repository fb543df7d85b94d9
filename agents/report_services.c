/* See report_services.h. Rows are kept as lines "service TAB provider TAB removed", none of which has a TAB in it. */
#include "agents/report_services.h"

#include "proto/member.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_SIZE 256u /* two ids */

int
services_rows(const json_t *event, char **ret)
{
    const json_t *section;
    char *text = NULL;
    size_t len = 0, i;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL)
        return -ENOMEM;
    json_array_foreach(json_object_get(event, "sections"), i, section)
    {
        const json_t *body = json_object_get(section, "ipusAgreedS6"), *row;

        if (body == NULL)
            body = json_object_get(section, "ipusUpdatedS6");
        row = json_object_get(body, "row");
        if (row != NULL)
            fprintf(out, "%s\t%s\t%s\n", member_text(row, "serviceRef"), member_text(row, "provider"),
                    json_is_true(json_object_get(row, "removed")) ? "removed" : "");
    }
    if (fclose(out) != 0) {
        free(text);
        return -ENOMEM;
    }
    if (len == 0) {
        free(text);
        text = NULL;
    }
    *ret = text;
    return 0;
}

static json_t *
service_at(json_t *services, const char *plan, const char *service)
{
    char key[KEY_SIZE];
    json_t *found;

    (void)snprintf(key, sizeof key, "%s %s", plan, service);
    found = json_object_get(services, key);
    if (found != NULL)
        return found;
    found = json_pack("{s:s}", "plan", plan);
    return found != NULL && json_object_set_new(services, key, found) == 0 ? found : NULL;
}

static int
row_agree(json_t *services, const char *plan, char *row)
{
    const char *service = strsep(&row, "\t"), *provider = strsep(&row, "\t");
    json_t *found = provider == NULL ? NULL : service_at(services, plan, service);

    return found == NULL || json_object_set_new(found, "unit", json_string(provider)) != 0 ||
                   json_object_set_new(found, "removed", json_boolean(row[0] != '\0')) != 0
               ? -ENOMEM
               : 0;
}

int
services_agree(json_t *services, const char *plan, const char *rows)
{
    char *copy = strdup(rows != NULL ? rows : ""), *rest = copy, *row;
    int rc = copy == NULL ? -ENOMEM : 0;

    while (rc == 0 && (row = strsep(&rest, "\n")) != NULL)
        if (row[0] != '\0')
            rc = row_agree(services, plan, row);
    free(copy);
    return rc;
}

int
services_report(json_t *services, const char *plan, const char *service, const char *status, const char *unit,
                int32_t day)
{
    json_t *found = service_at(services, plan, service);
    const json_t *before = json_object_get(found, "day");

    if (found == NULL)
        return -ENOMEM;
    if (before != NULL && json_integer_value(before) > day)
        return 0;
    if (json_object_get(found, "unit") == NULL && json_object_set_new(found, "unit", json_string(unit)) != 0)
        return -ENOMEM;
    return json_object_set_new(found, "status", json_string(status)) == 0 &&
                   json_object_set_new(found, "day", json_integer(day)) == 0
               ? 0
               : -ENOMEM;
}

const char *
services_status(const json_t *service)
{
    const char *status = member_text(service, "status");

    if (json_is_true(json_object_get(service, "removed")))
        return "REMOVED";
    return status[0] != '\0' ? status : "NOT_REPORTED";
}
