/*
 * agent_link - what outbox and inbox need of a broker
 *
 * A table of functions, so that the file handling can be tested against a broker made of one file. The real one is
 * libwici (agent_wici.c).
 *
 * Errors: 0 or -errno. Threads: one at a time.
 */
#ifndef WICI_AGENT_LINK_H
#define WICI_AGENT_LINK_H

#include "agents/wici.h"

#include <stdbool.h>

/* A refusal with what is wrong, kept by value. */
struct agent_refusal {
    char code[48];
    char path[256];
    char pl[512], en[512];
};

struct agent_link {
    void *arg;
    /* wici_encode_json: -EPROTO and *why when the event does not fit. */
    int (*encode)(void *arg, const char *json, uint8_t **ret, size_t *ret_len, struct agent_refusal *why);
    /* wici_publish: -EAGAIN when the window is full. */
    int (*publish)(void *arg, const uint8_t *event, size_t len, wici_answer_fn *fn, void *fn_arg);
    /* wici_ack of the one subscription. */
    int (*ack)(void *arg, uint64_t seq);
    /* wici_read: request without "request". */
    int (*read)(void *arg, const char *request, wici_event_fn *fn, void *fn_arg);
    /* wici_query; -ENOTCONN also where the connection was a new one when the answer came. */
    int (*query)(void *arg, const char *request, char **ret);
    /* wici_document_put, and wici_document_get. -EPROTO and *why: refused. */
    int (*put)(void *arg, const uint8_t *bytes, size_t len, struct agent_refusal *why);
    int (*get)(void *arg, uint64_t seq, const char *sha256, uint8_t **ret, size_t *ret_len, struct agent_refusal *why);
    /* wici_forget. */
    int (*forget)(void *arg, uint64_t from_seq, uint64_t to_seq);
    /* Did the broker just say that it does not know what we asked about, and had all our events their answer when it
     * was asked? Only then it is so: one that was restored from an older copy does not know those yet that are sent to
     * it again, whose answers may come close behind this one. */
    bool (*unknown)(void *arg);
    /* wici_time_ms. */
    uint64_t (*time_ms)(void *arg);
    /* wici_event_json. */
    int (*event_json)(const struct wici_event *event, char **ret);
};

/* Which unit this agent speaks for; empty until the broker has said it once. */
struct agent_who {
    char agency[80], unit[80];
    uint64_t epoch; /* of the log that answers; 0: not known yet */
};

#endif
