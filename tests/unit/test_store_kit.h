/*
 * test_store_kit - a store in a directory of its own, and records whose content follows from a number
 *
 * Record `number` has the id kit_id(number), three parts (slots 0, 1 and 2) whose bytes name the number, and a seed
 * drawn from it; so that any record read back can be checked against its number alone.
 */
#ifndef TEST_STORE_KIT_H
#define TEST_STORE_KIT_H

#include "store/store.h"

#include <limits.h>

#define KIT_ORIGIN "test.example/log"
#define KIT_MARKER "Kowalska-pod-opieka" /* in each record's third part: what must not be found in any file */
#define KIT_PARTS  3u
#define KIT_SLOTS  8u

#define KIT_VALUE_MAX 8192u /* bytes of a row that the functions at the end take */

struct kit {
    char root[PATH_MAX / 4];
    char dir[PATH_MAX / 2], key_dir[PATH_MAX / 2], kek[PATH_MAX / 2];
    struct store_options options;
    struct store *st;
};

/* cmocka fixtures: *state is the kit; the store is made and open. */
int kit_setup(void **state);
int kit_teardown(void **state);

/* The pieces, for programs that are not cmocka's. They return 0 or a negative errno. */
int kit_make(struct kit *kit, const char *root);
int kit_create(struct kit *kit);
int kit_open(struct kit *kit);
void kit_remove(const char *root); /* rm -rf */
void kit_reopen(struct kit *kit);  /* asserts */

void kit_id(uint64_t number, uint8_t ret[16]);
void kit_seed(uint64_t number, uint8_t ret[LEAF_SEED_SIZE]);

struct kit_record {
    struct store_record record;
    struct leaf_part parts[KIT_PARTS];
    uint8_t seed[LEAF_SEED_SIZE];
    uint8_t id[16];
    char bodies[KIT_PARTS][96];
};
/* Fills *ret, which points into itself. Time is 1000 + number. */
void kit_record(struct kit_record *ret, uint64_t number, uint32_t entry);
/* Appends record `number`. */
int kit_append(struct kit *kit, uint64_t number, uint32_t entry, uint64_t *ret_seq);
uint64_t kit_add(struct kit *kit, uint64_t number, uint32_t entry); /* the same; asserts; the seq */
uint32_t kit_take(struct kit *kit);                                 /* a key entry; asserts */
/* Is the row record `number`, whole? */
bool kit_row_is(const struct store_row *row, uint64_t number, uint32_t entry);

/* Is what is committed at seq record `number`? Asserts. */
void kit_assert_row(struct kit *kit, uint64_t seq, uint64_t number, uint32_t entry);

/* A test with a store of its own. */
#define KIT_TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

/* A row of the closed log in dir/log, or of the finding index ("seqs"), by another's hand: replaces it (len 0: deletes
 * it); reads it, and returns its length. */
void kit_row_set(const char *dir, const char *db, const void *key, size_t key_len, const void *value, size_t len);
size_t kit_row_get(const char *dir, const char *db, const void *key, size_t key_len, uint8_t ret[KIT_VALUE_MAX]);
/* The first key of the log's database that begins with this byte; its length. */
size_t kit_key_first(const char *dir, const char *db, char first, uint8_t ret[64]);

/* How often the bytes occur in the files below dir. */
size_t kit_grep(const char *dir, const void *bytes, size_t len);

#endif
