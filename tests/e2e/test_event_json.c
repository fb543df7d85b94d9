/* What wici.h says of wici_event_json(), for deliveries that no broker of these tests makes. */
#include "agents/client.h"
#include "proto/event.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UNKNOWN 120000u /* fields of two bytes: as many as a section has room for */

/* A delivery with one section, of as many bytes as it has, in slot 2; packed, which the caller frees. */
static struct wici_event
delivered(uint32_t section_id, const uint8_t *body, size_t len)
{
    Wici__V1__Slot slot;
    Wici__V1__Disclosed part, *parts[] = {&part};
    Wici__V1__Delivery delivery;
    uint8_t *bytes;

    wici__v1__slot__init(&slot);
    wici__v1__disclosed__init(&part);
    wici__v1__delivery__init(&delivery);
    slot.slot = 2;
    slot.section_id = section_id;
    part.slot = &slot;
    part.body = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)body, .len = len};
    delivery.seq = 7;
    delivery.parts = parts;
    delivery.n_parts = 1;
    bytes = malloc(wici__v1__delivery__get_packed_size(&delivery));
    assert_non_null(bytes);
    return (struct wici_event){.seq = 7, .delivery = bytes, .delivery_len = wici__v1__delivery__pack(&delivery, bytes)};
}

static void
fields_that_nobody_knows_cost_nothing(void **state)
{
    Wici__V1__InfoProvidedS6 body;
    Wici__V1__Section section;
    struct wici_event event;
    uint8_t *bytes;
    char *text = NULL;
    json_t *json, *shown;
    size_t len;

    (void)state;
    wici__v1__info_provided_s6__init(&body);
    wici__v1__section__init(&section);
    body.text = (char *)(uintptr_t) "z pisma";
    section.body_case = WICI__V1__SECTION__BODY_INFO_PROVIDED_S6;
    section.info_provided_s6 = &body;
    bytes = malloc(wici__v1__section__get_packed_size(&section) + 2 * UNKNOWN);
    assert_non_null(bytes);
    len = wici__v1__section__pack(&section, bytes);
    for (size_t i = 0; i < UNKNOWN; i++) {
        bytes[len++] = 4 << 3; /* no field of Section, a number */
        bytes[len++] = 1;
    }
    event = delivered(WICI__V1__SECTION__BODY_INFO_PROVIDED_S6, bytes, len);
    assert_int_equal(wici_event_json(&event, &text), 0);
    json = json_loads(text, 0, NULL);
    assert_non_null(json);
    shown = json_object_get(json_array_get(json_object_get(json, "sections"), 0), "infoProvidedS6");
    assert_string_equal(json_string_value(json_object_get(shown, "text")), "z pisma");
    json_decref(json);
    free(text);
    free((void *)(uintptr_t)event.delivery);
    free(bytes);
}

static void
what_no_broker_sends_is_told_from_a_lack_of_memory(void **state)
{
    static const uint8_t torn[] = {0x0a, 0x05, 'x'};
    struct wici_event event = delivered(WICI__V1__SECTION__BODY_INFO_PROVIDED_S6, torn, sizeof torn);
    char *text = NULL;

    (void)state;
    assert_int_equal(wici_event_json(&event, &text), -EBADMSG);
    event.delivery_len--;
    assert_int_equal(wici_event_json(&event, &text), -EBADMSG);
    free((void *)(uintptr_t)event.delivery);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_that_nobody_knows_cost_nothing),
        cmocka_unit_test(what_no_broker_sends_is_told_from_a_lack_of_memory),
    };

    return cmocka_run_group_tests_name("libwici: a delivery as JSON", tests, NULL, NULL);
}
