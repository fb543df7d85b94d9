#include "tests/e2e/test_client_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static unsigned dossiers;

int64_t
now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct wici *
client_open(const char *unit, const char *session)
{
    struct wici_options options = kit_options(&broker, unit);
    struct wici *w = NULL;

    options.session = session;
    assert_int_equal(wici_open(&w, &options), 0);
    assert_int_equal(wici_wait_ready(w, WAIT_MS), 0);
    return w;
}

void
dossier_new(char ret[37])
{
    snprintf(ret, 37, "00000000-0000-4000-8000-%04x%08x", (unsigned)getpid() & 0xffff, ++dossiers);
}

void
case_open(struct wici *w, const char *dossier)
{
    char json[1024], *receipt = NULL;

    snprintf(
        json, sizeof json,
        "{\"header\":{\"type\":\"CASE_OPENED\",\"dossierId\":\"%s\",\"actor\":{\"role\":\"SW\"}},\"sections\":["
        "{\"caseOpenedS0\":{\"openedOn\":\"2026-03-01\",\"proceedingStartedOn\":\"2026-03-01\",\"gmina\":\"3261011\"}},"
        "{\"caseOpenedS1\":{\"household\":[{\"personRef\":\"p-1\"}]}},"
        "{\"caseOpenedS6\":{\"path\":\"ORDINARY\"}}]}",
        dossier);
    if (wici_publish_json(w, json, WAIT_MS, &receipt) != 0)
        fail_msg("case_open: %s %s", wici_error(w) ? wici_error(w)->code : "?",
                 wici_error(w) ? wici_error(w)->path : "");
    assert_non_null(strstr(receipt, "\"seq\""));
    free(receipt);
}

void
info_encode(struct wici *w, const char *dossier, unsigned number, uint8_t **ret, size_t *ret_len)
{
    char json[1024];

    snprintf(json, sizeof json,
             "{\"header\":{\"type\":\"INFO_PROVIDED\",\"dossierId\":\"%s\",\"actor\":{\"role\":\"SW\"}},"
             "\"sections\":[{\"infoProvidedS0\":{\"providedOn\":\"2026-03-01\"}},"
             "{\"infoProvidedS6\":{\"docKind\":\"INFORMATION\",\"text\":\"n %u\"}}]}",
             dossier, number);
    if (wici_encode_json(w, json, ret, ret_len, NULL) != 0)
        fail_msg("info_encode: %s %s", wici_error(w) ? wici_error(w)->code : "?",
                 wici_error(w) ? wici_error(w)->path : "");
}

void
on_answer(void *arg, const struct wici_answer *answer)
{
    struct answers *a = arg;

    if (a->count++ == 0)
        snprintf(a->first_id, sizeof a->first_id, "%s", answer->event_id);
    if (answer->refusal != NULL) {
        a->refused++;
        snprintf(a->code, sizeof a->code, "%s", answer->refusal->code);
        return;
    }
    if (answer->repeated)
        a->repeated++;
    if (answer->seq <= a->last_seq && !answer->repeated)
        a->out_of_order++;
    a->last_seq = answer->seq;
}

int
on_event(void *arg, const struct wici_event *event)
{
    struct events *e = arg;

    if (e->limit != 0 && e->count >= e->limit)
        return -ECANCELED;
    if (event->seq <= e->last_seq)
        e->repeats++;
    if (e->count == 0)
        e->first_seq = event->seq;
    if (e->count < 100)
        snprintf(e->text[e->count], sizeof e->text[0], "%s", event->event_id);
    e->last_seq = event->seq;
    e->count++;
    return 0;
}

void
publish_some(struct wici *w, const char *dossier, unsigned count, struct answers *answers, int kill_at)
{
    int64_t deadline = now_ms() + 3 * WAIT_MS;

    for (unsigned i = 0; i < count; i++) {
        uint8_t *event;
        size_t len;
        int rc;

        info_encode(w, dossier, i, &event, &len);
        while ((rc = wici_publish(w, event, len, on_answer, answers)) == -EAGAIN && now_ms() < deadline)
            assert_int_equal(wici_run(w, 1000), 0);
        assert_int_equal(rc, 0);
        free(event);
        if ((int)i == kill_at) {
            assert_int_equal(wici_run(w, 0), 0);
            kit_restart(&broker);
        }
    }
    while (wici_pending(w) > 0 && now_ms() < deadline)
        assert_int_equal(wici_run(w, 1000), 0);
    assert_int_equal(wici_pending(w), 0);
}

unsigned
read_count(struct wici *w, const char *dossier)
{
    char request[128];
    struct events e = {0};

    snprintf(request, sizeof request, "{\"dossier\":\"%s\"}", dossier);
    assert_int_equal(wici_read(w, request, WAIT_MS, on_event, &e), 0);
    assert_int_equal(e.repeats, 0);
    return e.count;
}
