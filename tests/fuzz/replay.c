/*
 * replay - a fuzzer's corpus without the fuzzer: each file as it is, cut short, and with bytes changed
 *
 *     replay_TARGET CHANGES DIR...
 *     replay_TARGET 0 FILE...          one as it is, to look at what it does
 *
 * The changes are a fixed series, so a failure comes back. Fails when a directory holds no file.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX 65536u

static uint64_t random_state = UINT64_C(0x9e3779b97f4a7c15);

static size_t
random_below(size_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(random_state >> 33) % bound;
}

/* In memory of exactly its size, so that a read past the end is seen. */
static void
run(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);

    if (exact == NULL)
        abort();
    memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static void
replay(const uint8_t *data, size_t size, unsigned changes)
{
    static uint8_t changed[FILE_MAX];

    run(data, size);
    for (unsigned i = 0; size > 0 && i < changes; i++) {
        memcpy(changed, data, size);
        for (size_t count = 1 + random_below(4); count > 0; count--)
            changed[random_below(size)] = (uint8_t)random_below(256);
        run(changed, i % 3 == 0 ? random_below(size) : size);
    }
}

static bool
replay_file(const char *path, unsigned changes)
{
    static uint8_t data[FILE_MAX];
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        return false;
    replay(data, fread(data, 1, sizeof data, file), changes);
    (void)fclose(file);
    return true;
}

/* In the order of their names, so that what one leaves behind the next one finds again. */
static unsigned
replay_directory(const char *name, unsigned changes)
{
    struct dirent **entries = NULL;
    int found = scandir(name, &entries, NULL, alphasort);
    unsigned count = 0;

    for (int i = 0; i < found; i++) {
        char path[4096];

        (void)snprintf(path, sizeof path, "%s/%s", name, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            count += replay_file(path, changes);
        free(entries[i]);
    }
    free(entries);
    return count;
}

int
main(int argc, char **argv)
{
    unsigned changes = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;

    for (int i = 2; i < argc; i++) {
        unsigned count = replay_directory(argv[i], changes);

        if (count == 0)
            count += replay_file(argv[i], changes);
        printf("%s: %u files\n", argv[i], count);
        if (count == 0)
            return 1;
    }
    return argc > 2 ? 0 : 1;
}
