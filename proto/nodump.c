/* nodump - see nodump.h */
#include "nodump.h"

#include <errno.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>

int
nodump_set(void)
{
    if (setrlimit(RLIMIT_CORE, &(struct rlimit){.rlim_cur = 0, .rlim_max = 0}) != 0)
        return -errno;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    if (prctl(PR_SET_DUMPABLE, 0) != 0)
        return -errno;
#endif
    return 0;
}
