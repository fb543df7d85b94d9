/* What sequence.h says of an id that comes again (rule I34): the same event gets its first answer, anything else under
 * that id is refused, before a commit and after. A log and a core without a broker. */
#include "broker/core/policy.h"
#include "broker/sequence.h"
#include "test_store_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS    1772352000000u /* 2026-03-01T08:00:00Z */
#define EVENT_MAX 1024u

struct world {
    struct kit *kit;
    struct core *core;
    struct sequence *sequence;
    struct arena *reply;
    size_t appended;
};

static int
appended(void *arg, const struct record *record)
{
    (void)record;
    ((struct world *)arg)->appended++;
    return 0;
}

static void
own(struct world *w, int body_case, void *body)
{
    Wici__V1__Section section = WICI__V1__SECTION__INIT;

    section.body_case = (Wici__V1__Section__BodyCase)body_case;
    section.sys_unit_enrolled_s0 = body; /* all of the oneof's are pointers */
    assert_int_equal(sequence_own(w->sequence, &section, STORE_CLEAR_ENTRY, NOW_MS), 0);
}

/* An office with two units, one of them in another agency. */
static void
enrol(struct world *w)
{
    Wici__V1__SysPolicyLoadedS0 policy = WICI__V1__SYS_POLICY_LOADED_S0__INIT;
    Wici__V1__SysAgencyEnrolledS0 agency = WICI__V1__SYS_AGENCY_ENROLLED_S0__INIT;
    Wici__V1__Role roles[] = {WICI__V1__ROLE__SW};

    policy.version = TEXT("1");
    policy.text = TEXT(policy_default_text);
    own(w, WICI__V1__SECTION__BODY_SYS_POLICY_LOADED_S0, &policy);
    for (unsigned i = 0; i < 2; i++) {
        Wici__V1__SysUnitEnrolledS0 unit = WICI__V1__SYS_UNIT_ENROLLED_S0__INIT;

        agency.agency_id = agency.name = unit.agency_id = TEXT(i == 0 ? "ops" : "gops");
        unit.unit_id = unit.name = TEXT(i == 0 ? "ops-sw" : "gops-sw");
        unit.roles = roles;
        unit.n_roles = 1;
        own(w, WICI__V1__SECTION__BODY_SYS_AGENCY_ENROLLED_S0, &agency);
        own(w, WICI__V1__SECTION__BODY_SYS_UNIT_ENROLLED_S0, &unit);
    }
    assert_int_equal(store_commit(w->kit->st), 0);
}

static int
setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    void *kit = NULL;

    assert_non_null(w);
    assert_int_equal(kit_setup(&kit), 0);
    w->kit = kit;
    assert_int_equal(core_create(&w->core), 0);
    assert_int_equal(arena_create(&w->reply, 1u << 20), 0);
    assert_int_equal(sequence_create(&w->sequence, w->kit->st, w->core, NULL, appended, w), 0);
    enrol(w);
    w->appended = 0;
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;
    void *kit = w->kit;

    sequence_destroy(&w->sequence);
    arena_destroy(&w->reply);
    core_destroy(&w->core);
    free(w);
    return kit_teardown(&kit);
}

/* A letter of that unit with that text, always with the same id; what became of it. */
static struct answer
publish(struct world *w, const char *agency, const char *unit, const char *text)
{
    static uint8_t header_bytes[EVENT_MAX], s0_bytes[EVENT_MAX], s6_bytes[EVENT_MAX];
    Wici__V1__Header header = WICI__V1__HEADER__INIT;
    Wici__V1__Actor actor = WICI__V1__ACTOR__INIT;
    Wici__V1__Section s0 = WICI__V1__SECTION__INIT, s6 = WICI__V1__SECTION__INIT;
    Wici__V1__InfoProvidedS0 facts = WICI__V1__INFO_PROVIDED_S0__INIT;
    Wici__V1__InfoProvidedS6 letter = WICI__V1__INFO_PROVIDED_S6__INIT;
    Wici__V1__Event event = WICI__V1__EVENT__INIT;
    ProtobufCBinaryData sections[2] = {{.data = s0_bytes}, {.data = s6_bytes}};
    struct answer answer = {.event_id = ""};

    actor.agency = TEXT(agency);
    actor.unit = TEXT(unit);
    actor.role = WICI__V1__ROLE__SW;
    header.event_id = TEXT("019ca860-d800-7000-8000-000000000001");
    header.type = WICI__V1__EVENT_TYPE__INFO_PROVIDED;
    header.dossier_id = TEXT("d0000000-0000-7000-8000-000000000001");
    header.occurred_at = TEXT("2026-03-01T07:00:00Z");
    header.actor = &actor;
    facts.provided_on = TEXT("2026-03-01");
    letter.doc_kind = TEXT("INFORMATION");
    letter.text = TEXT(text);
    s0.body_case = WICI__V1__SECTION__BODY_INFO_PROVIDED_S0;
    s0.info_provided_s0 = &facts;
    s6.body_case = WICI__V1__SECTION__BODY_INFO_PROVIDED_S6;
    s6.info_provided_s6 = &letter;
    event.header.data = header_bytes;
    event.header.len = wici__v1__header__pack(&header, header_bytes);
    sections[0].len = wici__v1__section__pack(&s0, s0_bytes);
    sections[1].len = wici__v1__section__pack(&s6, s6_bytes);
    event.sections = sections;
    event.n_sections = 2;
    assert_int_equal(
        sequence_take(w->sequence, core_unit_by_id(w->core, unit), &event, NOW_MS, false, w->reply, &answer), 0);
    return answer;
}

static uint64_t
seq_of(struct world *w, const struct answer *answer, bool *ret_repeated)
{
    Wici__V1__Receipt *receipt;

    if (answer->receipt.data == NULL)
        fail_msg("refused with %s at '%s'", error_name(answer->refusal.code), answer->refusal.path);
    receipt = wici__v1__receipt__unpack(arena_allocator(w->reply), answer->receipt.len, answer->receipt.data);
    assert_non_null(receipt);
    *ret_repeated = receipt->repeated;
    return receipt->seq;
}

static void
is_refused(const struct answer *answer, enum error_code code)
{
    assert_null(answer->receipt.data);
    assert_string_equal(error_name(answer->refusal.code), error_name(code));
    assert_string_equal(answer->refusal.path, "header.eventId");
}

static void
the_same_event_gets_its_first_answer_and_another_under_its_id_is_refused(void **state)
{
    struct world *w = *state;
    bool repeated = true;
    struct answer answer = publish(w, "ops", "ops-sw", "x");
    uint64_t seq = seq_of(w, &answer, &repeated);

    assert_false(repeated);
    for (unsigned committed = 0; committed < 2; committed++) {
        answer = publish(w, "ops", "ops-sw", "x");
        assert_int_equal(seq_of(w, &answer, &repeated), seq);
        assert_true(repeated);
        answer = publish(w, "ops", "ops-sw", "y");
        is_refused(&answer, E_ID_REUSE);
        answer = publish(w, "gops", "gops-sw", "x"); /* who guesses an id learns nothing of its event */
        is_refused(&answer, E_ID_REUSE);
        assert_int_equal(w->appended, 1);
        assert_int_equal(store_commit(w->kit->st), 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_event_gets_its_first_answer_and_another_under_its_id_is_refused, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
