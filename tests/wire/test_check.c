/* The self-test of the door: front_check must see a door that lets strangers in, and must not be fooled. */
#include "broker/front.h"
#include "broker/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SLOW_MS 400 /* longer than the router's patience with a handshake */

struct door {
    void *zmq, *router, *handler;
    pthread_t thread;
    bool handled;
    const char *answer; /* of the handler: "400" keeps out, "200" lets in */
    bool slow_first;    /* the first question is answered too late */
    char public_key[FRONT_KEY_SIZE], secret_key[FRONT_KEY_SIZE];
};

/* Answers every question as it is told to, until its context ends. */
static void *
handle(void *arg)
{
    struct door *door = arg;
    bool slow = door->slow_first;

    for (;;) {
        char frame[256], id[256];
        int len, id_len = 0, more = 1;
        size_t size = sizeof more;

        for (unsigned i = 0; more != 0; i++) {
            len = zmq_recv(door->handler, frame, sizeof frame, 0);
            if (len < 0)
                goto out;
            if (i == 1) {
                memcpy(id, frame, (size_t)len);
                id_len = len;
            }
            if (zmq_getsockopt(door->handler, ZMQ_RCVMORE, &more, &size) != 0)
                goto out;
        }
        if (slow)
            (void)poll(NULL, 0, SLOW_MS);
        slow = false;
        if (zmq_send(door->handler, "1.0", 3, ZMQ_SNDMORE) < 0 ||
            zmq_send(door->handler, id, (size_t)id_len, ZMQ_SNDMORE) < 0 ||
            zmq_send(door->handler, door->answer, 3, ZMQ_SNDMORE) < 0 ||
            zmq_send(door->handler, "", 0, ZMQ_SNDMORE) < 0 || zmq_send(door->handler, "", 0, ZMQ_SNDMORE) < 0 ||
            zmq_send(door->handler, "", 0, 0) < 0)
            break;
    }
out:
    (void)zmq_close(door->handler);
    return NULL;
}

static void
door_open(struct door *door, bool curve, const char *answer, bool slow_first)
{
    int one = 1, zero = 0, patience = SLOW_MS / 2;

    log_init((enum log_level)0); /* what the self-test complains of is what it is given */
    *door = (struct door){.answer = answer, .slow_first = slow_first};
    door->zmq = zmq_ctx_new();
    assert_non_null(door->zmq);
    if (answer != NULL) {
        door->handler = zmq_socket(door->zmq, ZMQ_REP);
        assert_int_equal(zmq_setsockopt(door->handler, ZMQ_LINGER, &zero, sizeof zero), 0);
        assert_int_equal(zmq_bind(door->handler, "inproc://zeromq.zap.01"), 0);
        assert_int_equal(pthread_create(&door->thread, NULL, handle, door), 0);
        door->handled = true;
    }
    door->router = zmq_socket(door->zmq, ZMQ_ROUTER);
    assert_int_equal(zmq_setsockopt(door->router, ZMQ_LINGER, &zero, sizeof zero), 0);
    assert_int_equal(zmq_setsockopt(door->router, ZMQ_HANDSHAKE_IVL, &patience, sizeof patience), 0);
    assert_int_equal(zmq_curve_keypair(door->public_key, door->secret_key), 0);
    if (!curve)
        return;
    assert_int_equal(zmq_setsockopt(door->router, ZMQ_CURVE_SERVER, &one, sizeof one), 0);
    assert_int_equal(zmq_setsockopt(door->router, ZMQ_CURVE_SECRETKEY, door->secret_key, 40), 0);
    assert_int_equal(zmq_setsockopt(door->router, ZMQ_ZAP_DOMAIN, "wici", 4), 0);
}

static void
door_close(struct door *door)
{
    (void)zmq_close(door->router);
    (void)zmq_ctx_shutdown(door->zmq);
    if (door->handled)
        (void)pthread_join(door->thread, NULL);
    (void)zmq_ctx_term(door->zmq);
}

static int
check(bool curve, const char *answer, bool slow_first)
{
    struct door door;
    int rc;

    door_open(&door, curve, answer, slow_first);
    rc = front_check(door.zmq, door.router, door.public_key);
    door_close(&door);
    return rc;
}

static void
a_door_that_keeps_strangers_out_passes(void **state)
{
    (void)state;
    assert_int_equal(check(true, "400", false), 0);
}

static void
a_door_without_a_handler_is_found_out(void **state)
{
    (void)state;
    assert_int_equal(check(true, NULL, false), -EACCES);
}

static void
a_door_without_curve_is_found_out(void **state)
{
    (void)state;
    assert_int_equal(check(false, NULL, false), -EACCES);
}

static void
a_handshake_that_took_too_long_proves_nothing(void **state)
{
    (void)state;
    assert_int_equal(check(true, "200", true), -EACCES); /* it lets everybody in, but was slow once */
    assert_int_equal(check(true, "400", true), 0);       /* a busy machine is no reason not to start */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_door_that_keeps_strangers_out_passes),
        cmocka_unit_test(a_door_without_a_handler_is_found_out),
        cmocka_unit_test(a_door_without_curve_is_found_out),
        cmocka_unit_test(a_handshake_that_took_too_long_proves_nothing),
    };

    return cmocka_run_group_tests_name("wire: the self-test of the door", tests, NULL, NULL);
}
