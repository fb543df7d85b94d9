/* bench_result - what came out of `wici bench`, see bench.h */
#include "agents/cli/bench.h"
#include "agents/words.h"

#include <stdio.h>

/* Percentiles of all workers' times; {} when there are none. */
static json_t *
latency_json(const struct bench *b, bool deliver)
{
    struct times all = {.us = NULL};
    json_t *json = NULL;

    for (unsigned i = 0; i < BENCH_THREADS_MAX; i++)
        if (times_join(&all, deliver ? &b->workers[i].deliveries : &b->workers[i].answers) != 0)
            goto out;
    times_sort(&all);
    if (all.count == 0)
        json = json_object();
    else
        json = json_pack("{s:I,s:I,s:I,s:I}", "count", (json_int_t)all.count, "p50Us",
                         (json_int_t)times_percentile(&all, 50), "p99Us", (json_int_t)times_percentile(&all, 99),
                         "maxUs", (json_int_t)times_percentile(&all, 100));
out:
    times_free(&all);
    return json;
}

static json_t *
result_json(const struct bench *b)
{
    uint64_t answered = 0, refused = 0, replayed = 0, done;
    double seconds = 0, replay_rate = 0;
    json_t *json;

    for (unsigned i = 0; i < BENCH_THREADS_MAX; i++) {
        const struct worker *w = &b->workers[i];

        if (i < b->publishers) {
            answered += w->answers.count;
            refused += w->refused;
            seconds = w->seconds > seconds ? w->seconds : seconds;
        } else if (i >= b->publishers + b->subscribers && w->seconds > 0) {
            replayed += w->seen;
            replay_rate += (double)w->seen / w->seconds;
        }
    }
    json = json_pack("{s:i,s:i,s:i,s:i,s:i,s:i,s:I,s:I,s:I,s:f,s:f,s:o,s:o,s:I,s:f}", "publishers", (int)b->publishers,
                     "subscribers", (int)b->subscribers, "replays", (int)b->replays, "window", (int)b->window, "batch",
                     (int)b->batch, "dossiers", (int)b->dossiers, "eventBytes",
                     (json_int_t)(b->workers[0].events == NULL ? 0 : b->workers[0].events[0].len), "published",
                     (json_int_t)answered, "refused", (json_int_t)refused, "seconds", seconds, "publishedPerSecond",
                     seconds > 0 ? (double)answered / seconds : 0.0, "publishToAnswer", latency_json(b, false),
                     "publishToDeliver", latency_json(b, true), "replayed", (json_int_t)replayed, "replayedPerSecond",
                     replay_rate);
    if (answered > 0)
        json_object_set_new(json, "storeBytesPerEvent",
                            json_real((double)(b->after.store_bytes - b->before.store_bytes) / (double)answered));
    done = answered > 0 ? answered : replayed;
    if (b->broker_pid != 0 && done > 0)
        json_object_set_new(json, "brokerCpuUsPerEvent",
                            json_real((double)(b->after.cpu_us - b->before.cpu_us) / (double)done));
    return json;
}

static void
latency_print(const struct cli *cli, const char *title, const json_t *latency)
{
    char p50[WORDS_TEXT_SIZE], p99[WORDS_TEXT_SIZE], max[WORDS_TEXT_SIZE];

    if (json_object_size(latency) == 0)
        return;
    words_micros(member_number(latency, "p50Us"), cli->pl, p50);
    words_micros(member_number(latency, "p99Us"), cli->pl, p99);
    words_micros(member_number(latency, "maxUs"), cli->pl, max);
    printf(_("%s: half within %s, 99 %% within %s, at most %s (of %llu)\n"), title, p50, p99, max,
           (unsigned long long)member_number(latency, "count"));
}

static double
real(const json_t *json, const char *key)
{
    return json_real_value(json_object_get(json, key));
}

static void
text_print(const struct bench *b, const json_t *json)
{
    if (b->publishers > 0) {
        printf(_("published events: %llu of %llu bytes in %.0f s, %.0f/s (refused: %llu)\n"),
               (unsigned long long)member_number(json, "published"),
               (unsigned long long)member_number(json, "eventBytes"), real(json, "seconds"),
               real(json, "publishedPerSecond"), (unsigned long long)member_number(json, "refused"));
        latency_print(b->cli, _("publish -> answer"), json_object_get(json, "publishToAnswer"));
        latency_print(b->cli, _("publish -> deliver"), json_object_get(json, "publishToDeliver"));
        printf(_("the log grew by %.0f bytes an event\n"), real(json, "storeBytesPerEvent"));
    }
    if (b->replays > 0)
        printf(_("replayed events: %llu, %.0f/s\n"), (unsigned long long)member_number(json, "replayed"),
               real(json, "replayedPerSecond"));
    if (b->broker_pid != 0)
        printf(_("processor time of the broker: %.1f µs an event\n"), real(json, "brokerCpuUsPerEvent"));
}

int
bench_result_print(struct bench *b)
{
    json_t *json = result_json(b);
    int rc = member_number(json, "refused") > 0 ? CLI_FAILED : CLI_OK;

    for (unsigned i = 0; i < BENCH_THREADS_MAX; i++)
        if (b->workers[i].rc != 0)
            rc = CLI_FAILED;
    for (unsigned i = 0; i < BENCH_THREADS_MAX; i++) {
        if (b->workers[i].error[0] != '\0') {
            cli_warn("%s", b->workers[i].error);
            break;
        }
    }
    if (b->cli->json) {
        (void)cli_print_json(json);
        return rc;
    }
    text_print(b, json);
    json_decref(json);
    return rc;
}
