/* hangup - see hangup.h */
#include "hangup.h"

#include <signal.h>
#include <unistd.h>

void
hangup_ignore(void)
{
    if (!isatty(STDIN_FILENO))
        (void)signal(SIGHUP, SIG_IGN);
}
