/*
 * What became of copies: who looks after the log is told it of each erasure, page by page, before and after a restart;
 * nobody else is, but of what it owes itself.
 */
#include "tests/wire/erase_kit.h"

static void
ask_refused(struct peer *p, const char *dossier, uint64_t seq, const char *code, const char *path)
{
    Wici__V1__BrokerMessage *answer = erasures_ask(p, dossier, seq, 0, 0);

    assert_int_equal(answer->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED);
    assert_string_equal(answer->refused->refusal->code, code);
    assert_string_equal(answer->refused->refusal->path, path);
    peer_free(answer);
}

/* How many answers are owed, of all or of the asker. */
static void
assert_owed(struct peer *p, uint32_t count)
{
    Wici__V1__StatusQuery status;
    Wici__V1__BrokerMessage *answer;
    Wici__V1__Query what;

    wici__v1__query__init(&what);
    wici__v1__status_query__init(&status);
    what.what_case = WICI__V1__QUERY__WHAT_STATUS;
    what.status = &status;
    answer = erase_query(p, &what);
    assert_int_equal(answer->query_result->result_case, WICI__V1__QUERY_RESULT__RESULT_STATUS);
    assert_int_equal(answer->query_result->status->erasures_unanswered, count);
    assert_int_equal(answer->query_result->status->erasures_unanswered_since[0] != '\0', count > 0);
    peer_free(answer);
}

/* A dossier with letters to the other social worker and to the school, erased; the order's record. */
static uint64_t
erased(struct town *t, char ret_dossier[37])
{
    struct peer sw, admin;
    Wici__V1__BrokerMessage *answer;
    uint64_t seq;

    peer_hello(&sw, &t->daemon, &t->sw, "letters");
    peer_uuid4(ret_dossier);
    (void)peer_letter(&sw, ret_dossier, "ops-sw2", "one");
    (void)peer_letter(&sw, ret_dossier, "sp12-ped", "two");
    peer_close(&sw);
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "order");
    erase_send(&admin, 5, ret_dossier, "COURT_ORDER");
    answer = peer_expect(&admin, WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT);
    assert_true(answer->query_result->erase->done);
    seq = answer->query_result->erase->intended_seq;
    peer_free(answer);
    peer_close(&admin);
    return seq;
}

static uint64_t
confirmed(const struct town *t, const struct keyfile *key, uint64_t intended, const char *law)
{
    char how[16], on[] = "2026-03-02";
    Wici__V1__SysErasureConfirmedS0 body;
    Wici__V1__Section section, *sections[1] = {&section};
    struct peer_event event;
    struct peer p;
    uint64_t seq;

    peer_hello(&p, &t->daemon, key, "confirms");
    wici__v1__sys_erasure_confirmed_s0__init(&body);
    wici__v1__section__init(&section);
    (void)snprintf(how, sizeof how, "%s", law[0] == '\0' ? "DESTROYED" : "KEPT_BY_LAW");
    body.intended_seq = intended;
    body.how = how;
    body.confirmed_on = on;
    body.legal_basis = (char *)(uintptr_t)law; /* packing only reads it */
    section.body_case = WICI__V1__SECTION__BODY_SYS_ERASURE_CONFIRMED_S0;
    section.sys_erasure_confirmed_s0 = &body;
    peer_event_make(&p, WICI__V1__EVENT_TYPE__SYS_ERASURE_CONFIRMED, NULL, NULL,
                    (const Wici__V1__Section *const *)sections, 1, &event);
    seq = peer_publish_taken(&p, &event);
    peer_event_free(&event);
    peer_close(&p);
    return seq;
}

static const Wici__V1__ErasureRecipient *
recipient(const Wici__V1__ErasureState *state, const char *unit)
{
    for (size_t i = 0; i < state->n_recipients; i++)
        if (strcmp(state->recipients[i]->unit, unit) == 0)
            return state->recipients[i];
    fail_msg("%s was not told", unit);
    return NULL;
}

/* The four that were told: the author and the auditor, who see all of it, and the two that were addressed. */
static void
assert_known(struct peer *p, const char *dossier, uint64_t intended, uint64_t destroyed, uint64_t kept)
{
    Wici__V1__BrokerMessage *answer = erasures_ask(p, dossier, dossier[0] != '\0' ? 0 : intended, 0, 0);
    const Wici__V1__Erasures *all = erasures_of(answer);
    const Wici__V1__ErasureRecipient *sw2, *school, *author;
    const Wici__V1__ErasureState *state;

    assert_int_equal(all->n_erasures, 1);
    assert_int_equal(all->next, 0);
    state = all->erasures[0];
    assert_int_equal(state->intended_seq, intended);
    assert_true(state->done_seq > intended);
    assert_string_equal(state->reason, "COURT_ORDER");
    assert_int_equal(strlen(state->intended), strlen("2026-03-02T08:00:00.000Z"));
    assert_int_equal(state->told, 4);
    assert_int_equal(state->destroyed, 1);
    assert_int_equal(state->kept, 1);
    assert_int_equal(state->n_recipients, 4);
    sw2 = recipient(state, "ops-sw2");
    assert_true(sw2->told_seq > intended && sw2->told_seq < state->done_seq && sw2->told[0] != '\0');
    assert_int_equal(sw2->records, 2);
    assert_int_equal(sw2->said_seq, destroyed);
    assert_string_equal(sw2->how, "DESTROYED");
    assert_string_equal(sw2->confirmed_on, "2026-03-02");
    assert_string_equal(sw2->legal_basis, "");
    school = recipient(state, "sp12-ped");
    assert_int_equal(school->records, 1);
    assert_int_equal(school->from_seq, school->to_seq);
    assert_int_equal(school->said_seq, kept);
    assert_string_equal(school->how, "KEPT_BY_LAW");
    assert_string_equal(school->legal_basis, "art. 5 ustawy o archiwach");
    author = recipient(state, "ops-sw");
    assert_int_equal(author->said_seq, 0);
    assert_string_equal(author->said, "");
    assert_string_equal(author->how, "");
    (void)recipient(state, "audyt");
    peer_free(answer);
}

static void
who_looks_after_the_log_is_told_what_became_of_copies(void **state)
{
    struct town *t = *state;
    struct peer admin, auditor, sw, sw2, school;
    uint64_t intended, destroyed, kept;
    char dossier[37], never[37];

    intended = erased(t, dossier);
    destroyed = confirmed(t, &t->sw2, intended, "");
    kept = confirmed(t, &t->school, intended, "art. 5 ustawy o archiwach");
    peer_uuid4(never);
    for (unsigned i = 0; i < 2; i++) {
        peer_hello(&admin, &t->daemon, &t->daemon.admin, "looks");
        peer_hello(&auditor, &t->daemon, &t->auditor, "looks");
        peer_hello(&sw, &t->daemon, &t->sw, "looks");
        peer_hello(&sw2, &t->daemon, &t->sw2, "looks");
        peer_hello(&school, &t->daemon, &t->school, "looks");
        assert_known(&admin, dossier, intended, destroyed, kept);
        assert_known(&admin, "", intended, destroyed, kept);
        assert_known(&auditor, dossier, intended, destroyed, kept);
        assert_known(&auditor, "", intended, destroyed, kept);
        ask_refused(&admin, never, 0, "E_UNKNOWN", "query.erasures.dossier");
        ask_refused(&admin, "", intended + 1, "E_UNKNOWN", "query.erasures.intendedSeq");
        ask_refused(&admin, "", UINT64_MAX, "E_UNKNOWN", "query.erasures.intendedSeq");
        ask_refused(&admin, "nobody", 0, "E_REQUEST", "query.erasures.dossier");
        ask_refused(&admin, dossier, intended, "E_REQUEST", "query.erasures.dossier");
        ask_refused(&sw, dossier, 0, "E_UNKNOWN", "query.erasures");
        ask_refused(&sw, "", intended, "E_UNKNOWN", "query.erasures");
        ask_refused(&sw, "", 0, "E_UNKNOWN", "query.erasures");
        assert_owed(&admin, 2);
        assert_owed(&auditor, 2);
        assert_owed(&sw, 1);
        assert_owed(&sw2, 0);
        assert_owed(&school, 0);
        peer_close(&admin);
        peer_close(&auditor);
        peer_close(&sw);
        peer_close(&sw2);
        peer_close(&school);
        if (i == 0) {
            assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
            daemon_start(&t->daemon);
        }
    }
}

/* Pages of one: each erasure, and each unit of one, once. */
static void
answers_are_pages_that_go_on_where_the_last_one_ended(void **state)
{
    struct town *t = *state;
    Wici__V1__BrokerMessage *answer;
    uint64_t intended[3], from = 0, at = 0;
    char dossier[37], units[256] = "";
    struct peer admin;

    for (unsigned i = 0; i < 3; i++)
        intended[i] = erased(t, dossier);
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "pages");
    do {
        answer = erasures_ask(&admin, "", 0, from, 1);
        assert_int_equal(erasures_of(answer)->n_erasures, 1);
        assert_int_equal(erasures_of(answer)->erasures[0]->n_recipients, 0);
        assert_int_equal(erasures_of(answer)->erasures[0]->intended_seq, intended[at++]);
        from = erasures_of(answer)->next;
        peer_free(answer);
    } while (from != 0);
    assert_int_equal(at, 3);
    for (at = 0, from = 0; at == 0 || from != 0; at++) {
        answer = erasures_ask(&admin, dossier, 0, from, 1);
        assert_int_equal(erasures_of(answer)->erasures[0]->told, 4);
        assert_int_equal(erasures_of(answer)->erasures[0]->n_recipients, 1);
        (void)snprintf(units + strlen(units), sizeof units - strlen(units), "%s ",
                       erasures_of(answer)->erasures[0]->recipients[0]->unit);
        from = erasures_of(answer)->next;
        peer_free(answer);
    }
    assert_string_equal(units, "ops-sw ops-sw2 sp12-ped audyt ");
    answer = erasures_ask(&admin, dossier, 0, UINT64_MAX, 0); /* behind the last one */
    assert_int_equal(erasures_of(answer)->erasures[0]->n_recipients, 0);
    assert_int_equal(erasures_of(answer)->next, 0);
    peer_free(answer);
    answer = erasures_ask(&admin, "", 0, UINT64_MAX, 0);
    assert_int_equal(erasures_of(answer)->n_erasures, 0);
    peer_free(answer);
    peer_close(&admin);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, town_setup, town_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(who_looks_after_the_log_is_told_what_became_of_copies),
        RULE(answers_are_pages_that_go_on_where_the_last_one_ended),
    };

    return cmocka_run_group_tests_name("wire: erasures", tests, NULL, NULL);
}
