/* decode.h: what is taken, what is refused; and against protobuf-c, as the second implementation. */
#include "proto/decode.h"

#include "proto/limits.h"
#include "wici/v1/event.pb-c.h"
#include "wici/v1/wire.pb-c.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int
arena_setup(void **state)
{
    return arena_create((struct arena **)state, DECODE_ARENA_SIZE);
}

static int
arena_teardown(void **state)
{
    arena_destroy((struct arena **)state);
    return 0;
}

static int
decode(struct arena *arena, const ProtobufCMessageDescriptor *desc, const void *data, size_t len, void *ret)
{
    ProtobufCMessage *message = NULL;
    int rc;

    arena_reset(arena);
    rc = decode_message(desc, data, len, true, arena, &message);
    if (ret != NULL)
        memcpy(ret, &message, sizeof message);
    return rc;
}

#define BYTES(text) text, sizeof text - 1

/* ---- named cases */

static void
test_a_message_is_read_field_by_field(void **state)
{
    Wici__V1__Hello *hello;

    assert_int_equal(decode(*state, &wici__v1__hello__descriptor,
                            BYTES("\x08\x01\x12\x04main\x22\x08\x08\x96\x01\x10\x02\x1a\x01\xff"), &hello),
                     0);
    assert_int_equal(hello->protocol, 1);
    assert_string_equal(hello->session, "main");
    assert_string_equal(hello->software, ""); /* absent: empty, never NULL */
    assert_int_equal(hello->known->epoch, 150);
    assert_int_equal(hello->known->seq, 2);
    assert_int_equal(hello->known->leaf_hash.len, 1);
    assert_int_equal(hello->known->leaf_hash.data[0], 0xff);
}

static void
test_bytes_are_not_copied(void **state)
{
    static const uint8_t data[] = {0x0a, 0x02, 'a', 'b', 0x12, 0x01, 'c', 0x12, 0x00};
    Wici__V1__Event *event;

    assert_int_equal(decode(*state, &wici__v1__event__descriptor, data, sizeof data, &event), 0);
    assert_ptr_equal(event->header.data, data + 2);
    assert_int_equal(event->n_sections, 2);
    assert_ptr_equal(event->sections[0].data, data + 6);
    assert_int_equal(event->sections[1].len, 0);
}

static void
test_no_bytes_are_an_empty_message(void **state)
{
    Wici__V1__Hello *hello;

    assert_int_equal(decode(*state, &wici__v1__hello__descriptor, NULL, 0, &hello), 0);
    assert_int_equal(hello->protocol, 0);
    assert_null(hello->known);
}

static void
test_what_an_encoding_hides_is_refused(void **state)
{
    static const struct {
        const char *what, *data;
        size_t len;
    } cases[] = {
        {"a NUL inside a string", BYTES("\x12\x03m\0n")},
        {"a NUL at the end of a string", BYTES("\x12\x02m\0")},
        {"a second value", BYTES("\x08\x01\x08\x01")},
        {"a second value, of a message", BYTES("\x22\x00\x22\x00")},
        {"a second value inside a message", BYTES("\x22\x04\x08\x01\x08\x02")},
        {"text that is not UTF-8", BYTES("\x12\x02\xc3\x28")},
        {"field number 0", BYTES("\x00\x01")},
        {"a field number above protobuf's", BYTES("\x80\x80\x80\x80\x10\x01")},
        {"a tag cut off", BYTES("\x08\x01\x80")},
        {"a number cut off", BYTES("\x08\x80")},
        {"a number of eleven bytes", BYTES("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01")},
        {"a length beyond the end", BYTES("\x12\x05main")},
        {"a length of six bytes", BYTES("\x12\x80\x80\x80\x80\x80\x00")},
        {"a length near 2^64", BYTES("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")},
        {"a group", BYTES("\x2b\x2c")},
        {"the end of a group", BYTES("\x2c")},
        {"wire type 6", BYTES("\x2e\x01")},
        {"a number where a string belongs", BYTES("\x10\x01")},
        {"a string where a number belongs", BYTES("\x0a\x01x")},
        {"four bytes where a number belongs", BYTES("\x0d\x01\x02\x03\x04")},
        {"eight bytes cut off", BYTES("\x29\x01\x02\x03")},
        {"a message that does not decode", BYTES("\x22\x01\x08")},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int rc = decode(*state, &wici__v1__hello__descriptor, cases[i].data, cases[i].len, NULL);

        if (rc != -EBADMSG)
            fail_msg("%s: %d", cases[i].what, rc);
    }
}

static void
test_one_choice_of_several_may_be_made(void **state)
{
    Wici__V1__ClientMessage *message;

    assert_int_equal(decode(*state, &wici__v1__client_message__descriptor, BYTES("\x22\x02\x08\x07"), &message), 0);
    assert_int_equal(message->message_case, WICI__V1__CLIENT_MESSAGE__MESSAGE_ACK);
    assert_int_equal(message->ack->subscription, 7);
    assert_int_equal(
        decode(*state, &wici__v1__client_message__descriptor, BYTES("\x22\x02\x08\x07\x2a\x02\x08\x07"), NULL),
        -EBADMSG);
    assert_int_equal(
        decode(*state, &wici__v1__client_message__descriptor, BYTES("\x22\x02\x08\x07\x22\x02\x08\x07"), NULL),
        -EBADMSG);
}

static void
test_unknown_fields_are_passed_over(void **state)
{
    Wici__V1__Hello *hello;

    assert_int_equal(decode(*state, &wici__v1__hello__descriptor,
                            BYTES("\x78\x96\x01\x7a\x02\x00\xff\x7d\x01\x02\x03\x04\x79"
                                  "12345678\x78\x01\x08\x01\xfa\xff\xff\xff\x0f\x00"),
                            &hello),
                     0);
    assert_int_equal(hello->protocol, 1);
    assert_int_equal(hello->base.n_unknown_fields, 0);
}

static void
test_lists_of_numbers_are_read_in_both_spellings(void **state)
{
    Wici__V1__Welcome *welcome;

    assert_int_equal(
        decode(*state, &wici__v1__welcome__descriptor, BYTES("\x28\x01\x2a\x03\x02\x80\x01\x28\x03\x2a\x00"), &welcome),
        0);
    assert_int_equal(welcome->n_roles, 4);
    assert_int_equal(welcome->roles[0], 1);
    assert_int_equal(welcome->roles[1], 2);
    assert_int_equal(welcome->roles[2], 128);
    assert_int_equal(welcome->roles[3], 3);
    assert_int_equal(decode(*state, &wici__v1__welcome__descriptor, BYTES("\x2a\x02\x02\x80"), NULL), -EBADMSG);
}

/* A list grows by doubling: every length around the places where it does. */
static void
test_lists_of_any_length(void **state)
{
    static uint8_t data[2 * 4100];

    for (size_t i = 0; i < 4100; i++) {
        data[2 * i] = 0x0a; /* dossiers */
        data[2 * i + 1] = 0;
    }
    for (size_t count = 0; count < 4100; count += count < 70 ? 1 : 403) {
        Wici__V1__Filter *filter;

        assert_int_equal(decode(*state, &wici__v1__filter__descriptor, data, 2 * count, &filter), 0);
        assert_int_equal(filter->n_dossiers, count);
        for (size_t i = 0; i < count; i++)
            assert_string_equal(filter->dossiers[i], "");
    }
}

static void
test_an_arena_that_is_too_small_is_told_apart(void **state)
{
    struct arena *small;
    static uint8_t data[4096];

    (void)state;
    memset(data, 'x', sizeof data);
    memcpy(data, "\x12\xfd\x1f", 3); /* a string of 4,093 bytes */
    assert_int_equal(arena_create(&small, 2048), 0);
    assert_int_equal(decode(small, &wici__v1__hello__descriptor, data, sizeof data, NULL), -ENOMEM);
    assert_int_equal(decode(small, &wici__v1__hello__descriptor, data, sizeof data - 1, NULL), -EBADMSG);
    for (size_t i = 0; i < sizeof data; i += 2)
        memcpy(data + i, "\x0a", 2);
    assert_int_equal(decode(small, &wici__v1__filter__descriptor, data, sizeof data, NULL), -ENOMEM);
    arena_destroy(&small);
}

/* ---- against protobuf-c */

static uint64_t random_state = 20260301;

static uint32_t
random_below(uint32_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % bound;
}

/* Takes out what protobuf-c keeps of unknown fields, all the way down. */
static void
unknown_drop(ProtobufCMessage *message)
{
    message->n_unknown_fields = 0;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        uint8_t *at = (uint8_t *)message + field->offset;
        size_t count = 1;
        ProtobufCMessage **list = (void *)at;

        if (field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
            *(uint32_t *)((uint8_t *)message + field->quantifier_offset) != field->id)
            continue;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            memcpy(&count, (uint8_t *)message + field->quantifier_offset, sizeof count);
            memcpy(&list, at, sizeof list);
        }
        for (size_t k = 0; k < count; k++)
            if (list[k] != NULL)
                unknown_drop(list[k]);
    }
}

/* What decode takes, protobuf-c takes, and both read the same. Returns whether it was taken. */
static bool
same_as_protobuf_c(struct arena *arena, const ProtobufCMessageDescriptor *desc, const uint8_t *data, size_t len)
{
    static uint8_t packed[2][8192];
    ProtobufCMessage *ours, *theirs;
    size_t size;

    if (decode(arena, desc, data, len, &ours) != 0)
        return false;
    theirs = protobuf_c_message_unpack(desc, arena_allocator(arena), len, data);
    assert_non_null(theirs);
    unknown_drop(theirs);
    size = protobuf_c_message_get_packed_size(ours);
    assert_true(size <= sizeof packed[0]);
    assert_int_equal(size, protobuf_c_message_get_packed_size(theirs));
    (void)protobuf_c_message_pack(ours, packed[0]);
    (void)protobuf_c_message_pack(theirs, packed[1]);
    assert_memory_equal(packed[0], packed[1], size);
    return true;
}

static const struct {
    const ProtobufCMessageDescriptor *desc;
    const char *data;
    size_t len;
} samples[] = {
    {&wici__v1__hello__descriptor, BYTES("\x08\x01\x12\x04main\x22\x08\x08\x96\x01\x10\x02\x1a\x01\xff")},
    {&wici__v1__welcome__descriptor,
     BYTES("\x08\x01\x12\x04test\x2a\x03\x01\x02\x03\x30\x07\x3a\x04\x08\x01\x10\x09\x4a\x01t")},
    {&wici__v1__client_message__descriptor,
     BYTES("\x12\x12\x08\x01\x12\x06\x0a\x01h\x12\x01s\x12\x06\x0a\x01H\x12\x01S")},
    {&wici__v1__answers__descriptor, BYTES("\x08\x07\x12\x1d\x0a\x02id\x12\x17\x08\x05\x10\x06\x1a\x04\x0a\x02W1\x22"
                                           "\x02xy\x2a\x05\x10\x07\x1a\x01z\x38\x01"
                                           "\x12\x0a\x0a\x02no\x1a\x04\x0a\x02"
                                           "E1")},
    {&wici__v1__section__descriptor,
     BYTES("\x0a\x02p1\x0a\x02p2\x12\x03POL\x9a\x3f\x0c\x0a\x04\x0a\x02p1\x0a\x04\x0a\x02p2")},
    {&wici__v1__header__descriptor, BYTES("\x0a\x03"
                                          "eid\x10\x65\x18\x01\x22\x01"
                                          "d\x2a\x01t\x30\x01\x4a\x08\x0a\x01"
                                          "a\x12\x01u\x18\x02\x52\x03\x0a\x01u\x52\x03\x12\x01"
                                          "b")},
};

static void
test_what_is_taken_reads_as_protobuf_c_reads_it(void **state)
{
    unsigned taken = 0, refused = 0;

    for (size_t s = 0; s < sizeof samples / sizeof samples[0]; s++) {
        assert_true(same_as_protobuf_c(*state, samples[s].desc, (const uint8_t *)samples[s].data, samples[s].len));
        for (unsigned round = 0; round < 20000; round++) {
            uint8_t data[256];
            size_t len = samples[s].len;

            memcpy(data, samples[s].data, len);
            for (unsigned changes = 1 + random_below(4); changes > 0 && len > 0; changes--) {
                size_t at = random_below((uint32_t)len), from = random_below((uint32_t)len);

                switch (random_below(5)) {
                case 0: data[at] = (uint8_t)random_below(256); break;
                case 1: data[at] ^= (uint8_t)(1u << random_below(8)); break;
                case 2: len = at; break;
                case 3: data[at] = data[from]; break;
                default: /* some of it once more, behind the end */
                    if (from + 16 <= len && len + 16 <= sizeof data) {
                        memcpy(data + len, data + from, 16);
                        len += 16;
                    }
                }
            }
            if (same_as_protobuf_c(*state, samples[s].desc, data, len))
                taken++;
            else
                refused++;
        }
    }
    assert_true(taken > 10000); /* both happen, or nothing was compared */
    assert_true(refused > 10000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message_is_read_field_by_field),
        cmocka_unit_test(test_bytes_are_not_copied),
        cmocka_unit_test(test_no_bytes_are_an_empty_message),
        cmocka_unit_test(test_what_an_encoding_hides_is_refused),
        cmocka_unit_test(test_one_choice_of_several_may_be_made),
        cmocka_unit_test(test_unknown_fields_are_passed_over),
        cmocka_unit_test(test_lists_of_numbers_are_read_in_both_spellings),
        cmocka_unit_test(test_lists_of_any_length),
        cmocka_unit_test(test_an_arena_that_is_too_small_is_told_apart),
        cmocka_unit_test(test_what_is_taken_reads_as_protobuf_c_reads_it),
    };

    return cmocka_run_group_tests(tests, arena_setup, arena_teardown);
}
