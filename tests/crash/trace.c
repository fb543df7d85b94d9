/*
 * trace - see trace.h
 *
 * The names below are the C library's, whose headers declare them with attributes of their own; raw system calls keep
 * this file independent of what else is interposed (sanitizers among it).
 */
#undef _FORTIFY_SOURCE /* its inline versions of these names would be in the way */
#include "tests/crash/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FDS_MAX      1024
#define PATH_LEN_MAX 512u

const struct trace_sink *trace_sink;

static struct file {
    char path[PATH_LEN_MAX]; /* "": not followed */
    bool dsync;
} files[FDS_MAX];

static bool
path_is_followed(const char *path)
{
    static const char *const outside[] = {"/dev/", "/proc/", "/sys/"};

    if (trace_sink == NULL || path[0] != '/' || strlen(path) >= PATH_LEN_MAX)
        return false;
    if (trace_sink->root[0] != '\0')
        return strncmp(path, trace_sink->root, strlen(trace_sink->root)) == 0;
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        if (strncmp(path, outside[i], strlen(outside[i])) == 0)
            return false;
    return true;
}

static struct file *
file_of(int fd)
{
    return trace_sink != NULL && fd >= 0 && fd < FDS_MAX && files[fd].path[0] != '\0' ? &files[fd] : NULL;
}

static void
call_done(const struct trace_call *call, long ret)
{
    int saved = errno;

    if (ret >= 0 && trace_sink != NULL)
        trace_sink->after(call);
    errno = saved;
}

/* Not 0: errno is set, and the caller returns -1; or TRACE_SHORT. */
static int
call_fails(const struct trace_call *call)
{
    int err = trace_sink != NULL && trace_sink->fail != NULL ? trace_sink->fail(call) : 0;

    if (err > 0)
        errno = err;
    return err;
}

/* ---- opening and closing */

static int
open_traced(const char *path, int flags, mode_t mode)
{
    struct trace_call call = {.op = TRACE_OPEN, .fd = -1, .path = path};
    long fd;

    if (!path_is_followed(path))
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    call.created = (flags & O_CREAT) != 0 && syscall(SYS_faccessat, AT_FDCWD, path, F_OK) != 0;
    call.dsync = (flags & O_DSYNC) != 0;
    if (call_fails(&call) != 0)
        return -1;
    if (call.dsync && trace_sink->before(&call)) {
        call.dsync = false;
        flags &= ~(O_SYNC | O_DSYNC);
    }
    fd = syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (fd >= 0 && fd < FDS_MAX) {
        memcpy(files[fd].path, path, strlen(path) + 1);
        files[fd].dsync = call.dsync;
        call.fd = (int)fd;
        call_done(&call, fd);
    }
    return (int)fd;
}

static mode_t
mode_of(int flags, va_list args)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
}

#define OPEN_LIKE(name)                                                                                                \
    int name(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        va_list args;                                                                                                  \
        mode_t mode;                                                                                                   \
                                                                                                                       \
        va_start(args, flags);                                                                                         \
        mode = mode_of(flags, args);                                                                                   \
        va_end(args);                                                                                                  \
        return open_traced(path, flags, mode);                                                                         \
    }

#define OPENAT_LIKE(name)                                                                                              \
    int name(int dir, const char *path, int flags, ...)                                                                \
    {                                                                                                                  \
        va_list args;                                                                                                  \
        mode_t mode;                                                                                                   \
                                                                                                                       \
        va_start(args, flags);                                                                                         \
        mode = mode_of(flags, args);                                                                                   \
        va_end(args);                                                                                                  \
        if (path[0] == '/' || dir == AT_FDCWD)                                                                         \
            return open_traced(path, flags, mode);                                                                     \
        return (int)syscall(SYS_openat, dir, path, flags, mode);                                                       \
    }

OPEN_LIKE(open)
OPENAT_LIKE(openat)
#ifndef open64 /* with 64-bit offsets asked for, the headers make them one name */
OPEN_LIKE(open64)
OPENAT_LIKE(openat64)
#endif

int
close(int fd)
{
    struct file *file = file_of(fd);

    if (file != NULL) {
        struct trace_call call = {.op = TRACE_CLOSE, .fd = fd, .path = file->path};

        call_done(&call, 0);
        file->path[0] = '\0';
    }
    return (int)syscall(SYS_close, fd);
}

/* ---- writing */

static bool
is_tcp(int fd)
{
    int domain = 0, saved = errno;
    socklen_t len = sizeof domain;
    bool tcp = getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && (domain == AF_INET || domain == AF_INET6);

    errno = saved;
    return tcp;
}

static size_t
iov_len(const struct iovec *iov, int count)
{
    size_t len = 0;

    for (int i = 0; i < count; i++)
        len += iov[i].iov_len;
    return len;
}

/* at -1: at the file's own position. */
static ssize_t
write_traced(int fd, const struct iovec *iov, int count, off_t at)
{
    struct file *file = file_of(fd);
    struct trace_call call = {.op = TRACE_WRITE, .fd = fd, .iov = iov, .iov_count = count};
    struct iovec piece;
    ssize_t ret;
    int fails;

    call.len = iov_len(iov, count);
    if (file != NULL) {
        call.path = file->path;
        call.dsync = file->dsync;
        call.at = at >= 0 ? at : (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
        fails = call_fails(&call);
        if (fails > 0)
            return -1;
        if (trace_sink->before(&call))
            return (ssize_t)call.len;
        if (fails == TRACE_SHORT) { /* of several pieces the first is whole enough */
            piece = iov[0];
            piece.iov_len = (piece.iov_len + 1) / 2;
            iov = &piece;
            count = 1;
        }
    } else if (trace_sink != NULL && at < 0 && is_tcp(fd)) {
        call.op = TRACE_SEND;
        (void)trace_sink->before(&call);
    }
    /* The kernel takes the offset in two halves; on 64-bit machines the first holds all of it. */
    ret = at >= 0 ? syscall(SYS_pwritev, fd, iov, count, at, 0) : syscall(SYS_writev, fd, iov, count);
    if (file != NULL) {
        call.len = ret > 0 ? (size_t)ret : 0;
        call_done(&call, ret);
    }
    return ret;
}

static struct iovec
iov_of(const void *bytes, size_t len)
{
    return (struct iovec){.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
}

ssize_t
write(int fd, const void *bytes, size_t len)
{
    struct iovec iov = iov_of(bytes, len);

    /* eventfds and pipes do not take vectors alike: one system call for what is not followed */
    if (trace_sink == NULL || (file_of(fd) == NULL && !is_tcp(fd)))
        return syscall(SYS_write, fd, bytes, len);
    return write_traced(fd, &iov, 1, -1);
}

ssize_t
writev(int fd, const struct iovec *iov, int count)
{
    return write_traced(fd, iov, count, -1);
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    struct iovec iov = iov_of(bytes, len);

    return write_traced(fd, &iov, 1, at);
}

ssize_t
pwritev(int fd, const struct iovec *iov, int count, off_t at)
{
    return write_traced(fd, iov, count, at);
}

#ifndef pwrite64
ssize_t
pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
    return pwrite(fd, bytes, len, at);
}

ssize_t
pwritev64(int fd, const struct iovec *iov, int count, off64_t at)
{
    return write_traced(fd, iov, count, at);
}
#endif

int
ftruncate(int fd, off_t len)
{
    struct file *file = file_of(fd);
    struct trace_call call = {.op = TRACE_TRUNCATE, .fd = fd, .at = len};
    long ret;

    if (file != NULL) {
        call.path = file->path;
        if (call_fails(&call) != 0)
            return -1;
        if (trace_sink->before(&call))
            return 0;
    }
    ret = syscall(SYS_ftruncate, fd, len);
    if (file != NULL)
        call_done(&call, ret);
    return (int)ret;
}

#ifndef ftruncate64
int
ftruncate64(int fd, off64_t len)
{
    return ftruncate(fd, len);
}
#endif

/* ---- reading */

static bool
read_fails(int fd, size_t len, off_t at)
{
    struct file *file = file_of(fd);
    struct trace_call call = {.op = TRACE_READ, .fd = fd, .at = at, .len = len};

    if (file == NULL)
        return false;
    call.path = file->path;
    return call_fails(&call) > 0;
}

ssize_t
read(int fd, void *bytes, size_t len)
{
    return read_fails(fd, len, -1) ? -1 : syscall(SYS_read, fd, bytes, len);
}

ssize_t
pread(int fd, void *bytes, size_t len, off_t at)
{
    return read_fails(fd, len, at) ? -1 : syscall(SYS_pread64, fd, bytes, len, at);
}

#ifndef pread64
ssize_t
pread64(int fd, void *bytes, size_t len, off64_t at)
{
    return pread(fd, bytes, len, at);
}
#endif

/* ---- syncs */

static int
sync_traced(int fd, long number)
{
    struct file *file = file_of(fd);
    struct trace_call call = {.op = TRACE_SYNC, .fd = fd};
    long ret;

    if (file != NULL) {
        call.path = file->path;
        if (call_fails(&call) != 0)
            return -1;
        if (trace_sink->before(&call))
            return 0;
    }
    ret = syscall(number, fd);
    if (file != NULL)
        call_done(&call, ret);
    return (int)ret;
}

int
fsync(int fd)
{
    return sync_traced(fd, SYS_fsync);
}

int
fdatasync(int fd)
{
    return sync_traced(fd, SYS_fdatasync);
}

/* ---- names */

static int
names_traced(enum trace_op op, const char *path, const char *to, long number, int flags)
{
    struct trace_call call = {.op = op, .fd = -1, .path = path, .to = to};
    bool followed = path_is_followed(path);
    long ret;

    if (followed && call_fails(&call) != 0)
        return -1;
    if (followed && trace_sink->before(&call))
        return 0;
    ret = to != NULL ? syscall(number, AT_FDCWD, path, AT_FDCWD, to, flags) : syscall(number, AT_FDCWD, path, flags);
    if (followed)
        call_done(&call, ret);
    return (int)ret;
}

int
rename(const char *path, const char *to)
{
    return names_traced(TRACE_RENAME, path, to, SYS_renameat2, 0);
}

int
link(const char *path, const char *to)
{
    return names_traced(TRACE_LINK, path, to, SYS_linkat, 0);
}

int
unlink(const char *path)
{
    return names_traced(TRACE_UNLINK, path, NULL, SYS_unlinkat, 0);
}

int
rmdir(const char *path)
{
    return names_traced(TRACE_UNLINK, path, NULL, SYS_unlinkat, AT_REMOVEDIR);
}

int
mkdir(const char *path, mode_t mode)
{
    return names_traced(TRACE_MKDIR, path, NULL, SYS_mkdirat, (int)mode);
}

/* ---- sockets */

/* False: errno is set, and nothing is sent. */
static bool
send_traced(int fd, size_t len)
{
    struct trace_call call = {.op = TRACE_SEND, .fd = fd, .len = len};
    int saved = errno;

    if (trace_sink == NULL || !is_tcp(fd))
        return true;
    if (call_fails(&call) != 0)
        return false;
    (void)trace_sink->before(&call);
    errno = saved;
    return true;
}

ssize_t
send(int fd, const void *bytes, size_t len, int flags)
{
    return send_traced(fd, len) ? syscall(SYS_sendto, fd, bytes, len, flags, NULL, 0) : -1;
}

ssize_t
sendto(int fd, const void *bytes, size_t len, int flags, __CONST_SOCKADDR_ARG to, socklen_t to_len)
{
    return send_traced(fd, len) ? syscall(SYS_sendto, fd, bytes, len, flags, to.__sockaddr__, to_len) : -1;
}

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
    return send_traced(fd, iov_len(message->msg_iov, (int)message->msg_iovlen))
               ? syscall(SYS_sendmsg, fd, message, flags)
               : -1;
}

ssize_t
recv(int fd, void *bytes, size_t len, int flags)
{
    struct trace_call call = {.op = TRACE_RECEIVE, .fd = fd};
    ssize_t ret = syscall(SYS_recvfrom, fd, bytes, len, flags, NULL, NULL);
    int saved = errno;

    if (ret > 0 && trace_sink != NULL && is_tcp(fd)) {
        call.len = (size_t)ret;
        trace_sink->after(&call);
    }
    errno = saved;
    return ret;
}
