#include "tests/unit/test_damage_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

size_t
damage_key(uint8_t ret[8], uint64_t v)
{
    for (int i = 0; i < 8; i++)
        ret[i] = (uint8_t)(v >> (56 - 8 * i));
    return 8;
}

off_t
damage_find(const char *dir, const char *name, const uint8_t *bytes, size_t len)
{
    char path[PATH_MAX];
    struct stat st;
    uint8_t *all;
    off_t found = -1;
    int fd;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    fd = open(path, O_RDONLY);
    assert_int_equal(fstat(fd, &st), 0);
    all = malloc((size_t)st.st_size);
    assert_non_null(all);
    assert_int_equal(pread(fd, all, (size_t)st.st_size, 0), st.st_size);
    for (off_t at = 0; at + (off_t)len <= st.st_size; at++)
        if (memcmp(all + at, bytes, len) == 0)
            found = at;
    free(all);
    close(fd);
    assert_true(found >= 0);
    return found;
}

void
damage_flip(const char *dir, const char *name, off_t at)
{
    char path[PATH_MAX];
    uint8_t byte;
    int fd;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

void
damage_put(const char *dir, const char *name, off_t at, const void *bytes, size_t len)
{
    char path[PATH_MAX];
    int fd;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    fd = open(path, O_RDWR);
    assert_int_equal(pwrite(fd, bytes, len, at), len);
    close(fd);
}

void
damage_fill(struct kit *kit, bool sealed)
{
    uint32_t entry = STORE_CLEAR_ENTRY;
    uint64_t seq;

    if (sealed)
        assert_int_equal(store_key_take(kit->st, &entry), 0);
    for (uint64_t i = 1; i <= RECORDS; i++)
        assert_int_equal(kit_append(kit, i, entry, &seq), 0);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_find_flush(kit->st, true), 0); /* else opening reads all records to feed it */
    store_close(&kit->st);
}

int
damage_read(struct kit *kit, uint64_t seq, struct store_row *row)
{
    struct store_slice *slice = NULL;
    int rc;

    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    rc = store_read(slice, seq, row);
    store_slice_end(&slice);
    return rc;
}

void
damage_refused(struct kit *kit, const char *place)
{
    assert_int_equal(kit_open(kit), -EBADMSG);
    assert_null(kit->st);
    assert_non_null(strstr(store_open_damage(), place));
}
