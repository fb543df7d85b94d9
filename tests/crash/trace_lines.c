/*
 * trace_lines - the trace of a program as lines in a file: libwici_trace.so, for LD_PRELOAD
 *
 *     WICI_TRACE_FILE   the file; it is appended to. Unset: nothing is traced
 *     WICI_TRACE_DROP   OP PATTERN: calls of this kind on paths that match, as fnmatch() does, are not made, and their
 *                       caller is told that they were ("sync *data.mdb"). "open" drops O_DSYNC only. A bug, planted
 *
 * A line is: b (about to be made) or e (has ended well), operation, O_DSYNC or not (1, 0), offset, length, then the
 * path, or - for a socket; a rename's or link's second path follows. Lines of several threads and processes stand in
 * the order in which they were written: an e line before a b line means that the one call had ended when the other
 * began.
 */
#include "tests/crash/trace.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const op_words[] = {
    [TRACE_OPEN] = "open",         [TRACE_CLOSE] = "close", [TRACE_READ] = "read",     [TRACE_WRITE] = "write",
    [TRACE_TRUNCATE] = "truncate", [TRACE_SYNC] = "sync",   [TRACE_RENAME] = "rename", [TRACE_LINK] = "link",
    [TRACE_UNLINK] = "unlink",     [TRACE_MKDIR] = "mkdir", [TRACE_SEND] = "send",     [TRACE_RECEIVE] = "receive"};

static int lines_fd = -1;
static char drop_op[16], drop_pattern[128];

static void
line_put(char phase, const struct trace_call *call)
{
    const char *word = call->op == TRACE_OPEN && call->created ? "create" : op_words[call->op];
    char line[1200];
    int len = snprintf(line, sizeof line, "%c %s %d %lld %zu %s%s%s\n", phase, word, call->dsync, (long long)call->at,
                       call->len, call->path != NULL ? call->path : "-", call->to != NULL ? " " : "",
                       call->to != NULL ? call->to : "");

    if (len > 0 && syscall(SYS_write, lines_fd, line, len) != len)
        abort(); /* a trace with holes proves nothing */
}

static bool
call_is_dropped(const struct trace_call *call)
{
    return drop_op[0] != '\0' && call->path != NULL && strcmp(drop_op, op_words[call->op]) == 0 &&
           fnmatch(drop_pattern, call->path, 0) == 0;
}

static bool
lines_before(const struct trace_call *call)
{
    if (call_is_dropped(call))
        return true;
    line_put('b', call);
    return false;
}

static void
lines_after(const struct trace_call *call)
{
    line_put('e', call);
}

static const struct trace_sink lines_sink = {.root = "", .before = lines_before, .after = lines_after};

__attribute__((constructor)) static void
lines_start(void)
{
    const char *file = getenv("WICI_TRACE_FILE"), *drop = getenv("WICI_TRACE_DROP");

    if (file == NULL)
        return;
    if (drop != NULL && sscanf(drop, "%15s %127s", drop_op, drop_pattern) != 2)
        abort();
    lines_fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (lines_fd < 0)
        abort();
    trace_sink = &lines_sink;
}
