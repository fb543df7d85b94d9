#include "proto/types.h"

#include "wici/v1/event.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The catalogue as the domain lists it: what the .proto files must say too. */
static const struct {
    uint32_t number;
    const char *name, *classes;
    enum type_opens opens;
} catalogue[] = {
    {101, "referral.submitted", "01234567", OPENS_REFERRAL},
    {102, "referral.answered", "06", OPENS_NOTHING},
    {103, "referral.forwarded", "012467", OPENS_NOTHING},
    {104, "referral.completed", "06", OPENS_NOTHING},
    {201, "case.opened", "0134567", OPENS_CASE},
    {202, "case.interview_completed", "01234567", OPENS_NOTHING},
    {203, "case.assistant_assigned", "06", OPENS_NOTHING},
    {204, "case.plan_updated", "0346", OPENS_NOTHING},
    {205, "case.assessment_recorded", "0346", OPENS_NOTHING},
    {206, "case.closed", "06", OPENS_NOTHING},
    {207, "case.safety_concern_raised", "014567", OPENS_LETTER},
    {208, "case.assistant_requested", "06", OPENS_NOTHING},
    {209, "case.linked", "06", OPENS_NOTHING},
    {210, "case.worker_set", "06", OPENS_NOTHING},
    {211, "case.safety_concern_answered", "056", OPENS_NOTHING},
    {301, "consent.granted", "0146", OPENS_NOTHING},
    {302, "consent.withdrawn", "016", OPENS_NOTHING},
    {401, "placement.changed", "013567", OPENS_LETTER},
    {501, "court.opinion_requested", "0156", OPENS_LETTER},
    {502, "court.opinion_delivered", "0156", OPENS_LETTER},
    {503, "court.order_issued", "01356", OPENS_LETTER},
    {504, "court.insight_requested", "01567", OPENS_LETTER},
    {601, "meeting.convened", "0167", OPENS_MEETING},
    {602, "meeting.held", "016", OPENS_NOTHING},
    {603, "meeting.agreements_issued", "016", OPENS_NOTHING},
    {701, "ipus.agreed", "012467", OPENS_NOTHING},
    {702, "ipus.updated", "012467", OPENS_NOTHING},
    {703, "ipus.service_reported", "046", OPENS_NOTHING},
    {704, "ipus.concluded", "046", OPENS_NOTHING},
    {705, "ipus.approved", "06", OPENS_NOTHING},
    {801, "info.requested", "013456", OPENS_LETTER},
    {802, "info.provided", "01234567", OPENS_LETTER},
};

static uint8_t
class_bits(const char *classes)
{
    unsigned bits = 0;

    for (; *classes != '\0'; classes++)
        bits |= 1u << (*classes - '0');
    return (uint8_t)bits;
}

/* The facts about a field of a message; fails the test when there is none of that name. */
static const struct field_info *
field(const struct message_info *message, const char *name)
{
    for (unsigned i = 0; i < message->desc->n_fields; i++)
        if (strcmp(message->desc->fields[i].name, name) == 0)
            return &message->fields[i];
    fail_msg("%s has no field %s", message->desc->name, name);
    abort();
}

static const struct message_info *
body(const char *type, unsigned cls)
{
    const struct type_info *info = type_by_name(type);

    assert_non_null(info);
    assert_non_null(info->body[cls]);
    return info->body[cls];
}

static void
catalogue_is_declared_with_its_classes(void **state)
{
    size_t domain_types = 0;

    (void)state;
    for (size_t i = 0; i < sizeof catalogue / sizeof *catalogue; i++) {
        const struct type_info *type = type_by_number(catalogue[i].number);

        assert_non_null(type);
        assert_string_equal(type->name, catalogue[i].name);
        assert_int_equal(type->classes, class_bits(catalogue[i].classes));
        assert_int_equal(type->opens, catalogue[i].opens);
        assert_ptr_equal(type_by_name(catalogue[i].name), type);
    }
    for (size_t i = 0; type_at(i) != NULL; i++)
        domain_types += type_at(i)->number < TYPE_SYS_FIRST;
    assert_int_equal(domain_types, sizeof catalogue / sizeof *catalogue);
}

static void
types_are_in_ascending_order(void **state)
{
    (void)state;
    for (size_t i = 1; i < type_count(); i++)
        assert_true(type_at(i - 1)->number < type_at(i)->number);
    assert_non_null(type_at(type_count() - 1));
    assert_null(type_at(type_count()));
}

static void
unknown_types_are_not_found(void **state)
{
    (void)state;
    assert_null(type_by_number(0));
    assert_null(type_by_number(105));
    assert_null(type_by_number(UINT32_MAX));
    assert_null(type_by_name(""));
    assert_null(type_by_name("referral"));
}

static void
slots_are_fixed_by_ascending_class_and_leave_a_tail(void **state)
{
    (void)state;
    for (size_t i = 0; i < type_count(); i++) {
        const struct type_info *type = type_at(i);
        unsigned next = TYPE_SLOT_NOTE + 1;

        assert_true(type->slots == 4 || type->slots == 8 || type->slots == 16 || type->slots == 32);
        for (unsigned cls = 0; cls < TYPE_CLASSES; cls++) {
            if ((type->classes & 1u << cls) == 0) {
                assert_int_equal(type->slot[cls], 0);
                assert_null(type->body[cls]);
            } else {
                assert_int_equal(type->slot[cls], next++);
            }
        }
        assert_true(next + (type->number < TYPE_SYS_FIRST ? 2 : 0) <= type->slots);
    }
}

static void
body_of_a_class_is_the_section_field_of_that_id(void **state)
{
    size_t bodies = 0;

    (void)state;
    for (size_t i = 0; i < type_count(); i++) {
        const struct type_info *type = type_at(i);

        for (unsigned cls = 0; cls < TYPE_CLASSES; cls++) {
            const ProtobufCFieldDescriptor *in_section = protobuf_c_message_descriptor_get_field(
                &wici__v1__section__descriptor, section_id(type->number, cls));

            assert_int_equal(in_section != NULL, (type->classes >> cls) & 1u);
            if (in_section == NULL)
                continue;
            assert_ptr_equal(in_section->descriptor, type->body[cls]->desc);
            bodies++;
        }
    }
    assert_int_equal(wici__v1__section__descriptor.n_fields, bodies + 3); /* subjects, only_for, not_to */
}

/* Every message that an event can hold, from the document down. */
static void
check_message(const ProtobufCMessageDescriptor *desc)
{
    const struct message_info *info = message_info(desc);

    assert_non_null(info);
    assert_ptr_equal(info->desc, desc);
    for (unsigned i = 0; i < desc->n_fields; i++) {
        const ProtobufCFieldDescriptor *is = &desc->fields[i];
        const struct field_info *said = &info->fields[i];

        assert_int_equal(said->number, is->id);
        assert_non_null(said->json);
        assert_non_null(said->pl);
        assert_non_null(said->en);
        assert_int_equal(said->format != FIELD_ANY, is->type == PROTOBUF_C_TYPE_STRING);
        assert_int_equal(said->codes != NULL, said->format == FIELD_CODE);
        assert_int_equal(said->max_count != 0, is->label == PROTOBUF_C_LABEL_REPEATED);
        if (said->format == FIELD_TEXT || said->format == FIELD_LINE)
            assert_true(said->max != 0);
        if (is->type == PROTOBUF_C_TYPE_MESSAGE)
            check_message(is->descriptor);
    }
}

static void
every_field_of_an_event_has_format_bounds_and_labels(void **state)
{
    (void)state;
    check_message(&wici__v1__event_document__descriptor);
    check_message(&wici__v1__broker_note__descriptor);
}

static void
messages_that_are_not_ours_have_no_facts(void **state)
{
    ProtobufCMessageDescriptor stranger = wici__v1__person__descriptor;

    (void)state;
    assert_null(message_info(&stranger));
    stranger.short_name = "Stranger";
    assert_null(message_info(&stranger));
}

static void
work_sections_carry_documents_and_notes_their_ground(void **state)
{
    (void)state;
    for (size_t i = 0; i < type_count(); i++)
        for (unsigned cls = 1; cls < TYPE_CLASSES; cls++) {
            const struct message_info *info = type_at(i)->body[cls];

            if (info == NULL)
                continue;
            assert_int_equal(field(info, "documents")->number, 31);
            if (cls == 6) {
                assert_int_equal(field(info, "ground")->number, 30);
                assert_int_equal(field(info, "formal_delivery")->number, 32);
            }
        }
}

static void
facts_are_those_beside_the_field(void **state)
{
    const struct field_info *info = field(body("referral.submitted", 6), "paper_kind");

    (void)state;
    assert_int_equal(info->format, FIELD_CODE);
    assert_true(info->required);
    assert_string_equal(info->codes, "INFORMATION APPLICATION NEED");
    assert_string_equal(info->json, "paperKind");
    assert_string_equal(info->pl, "rodzaj pisma");
    assert_string_equal(info->en, "kind of paper");

    assert_string_equal(field(body("referral.answered", 6), "status")->codes, "received accepted rejected on-hold");
    assert_int_equal(field(body("meeting.convened", 0), "starts_at")->format, FIELD_TIME);
    assert_int_equal(field(body("case.opened", 0), "gmina")->format, FIELD_GMINA);
    assert_true(field(body("court.order_issued", 1), "obliged_persons")->required);
    assert_false(field(body("court.order_issued", 0), "valid_to")->required);
    assert_int_equal(field(body("court.opinion_requested", 5), "questions")->max, 16384);
    assert_int_equal(field(body("court.opinion_requested", 5), "court_ref")->max, 200);
    assert_int_equal(field(body("meeting.held", 6), "protocol")->max, 32768);
    assert_int_equal(field(body("sys.policy_loaded", 0), "text")->max, 65536);
    assert_string_equal(type_by_number(207)->family, "case");
}

static void
consent_needs_one_of_two_classes_and_others_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < type_count(); i++)
        assert_int_equal(type_at(i)->either, type_at(i)->number == 301 ? class_bits("46") : 0);
}

static void
enum_names_are_those_of_the_generated_code(void **state)
{
    (void)state;
    assert_int_equal(wici__v1__event_type__descriptor.n_values, type_count() + 1);
    for (size_t i = 0; i < type_count(); i++) {
        const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(&wici__v1__event_type__descriptor,
                                                                               (int)type_at(i)->number);

        assert_non_null(value);
        assert_string_equal(value->name, type_at(i)->enum_name);
    }
}

static void
roles_are_those_of_the_generated_code(void **state)
{
    (void)state;
    assert_int_equal(wici__v1__role__descriptor.n_values, ROLE_COUNT);
    assert_null(role_name(0));
    for (unsigned role = 1; role < ROLE_COUNT; role++) {
        const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(&wici__v1__role__descriptor, (int)role);

        assert_non_null(value);
        assert_string_equal(role_name(role), value->name);
        assert_int_equal(role_by_name(value->name), role);
        assert_non_null(role_label(role, true));
        assert_non_null(role_label(role, false));
    }
    assert_string_equal(role_label(WICI__V1__ROLE__FA, true), "asystent rodziny");
    assert_null(role_name(ROLE_COUNT));
    assert_null(role_label(ROLE_COUNT, true));
    assert_int_equal(role_by_name("sw"), 0);
    assert_int_equal(role_by_name(""), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(catalogue_is_declared_with_its_classes),
        cmocka_unit_test(types_are_in_ascending_order),
        cmocka_unit_test(unknown_types_are_not_found),
        cmocka_unit_test(slots_are_fixed_by_ascending_class_and_leave_a_tail),
        cmocka_unit_test(body_of_a_class_is_the_section_field_of_that_id),
        cmocka_unit_test(every_field_of_an_event_has_format_bounds_and_labels),
        cmocka_unit_test(messages_that_are_not_ours_have_no_facts),
        cmocka_unit_test(work_sections_carry_documents_and_notes_their_ground),
        cmocka_unit_test(facts_are_those_beside_the_field),
        cmocka_unit_test(consent_needs_one_of_two_classes_and_others_none),
        cmocka_unit_test(enum_names_are_those_of_the_generated_code),
        cmocka_unit_test(roles_are_those_of_the_generated_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
