/*
 * inside - see inside.h
 */
#include "tests/wire/inside.h"

#include "broker/broker.h"
#include "broker/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define END_SECONDS 30

static _Atomic int64_t wall_offset_ms, boot_offset_ms;
static _Atomic int64_t end_after_ms;                     /* what goes by after the next look */
static _Atomic int end_fd = -1;                          /* -1: nobody ends it then */
static pthread_mutex_t tick = PTHREAD_MUTEX_INITIALIZER; /* the broker looks at its clock before it takes messages */

struct inside {
    struct town town;
    struct config config;
    struct broker *broker;
    pthread_t thread;
    int end, rc;
    bool running;
    void (*look)(struct broker *);
};

static uint64_t
now_ms(clockid_t id)
{
    struct timespec ts = {0};

    (void)clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void
inside_hold(void)
{
    assert_int_equal(pthread_mutex_lock(&tick), 0);
}

void
inside_go(void)
{
    assert_int_equal(pthread_mutex_unlock(&tick), 0);
}

static void
end_tell(int fd)
{
    uint64_t one = 1;

    assert_int_equal(write(fd, &one, sizeof one), sizeof one);
}

static void
clock_held(uint64_t *ret_wall_ms, uint64_t *ret_boot_ms)
{
    int fd;

    (void)pthread_mutex_lock(&tick);
    (void)pthread_mutex_unlock(&tick);
    *ret_wall_ms = inside_now_ms();
    *ret_boot_ms = (uint64_t)((int64_t)now_ms(CLOCK_BOOTTIME) + atomic_load(&boot_offset_ms));
    fd = atomic_exchange(&end_fd, -1);
    if (fd >= 0) {
        inside_pass(atomic_load(&end_after_ms));
        end_tell(fd);
    }
}

void
inside_end_after_look(struct inside *inside, int64_t ms)
{
    assert_true(inside->running);
    atomic_store(&end_after_ms, ms);
    atomic_store(&end_fd, inside->end);
}

uint64_t
inside_now_ms(void)
{
    return (uint64_t)((int64_t)now_ms(CLOCK_REALTIME) + atomic_load(&wall_offset_ms));
}

void
inside_wall(int64_t ms)
{
    atomic_fetch_add(&wall_offset_ms, ms);
}

void
inside_boot(int64_t ms)
{
    atomic_fetch_add(&boot_offset_ms, ms);
}

void
inside_pass(int64_t ms)
{
    /* In steps that are no jump even if the broker looks between the two. */
    for (; ms > 0; ms -= 30000) {
        inside_wall(ms < 30000 ? ms : 30000);
        inside_boot(ms < 30000 ? ms : 30000);
    }
}

static void *
inside_run(void *arg)
{
    struct inside *inside = arg;

    inside->rc = broker_run(inside->broker, inside->end);
    return NULL;
}

int
inside_start(struct inside *inside, bool accept_clock)
{
    int rc;

    assert_false(inside->running);
    clock_now = clock_held;
    rc = broker_open(&inside->broker, &inside->config, accept_clock);
    if (rc != 0)
        return rc;
    inside->end = eventfd(0, EFD_CLOEXEC);
    assert_true(inside->end >= 0);
    (void)snprintf(inside->town.daemon.endpoint, sizeof inside->town.daemon.endpoint, "%s",
                   front_endpoint(inside->broker->front));
    assert_int_equal(pthread_create(&inside->thread, NULL, inside_run, inside), 0);
    inside->running = true;
    return 0;
}

int
inside_wait(struct inside *inside)
{
    struct timespec until = {0};
    int rc;

    assert_true(inside->running);
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &until), 0);
    until.tv_sec += END_SECONDS;
    if (pthread_timedjoin_np(inside->thread, NULL, &until) != 0)
        fail_msg("the broker does not end");
    inside->running = false;
    rc = inside->rc;
    if (inside->look != NULL)
        inside->look(inside->broker);
    inside->look = NULL;
    broker_close(&inside->broker);
    (void)close(inside->end);
    return rc;
}

void
inside_at_end(struct inside *inside, void (*look)(struct broker *))
{
    inside->look = look;
}

int
inside_stop(struct inside *inside)
{
    assert_true(inside->running);
    end_tell(inside->end);
    return inside_wait(inside);
}

void
inside_create(struct inside **ret, const char *more)
{
    struct inside *inside = calloc(1, sizeof *inside);
    char error[OPTIONS_ERROR_MAX];

    assert_non_null(inside);
    log_init(LOG_ERROR);
    daemon_create(&inside->town.daemon, more);
    assert_int_equal(config_init(&inside->config), 0);
    assert_int_equal(config_read(&inside->config, inside->town.daemon.config, error), 0);
    assert_int_equal(inside_start(inside, false), 0);
    town_fill(&inside->town);
    *ret = inside;
}

void
inside_destroy(struct inside **inside)
{
    if ((*inside)->running)
        (void)inside_stop(*inside);
    config_free(&(*inside)->config);
    daemon_destroy(&(*inside)->town.daemon);
    free(*inside);
    *inside = NULL;
}

int
inside_setup(void **state)
{
    inside_create((struct inside **)state, NULL);
    return 0;
}

int
inside_teardown(void **state)
{
    inside_destroy((struct inside **)state);
    return 0;
}

struct town *
inside_town(struct inside *inside)
{
    return &inside->town;
}
