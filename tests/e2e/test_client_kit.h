/*
 * test_client_kit - clients of libwici at the broker of a group of tests, what they publish and what they are given
 *
 * What does not go as it must fails the test.
 */
#ifndef TEST_CLIENT_KIT_H
#define TEST_CLIENT_KIT_H

#include "tests/e2e/test_cli_kit.h"

#include <stddef.h>
#include <stdint.h>

#define WAIT_MS 20000

int64_t now_ms(void);

/* A client of that unit, which is ready. */
struct wici *client_open(const char *unit, const char *session);

/* The id of a new dossier. */
void dossier_new(char ret[37]);
/* Opens a case in the dossier. */
void case_open(struct wici *w, const char *dossier);
/* A letter in the dossier; the caller frees *ret. */
void info_encode(struct wici *w, const char *dossier, unsigned number, uint8_t **ret, size_t *ret_len);

/* What answers said; on_answer fills it. */
struct answers {
    unsigned count, refused, repeated;
    uint64_t last_seq;
    int out_of_order;
    char code[48], first_id[37];
};

void on_answer(void *arg, const struct wici_answer *answer);

/* What was delivered; on_event fills it, and cancels at the limit. */
struct events {
    unsigned count, repeats, limit;
    uint64_t first_seq, last_seq, position, head;
    char text[100][37];
};

int on_event(void *arg, const struct wici_event *event);

/* Publishes so many letters and waits for all answers; the broker is killed behind number kill_at (-1: never). */
void publish_some(struct wici *w, const char *dossier, unsigned count, struct answers *answers, int kill_at);
/* How many events the dossier has, each once. */
unsigned read_count(struct wici *w, const char *dossier);

#endif
