/*
 * inbox_place - see inbox_place.h
 */
#include "agents/inbox_place.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define PLACE_FORM "%08" PRIx32 " %020" PRIu64 " %020" PRIu64
#define PLACE_LEN  50u              /* bytes of that */
#define FILE_LEN   (PLACE_LEN + 10) /* ... and " ", the sum, and the line's end */

static const char letters[] = "bcdfghjklmnpqrst"; /* no vowels, so no words; no digits, so no number of a person */

/* FNV-1a: tells a torn write from a whole one; no defence against anybody. */
static uint32_t
sum_of(const char *text, size_t len)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    return hash;
}

/* ---- the mark */

/* Known once and for all: it depends on what is in the folder now. */
static int
mark_make(struct place *place, bool common)
{
    uint8_t random[PLACE_MARK_LEN];
    json_t *json;
    char *text;
    int rc;

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return -errno;
    for (size_t i = 0; i < PLACE_MARK_LEN; i++)
        place->mark[i] = letters[random[i] % 16];
    place->mark[PLACE_MARK_LEN] = '\0';
    place->common = common;
    json = json_pack("{s:s, s:b}", "mark", place->mark, "common", (int)common);
    text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    rc = text == NULL ? -ENOMEM : agent_write(place->dirs->state, "mark", text, strlen(text));
    free(text);
    json_decref(json);
    return rc;
}

static int
mark_read(struct place *place)
{
    json_t *json = agent_read_json(place->dirs->state, "mark", 256);
    const char *mark = json_string_value(json_object_get(json, "mark"));
    int rc = 0;

    if (mark == NULL || strlen(mark) != PLACE_MARK_LEN || strspn(mark, letters) != PLACE_MARK_LEN) {
        rc = -EBADMSG;
    } else {
        memcpy(place->mark, mark, PLACE_MARK_LEN + 1);
        place->common = json_is_true(json_object_get(json, "common"));
    }
    json_decref(json);
    return rc;
}

/* ---- the place */

static void
place_read(struct place *place)
{
    char text[FILE_LEN + 1] = "";
    uint32_t sum;

    if (pread(place->fd, text, FILE_LEN, 0) != (ssize_t)FILE_LEN || sscanf(text + PLACE_LEN, " %8" SCNx32, &sum) != 1 ||
        sum != sum_of(text, PLACE_LEN) ||
        sscanf(text, "%8" SCNx32 " %20" SCNu64 " %20" SCNu64, &place->filter, &place->epoch, &place->seq) != 3)
        place->epoch = 0;
}

int
place_open(struct place *ret, const struct agent_dirs *dirs)
{
    struct place place = {.dirs = dirs, .fd = -1};
    int rc;

    assert(ret != NULL && dirs != NULL);

    /* state/origin is written when the broker is first heard. */
    rc = agent_exists(dirs->state, "mark") ? mark_read(&place) : mark_make(&place, agent_exists(dirs->state, "origin"));
    if (rc != 0)
        return rc;
    place.fd = openat(dirs->state, "place", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (place.fd < 0)
        return -errno;
    place_read(&place);
    *ret = place;
    return 0;
}

void
place_close(struct place *place)
{
    if (place->fd >= 0)
        close(place->fd);
    *place = PLACE_CLOSED;
}

bool
place_is_known(const struct place *place, uint32_t filter, uint64_t epoch)
{
    return place->epoch != 0 && place->epoch == epoch && place->filter == filter;
}

int
place_note(struct place *place, uint32_t filter, uint64_t epoch, uint64_t seq)
{
    char text[FILE_LEN + 1];
    ssize_t done;

    if (epoch == 0 || (place_is_known(place, filter, epoch) && place->seq == seq))
        return 0;
    (void)snprintf(text, sizeof text, PLACE_FORM, filter, epoch, seq);
    (void)snprintf(text + PLACE_LEN, sizeof text - PLACE_LEN, " %08" PRIx32 "\n", sum_of(text, PLACE_LEN));
    do
        done = pwrite(place->fd, text, FILE_LEN, 0);
    while (done < 0 && errno == EINTR);
    if (agent_step != NULL)
        agent_step();
    if (done != (ssize_t)FILE_LEN)
        return done < 0 ? -errno : -ENOSPC;
    place->filter = filter;
    place->epoch = epoch;
    place->seq = seq;
    return 0;
}

int
place_renew(struct place *place)
{
    return mark_make(place, place->common);
}
