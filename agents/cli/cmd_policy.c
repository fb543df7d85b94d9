/* wici policy: show, compare or load the text of the policy */
#include "agents/cli/cli.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLICY_FILE_MAX (1u << 20)

extern char **environ;

static char *
file_text(const char *path)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    char *text = malloc(POLICY_FILE_MAX + 1);
    size_t len;

    if (f == NULL || text == NULL) {
        cli_warn("%s: %s", path, strerror(errno));
        free(text);
        return NULL;
    }
    len = fread(text, 1, POLICY_FILE_MAX, f);
    text[len] = '\0';
    if (f != stdin)
        fclose(f);
    return text;
}

/* The word after "version" at the beginning of a line. */
static bool
version_find(const char *text, char ret[81])
{
    for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (sscanf(line, "version %80s", ret) == 1)
            return true;
    }
    return false;
}

/* diff -u between the policy in force and the file. 0 alike, 1 not, as diff has it. */
static int
diff_run(const char *text, const char *path)
{
    static char program[] = "diff", flag[] = "-u", label[] = "--label";
    char in_force[64], fd_path[32];
    char *file = strdup(path);
    char *argv[] = {program, flag, label, in_force, label, file, fd_path, file, NULL};
    int fd = memfd_create("policy", 0), status = 0, rc = CLI_FAILED;
    pid_t pid;

    snprintf(in_force, sizeof in_force, "%s", _("policy in force"));
    if (file == NULL || fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        goto out;
    snprintf(fd_path, sizeof fd_path, "/dev/fd/%d", fd);
    fflush(stdout);
    if (posix_spawnp(&pid, "diff", NULL, NULL, argv, environ) != 0) {
        cli_warn(_("diff cannot be run"));
        goto out;
    }
    if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        rc = CLI_OK;
out:
    if (fd >= 0)
        close(fd);
    free(file);
    return rc;
}

static int
policy_load(struct cli *cli, const char *path)
{
    char version[81], *text = file_text(path);
    const char *role;
    json_t *body;
    int rc;

    if (text == NULL)
        return CLI_FAILED;
    if (!version_find(text, version)) {
        cli_warn(_("%s: no line `version ...`"), path);
        free(text);
        return CLI_FAILED;
    }
    body = json_pack("{s:s,s:s}", "version", version, "text", text);
    free(text);
    if (body == NULL) {
        cli_warn(_("%s: not UTF-8 text"), path);
        return CLI_FAILED;
    }
    rc = cli_connect(cli);
    role = rc == CLI_OK ? cli_role(cli, "ADM") : NULL;
    if (role == NULL) {
        json_decref(body);
        return rc != CLI_OK ? rc : CLI_USAGE;
    }
    return cli_command_event(cli, "sys.policy_loaded", NULL, role, body);
}

int
cmd_policy(struct cli *cli, int argc, char **argv)
{
    static const struct cli_syntax syntax = {NULL, N_("show | diff FILE | load FILE"),
                                             N_("Prints the policy in force, compares it with a file (exit code 1: "
                                                "they differ), or loads a file: from then on it "
                                                "decides who may publish and see what, and every agency is told."),
                                             1, 2};
    struct cli_args args;
    json_t *result;
    const json_t *policy;
    bool show;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    show = strcmp(args.words[0], "show") == 0 && args.word_count == 1;
    if (strcmp(args.words[0], "load") == 0 && args.word_count == 2)
        return policy_load(cli, args.words[1]);
    if (!show && (strcmp(args.words[0], "diff") != 0 || args.word_count != 2))
        usage_fail(_("say: %s"), _(syntax.words));
    rc = cli_connect(cli);
    if (rc == CLI_OK)
        rc = cli_query(cli, json_pack("{s:{}}", "policy"), &result);
    if (rc != CLI_OK)
        return rc;
    policy = json_object_get(result, "policy");
    if (!show)
        rc = diff_run(jstr(policy, "text"), args.words[1]);
    else if (cli->json)
        rc = cli_print_json(json_incref(result));
    else
        fputs(jstr(policy, "text"), stdout);
    json_decref(result);
    return rc;
}
