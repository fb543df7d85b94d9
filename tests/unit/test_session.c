/* The table of sessions at its bounds (broker/session.h). */
#include "broker/session.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char key[FRONT_KEY_SIZE] = "0123456789012345678901234567890123456789";

static int
session_of(struct sessions *sessions, uint32_t unit, uint32_t number)
{
    struct front_route route = {.len = 8};
    struct session *session;

    memcpy(route.id, &unit, sizeof unit);
    memcpy(route.id + 4, &number, sizeof number);
    return sessions_add(sessions, &route, key, unit, "main", &session);
}

static void
when_all_places_are_taken_each_unit_still_gets_one(void **state)
{
    const uint32_t units = SESSIONS_MAX / SESSIONS_PER_UNIT_MAX;
    struct sessions *sessions = NULL;

    (void)state;
    assert_int_equal(sessions_create(&sessions), 0);
    for (uint32_t unit = 0; unit < units; unit++) {
        for (uint32_t i = 0; i < SESSIONS_PER_UNIT_MAX; i++)
            assert_int_equal(session_of(sessions, unit, i), 0);
        assert_int_equal(session_of(sessions, unit, SESSIONS_PER_UNIT_MAX), -ENOBUFS);
    }
    assert_int_equal(sessions_count(sessions), SESSIONS_MAX);
    for (uint32_t unit = units; unit < units + 100; unit++) {
        assert_int_equal(session_of(sessions, unit, 0), 0); /* nobody is locked out by others */
        assert_int_equal(session_of(sessions, unit, 1), -ENOBUFS);
    }
    assert_int_equal(sessions_count(sessions), SESSIONS_MAX + 100);
    sessions_destroy(&sessions);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(when_all_places_are_taken_each_unit_still_gets_one)};

    return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
