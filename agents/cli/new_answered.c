/*
 * new_answered - see new_answered.h
 */
#include "agents/cli/new_answered.h"

#include "proto/event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWERED_FILE_MAX (1 << 20) /* bytes of a received file */

int
answered_load(struct cli *cli, const char *what, json_t **ret)
{
    bool number = strspn(what, "0123456789") == strlen(what) && what[0] != '\0';
    json_t *event = NULL, *request;
    struct stat file;
    char *text;
    uint8_t id[16];
    int rc;

    if (access(what, R_OK) == 0) {
        if (stat(what, &file) == 0 && file.st_size <= ANSWERED_FILE_MAX)
            event = json_load_file(what, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(json_object_get(event, "header"))) {
            cli_warn(_("%s holds no received event"), what);
            json_decref(event);
            return CLI_FAILED;
        }
        *ret = event;
        return CLI_OK;
    }
    if (!number && uuid_parse(what, id) != 0)
        usage_fail(_("neither a file that can be read, nor a number or an id of an event: %s"), what);
    rc = cli_connect(cli);
    if (rc != CLI_OK)
        return rc;
    request = number ? json_pack("{s:s,s:s}", "fromSeq", what, "toSeq", what) : json_pack("{s:s}", "eventId", what);
    text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    rc = text == NULL ? -ENOMEM : wici_read(cli->w, text, cli->timeout_ms, event_keep_first, &event);
    free(text);
    if (rc != 0) {
        json_decref(event);
        return cli_fail(cli, rc, "wici");
    }
    if (event == NULL) {
        cli_warn(_("there is no event %s, or not for this unit"), what);
        return CLI_NOT_FOUND;
    }
    *ret = event;
    return CLI_OK;
}
