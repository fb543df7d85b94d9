/*
 * fuzz_replay - the fuzzer's corpus without the fuzzer: each file as it is, cut short, and with bytes changed
 *
 *     fuzz_replay DIR...
 *
 * The changes are a fixed series, so a failure comes back. Fails when there is no file at all.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX 65536u
#define CHANGES  300u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
replay(const uint8_t *data, size_t size)
{
    static uint8_t changed[FILE_MAX];

    run(data, size);
    for (unsigned i = 0; size > 0 && i < CHANGES; i++) {
        memcpy(changed, data, size);
        for (size_t count = 1 + random_below(4); count > 0; count--)
            changed[random_below(size)] = (uint8_t)random_below(256);
        run(changed, i % 3 == 0 ? random_below(size) : size);
    }
}

static unsigned
replay_directory(const char *name)
{
    static uint8_t data[FILE_MAX];
    DIR *directory = opendir(name);
    struct dirent *entry;
    unsigned count = 0;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        char path[4096];
        FILE *file;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", name, entry->d_name);
        file = fopen(path, "rb");
        if (file == NULL)
            continue;
        replay(data, fread(data, 1, sizeof data, file));
        fclose(file);
        count++;
    }
    if (directory != NULL)
        closedir(directory);
    return count;
}

int
main(int argc, char **argv)
{
    unsigned count = 0;

    for (int i = 1; i < argc; i++)
        count += replay_directory(argv[i]);
    printf("%u files\n", count);
    return count > 0 ? 0 : 1;
}
