/*
 * The files that a broker leaves, searched for the marks of texts and documents.
 */
#include "tests/sim/check.h"

#include "tests/sim/ledger.h"
#include "tests/sim/papers.h"
#include "tests/sim/saids.h"
#include "tests/sim/sim.h"

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRS_OPEN 8

/* Records in no dossier lie in clear. */
static void
said_look(uint32_t index, const char *path)
{
    const struct said *said = saids_at(saids_at(index)->same_as);

    if (!said->in_clear)
        sim_fail("sealed", "%s holds text of event %u", path, index);
}

static void
bytes_look(const uint8_t *bytes, size_t len, const char *path)
{
    const uint8_t *at = bytes, *end = bytes + len;
    uint32_t index;
    size_t section;

    while ((at = memmem(at, (size_t)(end - at), "zq", 2)) != NULL) {
        const uint8_t *mark = at;

        if (said_find_mark(&mark, at + SAID_MARK_LEN < end ? at + SAID_MARK_LEN : end, &index, &section))
            said_look(index, path);
        at++;
    }
    if (papers_marked(bytes, len) != PAPER_NONE)
        sim_fail("sealed", "%s holds text of document %u", path, papers_marked(bytes, len));
}

static int
file_look(const char *path, const struct stat *st, int type, struct FTW *at)
{
    size_t len = (size_t)st->st_size;
    int fd;
    void *bytes;

    (void)at;
    if (type != FTW_F || len == 0)
        return 0;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    bytes = fd < 0 ? MAP_FAILED : mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        abort();
    bytes_look(bytes, len, path);
    (void)munmap(bytes, len);
    (void)close(fd);
    return 0;
}

void
check_files(const char *dir)
{
    if (nftw(dir, file_look, DIRS_OPEN, FTW_PHYS) != 0)
        abort();
}
