/* test_lib_kit - programs, units and clients around a wicid of tests/support */
#include "tests/e2e/test_lib_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define OUTPUT_MAX (1u << 20)
#define WORDS_MAX  64u

static void __attribute__((noreturn)) die(const char *what)
{
    fprintf(stderr, "test_lib_kit: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int
input_open(const char *text)
{
    FILE *f = tmpfile();

    if (f == NULL || fputs(text, f) < 0 || fflush(f) != 0)
        die("tmpfile");
    rewind(f);
    return fileno(f); /* stays open as long as the test */
}

int
program_run(const char *program, const char *const *words, const char *const *env, const char *input, char **ret_output)
{
    const char *bin = getenv("WICI_BIN"), *argv[WORDS_MAX];
    char path[4096], *text = calloc(1, OUTPUT_MAX);
    int fds[2], status, in = input_open(input != NULL ? input : "");
    size_t len = 0, n = 1;
    pid_t pid, parent = getpid();

    if (bin == NULL || text == NULL || pipe2(fds, O_CLOEXEC) != 0)
        die("WICI_BIN, memory or pipe");
    snprintf(path, sizeof path, "%s/%s", bin, program);
    argv[0] = path;
    for (; words[n - 1] != NULL; n++) {
        if (n >= WORDS_MAX - 1)
            die("too many words");
        argv[n] = words[n - 1];
    }
    argv[n] = NULL;
    pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0) {
        daemon_tie(parent);
        for (size_t i = 0; env != NULL && env[i] != NULL; i++)
            putenv(strdup(env[i]));
        dup2(in, STDIN_FILENO);
        dup2(fds[1], STDOUT_FILENO);
        dup2(fds[1], STDERR_FILENO);
        execv(path, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(fds[1]);
    while (len < OUTPUT_MAX - 1) {
        ssize_t got = read(fds[0], text + len, OUTPUT_MAX - 1 - len);

        if (got > 0)
            len += (size_t)got;
        else if (got == 0 || errno != EINTR)
            break;
    }
    close(fds[0]);
    if (waitpid(pid, &status, 0) != pid)
        die("waitpid");
    *ret_output = text;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct wici_options
kit_options(const struct daemon *d, const char *unit)
{
    static char key_file[160];
    struct wici_options options = {.endpoints = d->endpoint, .server_key = d->server_key, .key_file = key_file};

    snprintf(key_file, sizeof key_file, "%s/%s.key", d->dir, unit);
    options.reconnect_min_ms = 20;
    options.reconnect_max_ms = 200;
    return options;
}

int
kit_wici(const struct daemon *d, const char *unit, const char *const *words, const char *const *env, const char *input,
         char **ret_output)
{
    char endpoint[160], server_key[64], key_file[192];
    const char *all[WORDS_MAX] = {endpoint, server_key, key_file};
    size_t n = 3;

    snprintf(endpoint, sizeof endpoint, "--endpoint=%s", d->endpoint);
    snprintf(server_key, sizeof server_key, "--server-key=%s", d->server_key);
    snprintf(key_file, sizeof key_file, "--key-file=%s/%s.key", d->dir, unit);
    for (size_t i = 0; words[i] != NULL && n < WORDS_MAX - 1; i++)
        all[n++] = words[i];
    return program_run("wici", all, env, input, ret_output);
}

char *
kit_expect(const struct daemon *d, const char *unit, const char *const *words, const char *const *env,
           const char *input, int code, const char *want)
{
    static const char *const english[] = {"LC_ALL=en_GB.UTF-8", "LANGUAGE=", NULL};
    char *output;
    int rc = kit_wici(d, unit, words, env != NULL ? env : english, input, &output);

    if (rc != code || (want != NULL && strstr(output, want) == NULL))
        fail_msg("wici %s: exit %d (expected %d), output without \"%s\":\n%s", words[0], rc, code, want ? want : "",
                 output);
    return output;
}

static void
wici_must(const struct daemon *d, const char *const *words)
{
    char *output;

    if (kit_wici(d, "admin", words, NULL, NULL, &output) != 0) {
        fprintf(stderr, "test_lib_kit: wici %s %s: %s\n", words[0], words[1], output);
        exit(1);
    }
    free(output);
}

/* The same port after a restart, so that clients find it again. */
static void
endpoint_fix(struct daemon *d)
{
    char config[1024];

    snprintf(config, sizeof config,
             "listen = %s\ndata.dir = %s/data\nkey.dir = %s/keys\nkek.file = %s/kek\ncurve.key = %s/curve.key\n"
             "checkpoint.key = %s/checkpoint.key\nguard.file = %s/guard\ndata.size_max = 256M\n",
             d->endpoint, d->dir, d->dir, d->dir, d->dir, d->dir, d->dir);
    daemon_write(d, "wicid.conf", config);
}

void
kit_open(struct daemon *d)
{
    char ops[128], sp12[128];

    daemon_create(d, NULL);
    daemon_start(d);
    endpoint_fix(d);
    snprintf(ops, sizeof ops, "%s/ops-sw.key", d->dir);
    snprintf(sp12, sizeof sp12, "%s/sp12.key", d->dir);
    wici_must(d, (const char *[]){"key", "generate", ops, NULL});
    wici_must(d, (const char *[]){"key", "generate", sp12, NULL});
    wici_must(d, (const char *[]){"agency", "add", "sp12-school", "--name", "Szkoła nr 12", "--kind", "SCHOOL", NULL});
    wici_must(d, (const char *[]){"unit", "add", "ops-sw", "--agency", "ops", "--name", "SW", "--role", "SW", "--key",
                                  ops, NULL});
    wici_must(d, (const char *[]){"unit", "add", "sp12", "--agency", "sp12-school", "--name", "Pedagog", "--role",
                                  "SCH", "--key", sp12, NULL});
}

void
kit_restart(struct daemon *d)
{
    (void)daemon_stop(d, SIGKILL);
    daemon_start(d);
}
