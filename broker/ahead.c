/*
 * ahead - see ahead.h
 *
 * Two batches go round: while one is applied the other is filled. A batch is full by number or by bytes, so that what
 * is ahead stays small enough for the processor's caches and is bounded whatever the records are.
 *
 *     reading: wait until a batch is free --> fill it --> filled++
 *     applying: wait until one is filled --> its records, one by one --> taken++
 */
#include "broker/ahead.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define BATCHES       2u
#define BATCH_RECORDS 128u
#define BATCH_FULL    (256u << 10) /* bytes of bodies: no further record is begun */
#define BATCH_SIZE    (BATCH_FULL + STORE_RECORD_MAX)

struct batch {
    int rc; /* what came after its rows */
    size_t count, used;
    struct store_row rows[BATCH_RECORDS];
    uint8_t bodies[BATCH_SIZE];
};

struct ahead {
    struct store *store;
    struct batch *batches[BATCHES];
    uint64_t head;       /* the last one to be read; set once */
    uint64_t seq;        /* read so far; the thread's */
    struct batch *batch; /* that is being applied; NULL: none yet; the caller's, as what follows */
    size_t at;           /* of its rows */
    uint64_t given;      /* rows in all */
    bool running;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows; a batch belongs to whose turn it is */
    pthread_cond_t turn;
    uint64_t filled, taken; /* batches so far */
    bool stop;
};

/* The row as it is, its bodies moved to where they stay until the batch is filled again. */
static void
batch_add(struct batch *batch, const struct store_row *row)
{
    struct store_row *kept = &batch->rows[batch->count++];

    *kept = *row;
    for (size_t i = 0; i < kept->part_count; i++) {
        struct leaf_part *part = &kept->parts[i];

        assert(part->len <= BATCH_SIZE - batch->used);
        if (part->len > 0)
            memcpy(batch->bodies + batch->used, part->body, part->len);
        part->body = batch->bodies + batch->used;
        batch->used += part->len;
    }
}

static void
batch_fill(struct ahead *a, struct batch *batch)
{
    struct store_slice *slice = NULL;
    struct store_row row;

    batch->count = batch->used = 0;
    batch->rc = store_slice_begin(a->store, &slice);
    while (batch->rc == 0 && a->seq < a->head && batch->count < BATCH_RECORDS && batch->used < BATCH_FULL) {
        batch->rc = store_read(slice, a->seq + 1, &row);
        if (batch->rc == 0) {
            batch_add(batch, &row);
            a->seq++;
        }
    }
    store_slice_end(&slice);
}

/* Waits until a batch is free. NULL: nobody wants one any more. */
static struct batch *
batch_free(struct ahead *a)
{
    struct batch *ret;

    (void)pthread_mutex_lock(&a->lock);
    while (!a->stop && a->filled - a->taken == BATCHES)
        (void)pthread_cond_wait(&a->turn, &a->lock);
    ret = a->stop ? NULL : a->batches[a->filled % BATCHES];
    (void)pthread_mutex_unlock(&a->lock);
    return ret;
}

static void
count_up(struct ahead *a, uint64_t *count)
{
    (void)pthread_mutex_lock(&a->lock);
    (*count)++;
    (void)pthread_cond_signal(&a->turn);
    (void)pthread_mutex_unlock(&a->lock);
}

static void *
ahead_run(void *arg)
{
    struct ahead *a = arg;
    struct batch *batch;
    bool more = true;

    while (more && (batch = batch_free(a)) != NULL) {
        batch_fill(a, batch);
        more = batch->rc == 0 && a->seq < a->head;
        count_up(a, &a->filled);
    }
    return NULL;
}

int
ahead_open(struct ahead **ret, struct store *store)
{
    struct ahead *a = calloc(1, sizeof *a);
    int rc = 0;

    if (a == NULL)
        return -ENOMEM;
    *a = (struct ahead){.store = store, .head = store_head(store)};
    (void)pthread_mutex_init(&a->lock, NULL);
    (void)pthread_cond_init(&a->turn, NULL);
    for (size_t i = 0; i < BATCHES && rc == 0; i++) {
        a->batches[i] = malloc(sizeof *a->batches[i]);
        if (a->batches[i] == NULL)
            rc = -ENOMEM;
    }
    if (rc == 0 && a->head > 0)
        rc = -pthread_create(&a->thread, NULL, ahead_run, a);
    a->running = rc == 0 && a->head > 0;
    if (rc == 0)
        *ret = a;
    else
        ahead_close(&a);
    return rc;
}

/* Waits until a batch is filled. */
static struct batch *
batch_filled(struct ahead *a)
{
    struct batch *ret = a->batches[a->taken % BATCHES]; /* only the caller counts `taken` */

    (void)pthread_mutex_lock(&a->lock);
    while (a->filled == a->taken)
        (void)pthread_cond_wait(&a->turn, &a->lock);
    (void)pthread_mutex_unlock(&a->lock);
    return ret;
}

int
ahead_next(struct ahead *a, const struct store_row **ret)
{
    assert(a->given < a->head);
    if (a->batch == NULL) {
        a->batch = batch_filled(a);
    } else if (a->at == a->batch->count && a->batch->rc == 0) {
        a->at = 0;
        count_up(a, &a->taken);
        a->batch = batch_filled(a);
    }
    if (a->at == a->batch->count)
        return a->batch->rc;
    *ret = &a->batch->rows[a->at++];
    a->given++;
    return 0;
}

void
ahead_close(struct ahead **ahead)
{
    struct ahead *a = *ahead;

    if (a == NULL)
        return;
    if (a->running) {
        (void)pthread_mutex_lock(&a->lock);
        a->stop = true;
        (void)pthread_cond_signal(&a->turn);
        (void)pthread_mutex_unlock(&a->lock);
        (void)pthread_join(a->thread, NULL);
    }
    for (size_t i = 0; i < BATCHES; i++) {
        if (a->batches[i] != NULL)
            sodium_memzero(a->batches[i], sizeof *a->batches[i]); /* what seals held */
        free(a->batches[i]);
    }
    (void)pthread_cond_destroy(&a->turn);
    (void)pthread_mutex_destroy(&a->lock);
    free(a);
    *ahead = NULL;
}
