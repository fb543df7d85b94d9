/* What json.h says; tests/interop/json_roundtrip.py holds the mapping against Python's, message by message. */
#include "proto/event.h"
#include "proto/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define EVENT_DOC   &wici__v1__event_document__descriptor
#define CLIENT      &wici__v1__client_message__descriptor
#define BROKER      &wici__v1__broker_message__descriptor

static int
setup(void **state)
{
    return arena_create((struct arena **)state, 64u << 10);
}

static int
teardown(void **state)
{
    arena_destroy((struct arena **)state);
    return 0;
}

/* Reads JSON text as a message: 0 or what json_to_message returned. */
static int
read_json(struct arena *arena, const char *text, const ProtobufCMessageDescriptor *desc, ProtobufCMessage **ret,
          struct refusal *refusal)
{
    json_error_t error;
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    int rc;

    if (json == NULL)
        fail_msg("not JSON, %s: %s", error.text, text);
    arena_reset(arena);
    *refusal = (struct refusal){.code = E_NONE};
    rc = json_to_message(json, desc, arena, ret, refusal);
    json_decref(json);
    return rc;
}

/* What the message says when it is written again. The caller frees it. */
static char *
reread(struct arena *arena, const char *text, const ProtobufCMessageDescriptor *desc)
{
    ProtobufCMessage *message = NULL;
    struct refusal refusal;
    json_t *json;
    char *out;

    if (read_json(arena, text, desc, &message, &refusal) != 0)
        fail_msg("%s %s: %s", error_name(refusal.code), refusal.path, text);
    json = json_from_message(message);
    assert_non_null(json);
    out = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    assert_non_null(out);
    return out;
}

static void
each_spelling_is_read_and_one_is_written(void **state)
{
    static const struct {
        const ProtobufCMessageDescriptor *desc;
        const char *in, *out;
    } rows[] = {
        {EVENT_DOC, "{}", "{}"},
        {EVENT_DOC, "{\"header\":{}}", "{\"header\":{}}"},
        {EVENT_DOC, "{\"header\":{\"event_id\":\"x\"}}", "{\"header\":{\"eventId\":\"x\"}}"},
        {EVENT_DOC, "{\"header\":{\"eventId\":null,\"actor\":null,\"to\":null}}", "{\"header\":{}}"},
        {EVENT_DOC, "{\"header\":{\"type\":101}}", "{\"header\":{\"type\":\"REFERRAL_SUBMITTED\"}}"},
        {EVENT_DOC, "{\"header\":{\"type\":\"CASE_OPENED\"}}", "{\"header\":{\"type\":\"CASE_OPENED\"}}"},
        {EVENT_DOC, "{\"header\":{\"type\":77}}", "{\"header\":{\"type\":77}}"},
        {EVENT_DOC, "{\"header\":{\"schemaVersion\":\"12\"}}", "{\"header\":{\"schemaVersion\":12}}"},
        {EVENT_DOC, "{\"header\":{\"schemaVersion\":1.2e1}}", "{\"header\":{\"schemaVersion\":12}}"},
        {EVENT_DOC, "{\"header\":{\"schemaVersion\":4294967295}}", "{\"header\":{\"schemaVersion\":4294967295}}"},
        {EVENT_DOC, "{\"header\":{\"schemaVersion\":0,\"lateEntry\":false,\"eventId\":\"\"}}", "{\"header\":{}}"},
        {EVENT_DOC, "{\"sections\":[]}", "{}"},
        {EVENT_DOC, "{\"sections\":[{\"sysEventRejectedS0\":{\"count\":\"18446744073709551615\"}}]}",
         "{\"sections\":[{\"sysEventRejectedS0\":{\"count\":\"18446744073709551615\"}}]}"},
        {EVENT_DOC, "{\"sections\":[{\"sysEventRejectedS0\":{\"count\":5}}]}",
         "{\"sections\":[{\"sysEventRejectedS0\":{\"count\":\"5\"}}]}"},
        {EVENT_DOC, "{\"sections\":[{\"caseOpenedS0\":{}},{\"caseOpenedS6\":null}]}",
         "{\"sections\":[{\"caseOpenedS0\":{}},{}]}"},
        {CLIENT, "{\"subscribe\":{\"live\":false}}", "{\"subscribe\":{\"live\":false}}"},
        {CLIENT, "{\"subscribe\":{\"fromSeq\":0}}", "{\"subscribe\":{\"fromSeq\":\"0\"}}"},
        {CLIENT, "{\"hello\":{\"known\":{\"leafHash\":\"-_-_\"}}}", "{\"hello\":{\"known\":{\"leafHash\":\"+/+/\"}}}"},
        {CLIENT, "{\"hello\":{\"known\":{\"leafHash\":\"AA\"}}}", "{\"hello\":{\"known\":{\"leafHash\":\"AA==\"}}}"},
        {CLIENT, "{\"hello\":{\"known\":{\"leafHash\":\"AAE=\"}}}", "{\"hello\":{\"known\":{\"leafHash\":\"AAE=\"}}}"},
        {BROKER, "{\"welcome\":{\"roles\":[\"SW\",2]}}", "{\"welcome\":{\"roles\":[\"SW\",\"INT\"]}}"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        char *out = reread(*state, rows[i].in, rows[i].desc);

        assert_string_equal(out, rows[i].out);
        free(out);
    }
}

static void
what_does_not_fit_is_refused_with_its_path(void **state)
{
    static const struct {
        const ProtobufCMessageDescriptor *desc;
        const char *in, *path;
    } rows[] = {
        {EVENT_DOC, "[]", ""},
        {EVENT_DOC, "\"header\"", ""},
        {EVENT_DOC, "{\"heder\":{}}", "heder"},
        {EVENT_DOC, "{\"header\":[]}", "header"},
        {EVENT_DOC, "{\"header\":{\"eventid\":\"x\"}}", "header.eventid"},
        {EVENT_DOC, "{\"header\":{\"eventId\":5}}", "header.eventId"},
        {EVENT_DOC, "{\"header\":{\"eventId\":\"x\",\"event_id\":\"y\"}}", "header.event_id"},
        {EVENT_DOC, "{\"header\":{\"eventId\":\"a\\u0000b\"}}", "header.eventId"},
        {EVENT_DOC, "{\"header\":{\"type\":\"CASE_OPEND\"}}", "header.type"},
        {EVENT_DOC, "{\"header\":{\"type\":true}}", "header.type"},
        {EVENT_DOC, "{\"header\":{\"type\":2147483648}}", "header.type"},
        {EVENT_DOC, "{\"header\":{\"lateEntry\":\"true\"}}", "header.lateEntry"},
        {EVENT_DOC, "{\"header\":{\"lateEntry\":1}}", "header.lateEntry"},
        {EVENT_DOC, "{\"header\":{\"schemaVersion\":-1}}", "header.schemaVersion"},
        {EVENT_DOC, "{\"header\":{\"schemaVersion\":\"-1\"}}", "header.schemaVersion"},
        {EVENT_DOC, "{\"header\":{\"schemaVersion\":1.5}}", "header.schemaVersion"},
        {EVENT_DOC, "{\"header\":{\"schemaVersion\":4294967296}}", "header.schemaVersion"},
        {EVENT_DOC, "{\"header\":{\"schemaVersion\":\"4294967296\"}}", "header.schemaVersion"},
        {EVENT_DOC, "{\"header\":{\"schemaVersion\":\"\"}}", "header.schemaVersion"},
        {EVENT_DOC, "{\"header\":{\"schemaVersion\":\"-\"}}", "header.schemaVersion"},
        {EVENT_DOC, "{\"header\":{\"schemaVersion\":\"1 \"}}", "header.schemaVersion"},
        {EVENT_DOC, "{\"header\":{\"schemaVersion\":\"0x1\"}}", "header.schemaVersion"},
        {EVENT_DOC, "{\"header\":{\"to\":{}}}", "header.to"},
        {EVENT_DOC, "{\"header\":{\"to\":[{},null]}}", "header.to[1]"},
        {EVENT_DOC, "{\"header\":{\"to\":[{},{\"unit\":[]}]}}", "header.to[1].unit"},
        {EVENT_DOC, "{\"sections\":[{\"sysEventRejectedS0\":{\"count\":\"18446744073709551616\"}}]}",
         "sections[0].sysEventRejectedS0.count"},
        {EVENT_DOC, "{\"sections\":[{\"caseOpenedS0\":{},\"caseOpenedS6\":{}}]}", "sections[0].caseOpenedS6"},
        {CLIENT, "{\"hello\":{\"known\":{\"leafHash\":\"A\"}}}", "hello.known.leafHash"},
        {CLIENT, "{\"hello\":{\"known\":{\"leafHash\":\"A*==\"}}}", "hello.known.leafHash"},
        {CLIENT, "{\"hello\":{\"known\":{\"leafHash\":\"AA=A\"}}}", "hello.known.leafHash"},
        {CLIENT, "{\"hello\":{\"known\":{\"leafHash\":7}}}", "hello.known.leafHash"},
    };
    ProtobufCMessage *message = NULL;
    struct refusal refusal;

    for (size_t i = 0; i < COUNT(rows); i++) {
        if (read_json(*state, rows[i].in, rows[i].desc, &message, &refusal) != -EBADMSG)
            fail_msg("not refused: %s", rows[i].in);
        assert_int_equal(refusal.code, E_JSON);
        assert_string_equal(refusal.path, rows[i].path);
        assert_null(message);
    }
}

static void
an_arena_that_is_used_up_is_no_fault_of_the_json(void **state)
{
    static char text[100 << 10];
    ProtobufCMessage *message = NULL;
    struct refusal refusal;
    size_t len;

    strcpy(text, "{\"header\":{\"eventId\":\"");
    len = strlen(text);
    memset(text + len, 'a', sizeof text - len - 4);
    strcpy(text + sizeof text - 4, "\"}}");
    assert_int_equal(read_json(*state, text, EVENT_DOC, &message, &refusal), -ENOMEM);
    strcpy(text, "{\"sections\":[");
    len = strlen(text);
    for (; len < sizeof text - 8; len += 3)
        memcpy(text + len, "{},", 3);
    strcpy(text + len, "{}]}");
    assert_int_equal(read_json(*state, text, EVENT_DOC, &message, &refusal), -ENOMEM);
}

static void
a_path_is_cut_at_a_whole_character(void **state)
{
    char text[512] = "{\"header\":{\"";
    ProtobufCMessage *message = NULL;
    struct refusal refusal;
    json_t *path;

    for (unsigned i = 0; i < 100; i++)
        strcat(text, i == 0 ? "x" : "ł"); /* an odd number of bytes, then pairs */
    strcat(text, "\":1}}");
    assert_int_equal(read_json(*state, text, EVENT_DOC, &message, &refusal), -EBADMSG);
    path = json_string(refusal.path); /* Jansson takes whole characters only */
    assert_non_null(path);
    json_decref(path);
    assert_memory_equal(refusal.path, "header.x", 8);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_spelling_is_read_and_one_is_written, setup, teardown),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused_with_its_path, setup, teardown),
        cmocka_unit_test_setup_teardown(an_arena_that_is_used_up_is_no_fault_of_the_json, setup, teardown),
        cmocka_unit_test_setup_teardown(a_path_is_cut_at_a_whole_character, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
