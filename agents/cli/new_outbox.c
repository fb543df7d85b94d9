/*
 * new_outbox - see new_outbox.h
 */
#include "agents/cli/new_outbox.h"

#include "agents/agent_config.h"
#include "agents/agent_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* The agent takes files in the order of their names; no name says whom it is about. */
static int
file_write(const json_t *event, const char *type, const char *dir, char ret[300])
{
    char *text = json_dumps(event, JSON_INDENT(2)), stamp[32], name[160];
    uint32_t random;
    time_t now = time(NULL);
    struct tm tm;
    int fd = -1, rc = text == NULL || gmtime_r(&now, &tm) == NULL ? -ENOMEM : 0;

    if (rc == 0 && getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        rc = -EIO;
    if (rc == 0) {
        strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &tm);
        (void)snprintf(name, sizeof name, "%s-%s-%08x.json", stamp, type, random);
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        rc = fd < 0 ? -errno : agent_write(fd, name, text, strlen(text));
    }
    if (rc == 0)
        (void)snprintf(ret, 300, "%s", name);
    if (fd >= 0)
        close(fd);
    free(text);
    return rc;
}

int
outbox_find(const struct cli_args *args, char **ret)
{
    struct agent_config config;
    char error[OPTIONS_ERROR_MAX];

    *ret = NULL;
    if (args_has(args, 'o') && args_has(args, 'A'))
        usage_fail(_("only one of --outbox and --agent"));
    if (args_has(args, 'o')) {
        *ret = strdup(args_get(args, 'o'));
        return *ret == NULL ? -ENOMEM : 0;
    }
    if (!args_has(args, 'A'))
        return 0;
    if (agent_config_read(&config, args_get(args, 'A'), error) != 0) {
        cli_warn("%s", error);
        return -EINVAL;
    }
    if (asprintf(ret, "%s/outbox", config.dir) < 0)
        *ret = NULL;
    agent_config_free(&config);
    return *ret == NULL ? -ENOMEM : 0;
}

int
outbox_write(const json_t *event, const char *type, const char *outbox)
{
    char name[300];
    int rc;

    if (outbox == NULL) {
        rc = json_dumpf(event, stdout, JSON_INDENT(2)) == 0 ? 0 : -EIO;
        putchar('\n');
        return rc;
    }
    rc = file_write(event, type, outbox, name);
    if (rc == 0)
        printf(_("Written: %s/%s\n"), outbox, name);
    return rc;
}
