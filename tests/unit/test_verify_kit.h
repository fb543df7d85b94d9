/*
 * test_verify_kit - a closed, signed log with records that are events, documents, uploads, a cursor and a value; and
 * what verify_copy() says of it
 */
#ifndef TEST_VERIFY_KIT_H
#define TEST_VERIFY_KIT_H

#include "store/doc.h"
#include "store/verify.h"
#include "tests/unit/test_store_kit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define UNIT  "sw"
#define SMALL 500u /* a document of one chunk that the kit can read */
#define LARGE (2u * STORE_DOC_CHUNK + 9u)

struct log {
    struct kit *kit;
    struct note_signer signer;
    uint32_t dossier; /* its key entry */
    uint8_t small[SMALL], *large;
    struct store_doc docs[2]; /* bound: the small one, the large one */
    uint64_t named_by;        /* the record that names both */
    uint64_t number;          /* of the last record */
};

/* A dossier with two documents that one record names, an upload with two chunks of three, one that is whole, a cursor
 * and a value. */
int log_setup(void **state);
int log_teardown(void **state);
#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, log_setup, log_teardown)

/* ---- more of it: opened, and closed when it is signed */

void log_reopen(struct log *l);
void log_finish(struct log *l);
/* Appends the next record, an event with the id that it says; with documents, one section that names them; with a
 * warning, a note of the broker's that has it. Its number. */
uint64_t log_event_warned_add(struct log *l, uint64_t says_id, const struct store_doc *docs, size_t count,
                              const char *warning);
uint64_t log_event_add(struct log *l, uint64_t says_id, const struct store_doc *docs, size_t count);
struct store_doc log_doc_of(const uint8_t *bytes, uint32_t size);
void log_put_next(struct log *l, struct store_doc *doc, const uint8_t *bytes);
void log_upload(struct log *l, struct store_doc *doc, const uint8_t *bytes);

/* ---- what is said of it */

int log_look(const struct log *l, bool keys, struct verify_report *report);
void log_holds(const struct log *l, bool keys, struct verify_report *report);
/* It is found, with keys or without them, and what is said names the place. */
void log_is_found(const struct log *l, bool keys, const char *place);
void log_is_found_both(const struct log *l, const char *place);

#endif
