/*
 * fault - the N-th call of a kind fails: libwici_fault.so, for LD_PRELOAD
 *
 *     WICI_FAULT         KIND ERROR N, as in "sync EIO 3", then perhaps a PATTERN: only files whose paths match it, as
 *                        fnmatch() does, are meant; unset: nothing fails
 *     WICI_FAULT_ROOT    the directory whose files are meant
 *     WICI_FAULT_REPORT  a file that is made: struct report, written as things happen
 *     WICI_FAULT_AHEAD   seconds that the program's wall clock is ahead; without WICI_FAULT too
 *
 * Kinds: of the files read, write, meta (a write through O_DSYNC), sync, open, name (rename, link, unlink, mkdir,
 * rmdir), truncate; of memory malloc and mmap; of ZeroMQ message (room for one), payload (a message's last frame is not
 * sent), route (its first is not), receive, socket; of the network send (libzmq's own); thread; and step: all of the
 * files but read, and send. ERROR is a name of errno, or SHORT: half of the bytes are written. KILL: the process ends
 * before the call, as by kill -9. TORN: it ends when half of the bytes are written, before a call that writes none.
 *
 * Of memory, ZeroMQ and threads only calls of the program itself, LMDB and protobuf-c count. Not those inside libzmq,
 * which ends the process when it gets no memory, nor those inside libcrypto: thousands at its start, and it leaks.
 *
 * A program that looks at itself calls fault_hold(true), by dlsym(): until fault_hold(false) nothing fails and nothing
 * is counted.
 *
 * Works under ASan, whose allocator is called then. Threads: any.
 */
#include "tests/crash/trace.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define WHERE_SIZE 200
#define PLACES_MAX 16
#define KILL       (-2) /* no errors of a call: TRACE_SHORT is -1 */
#define TORN       (-3)

enum kind {
    KIND_NONE,
    KIND_READ,
    KIND_WRITE,
    KIND_META,
    KIND_SYNC,
    KIND_OPEN,
    KIND_NAME,
    KIND_TRUNCATE,
    KIND_MALLOC,
    KIND_MMAP,
    KIND_MESSAGE,
    KIND_PAYLOAD,
    KIND_ROUTE,
    KIND_RECEIVE,
    KIND_SOCKET,
    KIND_SEND,
    KIND_THREAD,
    KIND_STEP
};

static const char *const kind_names[] = {
    [KIND_READ] = "read",       [KIND_WRITE] = "write",     [KIND_META] = "meta",         [KIND_SYNC] = "sync",
    [KIND_OPEN] = "open",       [KIND_NAME] = "name",       [KIND_TRUNCATE] = "truncate", [KIND_MALLOC] = "malloc",
    [KIND_MMAP] = "mmap",       [KIND_MESSAGE] = "message", [KIND_PAYLOAD] = "payload",   [KIND_ROUTE] = "route",
    [KIND_RECEIVE] = "receive", [KIND_SOCKET] = "socket",   [KIND_SEND] = "send",         [KIND_THREAD] = "thread",
    [KIND_STEP] = "step"};

static const struct {
    const char *name;
    int value;
} errors[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC},         {"ENOMEM", ENOMEM}, {"EMFILE", EMFILE},
              {"EAGAIN", EAGAIN}, {"ECONNRESET", ECONNRESET}, {"EACCES", EACCES}, {"EHOSTUNREACH", EHOSTUNREACH},
              {"EINTR", EINTR},   {"SHORT", TRACE_SHORT},     {"KILL", KILL},     {"TORN", TORN}};

/* What the test reads. Of this process, and of those that it starts: they look into the same file. */
static struct report {
    _Atomic uint64_t count;   /* calls of the kind */
    _Atomic uint64_t reached; /* 1: the fault has happened */
    _Atomic uint64_t said;    /* messages that were given to libzmq since */
    char where[WHERE_SIZE];   /* the file, or the caller */
} * report;

static atomic_bool held;
static _Thread_local bool torn; /* the call under way is the last one */
static enum kind kind;
static int error;
static uint64_t number;
static long ahead_s;
static char pattern[64];
static struct {
    uintptr_t from, to;
} places[PLACES_MAX]; /* code whose calls count */
static size_t place_count;

/* ---- counting */

static void
where_note(const char *path, const void *caller)
{
    Dl_info info;

    if (path != NULL) {
        (void)snprintf(report->where, sizeof report->where, "%s", path);
    } else if (caller != NULL && dladdr(caller, &info) != 0) {
        const char *slash = strrchr(info.dli_fname, '/'); /* of a program it is what it was called by */

        (void)snprintf(report->where, sizeof report->where, "%s+%#lx", slash != NULL ? slash + 1 : info.dli_fname,
                       (unsigned long)((uintptr_t)caller - (uintptr_t)info.dli_fbase));
    }
}

/* As by kill -9. */
static void
end_here(void)
{
    (void)kill(getpid(), SIGKILL);
}

/* Is it this call that fails? */
static bool
is_the_one(enum kind of, const char *path, const void *caller)
{
    if (of != kind || atomic_load(&held) || atomic_fetch_add(&report->count, 1) + 1 != number)
        return false;
    where_note(path, caller);
    atomic_store(&report->reached, 1);
    if (error == KILL)
        end_here();
    return true;
}

void fault_hold(bool hold);

void
fault_hold(bool hold)
{
    atomic_store(&held, hold);
}

static bool
caller_counts(const void *caller)
{
    uintptr_t at = (uintptr_t)caller;

    for (size_t i = 0; i < place_count; i++)
        if (places[i].from <= at && at < places[i].to)
            return true;
    return false;
}

/* True with errno set. */
static bool
call_of_code_fails(enum kind of, const void *caller)
{
    if (of != kind || !caller_counts(caller) || !is_the_one(of, NULL, caller))
        return false;
    errno = error;
    return true;
}

#define CALLER __builtin_return_address(0)

/* The next one of that name behind this library: libc's, libzmq's, or the sanitizer's. */
static void *
next(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (found == NULL)
        abort();
    return found;
}

#define NEXT(name)                                                                                                     \
    static __typeof__(&name) real;                                                                                     \
    if (real == NULL)                                                                                                  \
    real = (__typeof__(&name))(uintptr_t)next(#name)

/* ---- files */

static int
file_fails(const struct trace_call *call)
{
    enum kind of = KIND_NONE;

    switch (call->op) {
    case TRACE_OPEN: of = KIND_OPEN; break;
    case TRACE_READ: of = KIND_READ; break;
    case TRACE_WRITE: of = call->dsync ? KIND_META : KIND_WRITE; break;
    case TRACE_TRUNCATE: of = KIND_TRUNCATE; break;
    case TRACE_SYNC: of = KIND_SYNC; break;
    case TRACE_RENAME:
    case TRACE_LINK:
    case TRACE_UNLINK:
    case TRACE_MKDIR: of = KIND_NAME; break;
    case TRACE_SEND: of = KIND_SEND; break;
    case TRACE_CLOSE:
    case TRACE_RECEIVE: return 0;
    }
    if (pattern[0] != '\0' && (call->path == NULL || fnmatch(pattern, call->path, 0) != 0))
        return 0;
    if (!is_the_one(kind == KIND_STEP && of != KIND_READ ? KIND_STEP : of, call->path, NULL))
        return 0;
    if (error != TORN)
        return error;
    if (call->op != TRACE_WRITE)
        end_here();
    torn = true;
    return TRACE_SHORT;
}

static bool
nothing_before(const struct trace_call *call)
{
    (void)call;
    return false;
}

static void
end_if_torn(const struct trace_call *call)
{
    (void)call;
    if (torn)
        end_here();
}

static struct trace_sink sink = {.before = nothing_before, .after = end_if_torn, .fail = file_fails};

/* ---- memory */

void *
malloc(size_t size)
{
    NEXT(malloc);
    return call_of_code_fails(KIND_MALLOC, CALLER) ? NULL : real(size);
}

void *
calloc(size_t count, size_t size)
{
    NEXT(calloc);
    return call_of_code_fails(KIND_MALLOC, CALLER) ? NULL : real(count, size);
}

void *
realloc(void *at, size_t size)
{
    NEXT(realloc);
    return call_of_code_fails(KIND_MALLOC, CALLER) ? NULL : real(at, size);
}

void *
reallocarray(void *at, size_t count, size_t size)
{
    NEXT(reallocarray);
    return call_of_code_fails(KIND_MALLOC, CALLER) ? NULL : real(at, count, size);
}

int
posix_memalign(void **ret, size_t alignment, size_t size)
{
    NEXT(posix_memalign);
    return call_of_code_fails(KIND_MALLOC, CALLER) ? ENOMEM : real(ret, alignment, size);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
    NEXT(aligned_alloc);
    return call_of_code_fails(KIND_MALLOC, CALLER) ? NULL : real(alignment, size);
}

void *
sodium_malloc(size_t size)
{
    NEXT(sodium_malloc);
    return call_of_code_fails(KIND_MALLOC, CALLER) ? NULL : real(size);
}

void *
sodium_allocarray(size_t count, size_t size)
{
    NEXT(sodium_allocarray);
    return call_of_code_fails(KIND_MALLOC, CALLER) ? NULL : real(count, size);
}

void *
mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    NEXT(mmap);
    return call_of_code_fails(KIND_MMAP, CALLER) ? MAP_FAILED : real(at, size, protection, flags, fd, offset);
}

/* ---- ZeroMQ, as the broker calls it */

int
zmq_msg_init_size(zmq_msg_t *message, size_t size)
{
    NEXT(zmq_msg_init_size);
    return call_of_code_fails(KIND_MESSAGE, CALLER) ? -1 : real(message, size);
}

int
zmq_msg_init_data(zmq_msg_t *message, void *data, size_t size, zmq_free_fn *free_fn, void *hint)
{
    NEXT(zmq_msg_init_data);
    return call_of_code_fails(KIND_MESSAGE, CALLER) ? -1 : real(message, data, size, free_fn, hint);
}

int
zmq_msg_send(zmq_msg_t *message, void *socket, int flags)
{
    NEXT(zmq_msg_send);
    if (report != NULL && caller_counts(CALLER) && atomic_load(&report->reached) != 0)
        atomic_fetch_add(&report->said, 1);
    return call_of_code_fails(KIND_PAYLOAD, CALLER) ? -1 : real(message, socket, flags);
}

int
zmq_send(void *socket, const void *data, size_t len, int flags)
{
    NEXT(zmq_send);
    return (flags & ZMQ_DONTWAIT) != 0 && call_of_code_fails(KIND_ROUTE, CALLER) ? -1 : real(socket, data, len, flags);
}

int
zmq_msg_recv(zmq_msg_t *message, void *socket, int flags)
{
    NEXT(zmq_msg_recv);
    return call_of_code_fails(KIND_RECEIVE, CALLER) ? -1 : real(message, socket, flags);
}

int
zmq_poll(zmq_pollitem_t *items, int count, long timeout)
{
    NEXT(zmq_poll);
    return call_of_code_fails(KIND_RECEIVE, CALLER) ? -1 : real(items, count, timeout);
}

void *
zmq_ctx_new(void)
{
    NEXT(zmq_ctx_new);
    return call_of_code_fails(KIND_SOCKET, CALLER) ? NULL : real();
}

void *
zmq_socket(void *context, int type)
{
    NEXT(zmq_socket);
    return call_of_code_fails(KIND_SOCKET, CALLER) ? NULL : real(context, type);
}

int
zmq_setsockopt(void *socket, int option, const void *value, size_t len)
{
    NEXT(zmq_setsockopt);
    return call_of_code_fails(KIND_SOCKET, CALLER) ? -1 : real(socket, option, value, len);
}

int
zmq_getsockopt(void *socket, int option, void *value, size_t *len)
{
    NEXT(zmq_getsockopt);
    return call_of_code_fails(KIND_SOCKET, CALLER) ? -1 : real(socket, option, value, len);
}

int
zmq_bind(void *socket, const char *endpoint)
{
    NEXT(zmq_bind);
    return call_of_code_fails(KIND_SOCKET, CALLER) ? -1 : real(socket, endpoint);
}

int
zmq_unbind(void *socket, const char *endpoint)
{
    NEXT(zmq_unbind);
    return call_of_code_fails(KIND_SOCKET, CALLER) ? -1 : real(socket, endpoint);
}

int
zmq_connect(void *socket, const char *endpoint)
{
    NEXT(zmq_connect);
    return call_of_code_fails(KIND_SOCKET, CALLER) ? -1 : real(socket, endpoint);
}

int
zmq_socket_monitor(void *socket, const char *endpoint, int events)
{
    NEXT(zmq_socket_monitor);
    return call_of_code_fails(KIND_SOCKET, CALLER) ? -1 : real(socket, endpoint, events);
}

int
pthread_create(pthread_t *ret, const pthread_attr_t *attributes, void *(*run)(void *), void *arg)
{
    NEXT(pthread_create);
    return call_of_code_fails(KIND_THREAD, CALLER) ? error : real(ret, attributes, run, arg);
}

/* ---- the clock */

int
clock_gettime(clockid_t clock, struct timespec *ret)
{
    NEXT(clock_gettime);
    int rc = real(clock, ret);

    if (rc == 0 && clock == CLOCK_REALTIME && caller_counts(CALLER))
        ret->tv_sec += ahead_s;
    return rc;
}

time_t
time(time_t *ret)
{
    struct timespec now = {.tv_sec = 0};

    (void)clock_gettime(CLOCK_REALTIME, &now); /* of this file: it does not count as a caller */
    if (caller_counts(CALLER))
        now.tv_sec += ahead_s;
    if (ret != NULL)
        *ret = now.tv_sec;
    return now.tv_sec;
}

/* ---- starting */

/* The program, and the libraries that say so when they get no memory. */
static int
place_note(struct dl_phdr_info *info, size_t size, void *arg)
{
    static const char *const libraries[] = {"/liblmdb.", "/libprotobuf-c."};
    bool wanted = info->dlpi_name[0] == '\0';

    (void)size;
    (void)arg;
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        wanted = wanted || strstr(info->dlpi_name, libraries[i]) != NULL;
    for (size_t i = 0; wanted && i < info->dlpi_phnum && place_count < PLACES_MAX; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X) != 0) {
            places[place_count].from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            places[place_count].to = places[place_count].from + info->dlpi_phdr[i].p_memsz;
            place_count++;
        }
    return 0;
}

__attribute__((constructor)) static void
fault_start(void)
{
    const char *fault = getenv("WICI_FAULT"), *ahead = getenv("WICI_FAULT_AHEAD"), *file = getenv("WICI_FAULT_REPORT"),
               *root = getenv("WICI_FAULT_ROOT");
    char kind_text[16], error_text[16];
    enum kind wanted = KIND_NONE;
    unsigned long n;
    int fd;

    (void)dl_iterate_phdr(place_note, NULL);
    if (ahead != NULL)
        ahead_s = strtol(ahead, NULL, 10);
    if (fault == NULL)
        return;
    if (file == NULL || root == NULL || sscanf(fault, "%15s %15s %lu %63s", kind_text, error_text, &n, pattern) < 3)
        abort();
    for (size_t i = 1; i < sizeof kind_names / sizeof *kind_names; i++)
        if (strcmp(kind_text, kind_names[i]) == 0)
            wanted = (enum kind)i;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(error_text, errors[i].name) == 0)
            error = errors[i].value;
    fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (wanted == KIND_NONE || error == 0 || fd < 0 || syscall(SYS_ftruncate, fd, (off_t)sizeof *report) != 0)
        abort();
    report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (report == MAP_FAILED)
        abort();
    (void)close(fd);
    number = n;
    kind = wanted;
    sink.root = root;
    trace_sink = &sink;
}
