/*
 * Erasing in the core: what goes with a dossier, who is told, what is answered afterwards; and that forgetting one
 * leaves of the others what a fold of a log without it gives.
 */
#include "broker/core/policy.h"
#include "test_core_erase_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOSSIERS 5u

static void
id_of(char letter, uint8_t ret[16])
{
    assert_int_equal(uuid_parse(kit_id(letter), ret), 0);
}

/* With the dossier of that letter. */
static size_t
erase(struct kit *k, char letter, const char *const *units, size_t count, struct core_erase_member *ret)
{
    uint8_t id[16];

    id_of(letter, id);
    return kit_erase(k, id, units, count, ret, DOSSIERS + 1);
}

static struct core *
fold_without(const struct kit *k, const struct core_erase_member *members, size_t count)
{
    static bool gone[KIT_RECORDS_MAX];

    for (size_t i = 0; i < k->count; i++)
        gone[i] = kit_goes(members, count, k->records[i].record.entry);
    return kit_fold_but(k, gone);
}

static const char *
recipients_of(struct kit *k, const struct kit_record *record)
{
    static char text[512];
    const uint32_t *units;
    size_t count, len = 0;
    struct core_unit unit;

    text[0] = '\0';
    assert_int_equal(core_recipients(k->core, &record->record, &units, &count), 0);
    for (size_t i = 0; i < count; i++) {
        core_unit(k->core, units[i], &unit);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", len > 0 ? " " : "", unit.id);
    }
    return text;
}

/* ---- what would go, and who has it */

static void
merged_dossiers_go_together_and_linked_ones_stay(void **state)
{
    struct kit *k = *state;
    struct core_erase_member found[8];
    uint8_t id[16];

    kit_referral(k, 'R', "sw");
    kit_open_case(k, "sw", 'C');
    kit_open_case(k, "sw", 'D');
    kit_open_case(k, "sw", 'E');
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'MERGED_INTO','otherDossier':'$D'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.linked", 'D', "", "0{'kind':'REFERRAL_OF','otherDossier':'$R'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'SIBLING','otherDossier':'$E'}", NULL, NULL);
    id_of('C', id);
    assert_int_equal(core_erase_group(k->core, id, found, 8), 4);
    assert_true(found[0].goes && found[1].goes && !found[2].goes && !found[3].goes);
    assert_memory_equal(found[0].dossier_id, id, 16);
    id_of('D', id);
    assert_memory_equal(found[1].dossier_id, id, 16);
    assert_string_equal(found[1].link, "MERGED_INTO");
    id_of('E', id);
    assert_memory_equal(found[2].dossier_id, id, 16);
    assert_string_equal(found[2].link, "SIBLING");
    assert_string_equal(found[3].link, "REFERRAL_OF");
    assert_string_equal(found[3].kind, "REFERRAL");
    id_of('X', id);
    assert_int_equal(core_erase_group(k->core, id, found, 8), 0);
}

static void
recipients_are_those_who_were_given_it_even_if_they_are_given_it_no_more(void **state)
{
    struct kit *k = *state;
    const struct kit_record *said;

    kit_agency(k, "audit");
    kit_unit(k, "aud", "audit", "AUD");
    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    said = KIT_SAY(k, "fcc", "placement.changed", 'C', "sch", "0 1@p1 3@p1", NULL, NULL);
    assert_string_equal(recipients_of(k, said), "sw dir sch fcc aud");
    KIT_SAY(k, "sw", "placement.changed", 'C', "", "0", kit_correcting(said, "ENTERED_IN_ERROR"), NULL);
    KIT_SAY(k, "adm", "sys.unit_suspended", 0, "", "0{'unitId':'sch'}", NULL, NULL);
    kit_expect(k, said, "fcc=013 aud=0"); /* recalled, and sch suspended */
    assert_string_equal(recipients_of(k, said), "sw dir sch fcc aud");
}

/* The policy of the program, but that schools are given nothing of placements. */
static char *
without_schools(void)
{
    char *text = strdup(policy_default_text), *cell;

    assert_non_null(text);
    cell = strstr(text, "placement.changed");
    assert_non_null(cell);
    cell = strstr(cell, " 0/1367 "); /* SCH */
    assert_non_null(cell);
    memcpy(cell, " -      ", 8);
    return text;
}

/* What a policy gave was given, as long as it was in force; what it would have given later was not. */
static void
recipients_are_those_of_the_policy_of_then_too(void **state)
{
    struct kit *k = *state;
    const struct kit_record *before, *after;
    char *narrow = without_schools();

    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    before = KIT_SAY(k, "fcc", "placement.changed", 'C', "sch", "0 1@p1 3@p1", NULL, NULL);
    assert_string_equal(kit_seen(k, "sch", before), "013");
    kit_policy(k, narrow);
    after = KIT_SAY(k, "fcc", "placement.changed", 'C', "sch", "0 1@p1 3@p1", NULL, NULL);
    assert_string_equal(kit_seen(k, "sch", before), "");
    assert_string_equal(recipients_of(k, before), "sw dir sch fcc");
    assert_string_equal(recipients_of(k, after), "sw dir fcc");
    for (unsigned i = 0; i < 40; i++) { /* more than are kept: nobody is forgotten for that */
        kit_policy(k, i % 2 == 0 ? policy_default_text : narrow);
        assert_string_equal(recipients_of(k, before), "sw dir sch fcc");
        assert_string_equal(recipients_of(k, after), "sw dir sch fcc"); /* it can be read again, or could */
    }
    free(narrow);
}

/* ---- afterwards */

static void
of_an_erased_dossier_nobody_is_given_anything(void **state)
{
    struct kit *k = *state;
    const char *const told[] = {"sw", "sch"};
    struct core_erase_member members[DOSSIERS + 1];
    const struct kit_record *other, *notice;
    size_t before = 0;
    uint8_t id[16];

    kit_agency(k, "audit");
    kit_unit(k, "aud", "audit", "AUD");
    kit_referral(k, 'R', "sw");
    other = kit_referral(k, 'S', "sw");
    before = k->count;
    (void)erase(k, 'R', told, 2, members);
    for (size_t i = 0; i < before; i++) {
        if (k->records[i].record.entry == 0 || k->records[i].record.entry == other->record.entry)
            continue;
        for (uint32_t unit = 0; unit < core_unit_count(k->core); unit++) {
            struct core_view view;

            core_view(k->core, unit, &k->records[i].record, true, &view);
            assert_false(view.received);
            assert_int_equal(view.sections, 0);
        }
        assert_string_equal(recipients_of(k, &k->records[i]), "");
    }
    kit_expect(k, other, "sw=016 dir=016 aud=0");
    id_of('R', id);
    assert_int_equal(core_dossier_for(k->core, core_unit_by_id(k->core, "sw"), id), 0);
    assert_int_equal(core_dossier_count(k->core), 1);
    /* The notice is for whom it names, the intent for nobody but those who look after the broker. */
    notice = &k->records[k->count - 2];
    kit_expect(k, notice, "sw=0 aud=0 adm=0");
    kit_expect(k, &k->records[k->count - 3], "aud=0 adm=0");
}

static void
who_was_told_hears_erased_and_everybody_else_unknown(void **state)
{
    struct kit *k = *state;
    const char *const told[] = {"sw", "sch"};
    struct core_erase_member members[DOSSIERS + 1];
    struct kit_line line = {"sw", "referral.answered", 'R', "", "0 6{'status':'received'}", NULL, NULL};
    bool done = true;
    uint64_t seq;
    uint8_t id[16];

    kit_referral(k, 'R', "sw");
    kit_open_case(k, "sw", 'C');
    id_of('R', id);
    assert_int_equal(core_erased(k->core, id, &done), 0);
    seq = k->count + 1;
    (void)erase(k, 'R', told, 2, members);
    kit_refused(k, &line, E_ERASED, "header.dossierId");
    line.unit = "ops:SW";
    kit_refused(k, &line, E_DOSSIER, "header.dossierId");
    /* Nor is it opened a second time, by whomever. */
    line = (struct kit_line){"sch", "referral.submitted", 'R', "sw", "0 6", NULL, NULL};
    kit_refused(k, &line, E_ERASED, "header.dossierId");
    line.unit = "ops";
    kit_refused(k, &line, E_DOSSIER, "header.dossierId");
    line = (struct kit_line){"sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$R'}", NULL, NULL};
    kit_refused(k, &line, E_ERASED, "sections[0].caseLinkedS0.otherDossier");
    assert_int_equal(core_erased(k->core, id, &done), seq);
    assert_false(done);
    {
        char body[256];

        (void)snprintf(body, sizeof body,
                       "0{'intendedSeq':'%zu','reason':'COURT_ORDER','orderSha256':'%064d','records':'1'}", (size_t)seq,
                       0);
        (void)kit_own(k, "sys.erasure_done", body);
    }
    assert_int_equal(core_erased(k->core, id, &done), seq);
    assert_true(done);
    line = (struct kit_line){"sw", "referral.answered", 'R', "", "0 6{'status':'received'}", NULL, NULL};
    kit_refused(k, &line, E_ERASED, "header.dossierId");
}

/* What a unit says of its copies, and what it is told. */
static void
confirm(struct kit *k, const char *unit, size_t seq, const char *how_and_more, enum error_code code, const char *field)
{
    struct kit_line line = {unit, "sys.erasure_confirmed", 0, "", NULL, NULL, NULL};
    char body[256], path[80], expect[64];

    (void)snprintf(body, sizeof body, "0{'intendedSeq':'%zu','confirmedOn':'2026-03-02',%s}", seq, how_and_more);
    (void)snprintf(path, sizeof path, "sections[0].sysErasureConfirmedS0.%s", field);
    (void)snprintf(expect, sizeof expect, "adm=0 aud=0 %s=0", unit);
    line.sections = body;
    line.expect = expect;
    if (code != E_NONE)
        kit_refused(k, &line, code, path);
    else
        (void)kit_say(k, &line);
}

static void
who_was_told_says_once_what_became_of_its_copies(void **state)
{
    static const char destroyed[] = "'how':'DESTROYED'", kept[] = "'how':'KEPT_BY_LAW'",
                      by_law[] = "'how':'KEPT_BY_LAW','legalBasis':'art. 6 ustawy'",
                      destroyed_by_law[] = "'how':'DESTROYED','legalBasis':'art. 6 ustawy'";
    struct kit *k = *state;
    const char *const told[] = {"sw", "sch"};
    struct core_erase_member members[DOSSIERS + 1];
    size_t seq;

    kit_agency(k, "audit");
    kit_unit(k, "aud", "audit", "AUD");
    kit_referral(k, 'R', "sw");
    seq = k->count + 1;
    (void)erase(k, 'R', told, 2, members);
    confirm(k, "sw", seq, kept, E_FIELD, "legalBasis");
    confirm(k, "sw", seq, destroyed_by_law, E_FIELD, "legalBasis");
    confirm(k, "sw", seq + 1, destroyed, E_UNKNOWN, "intendedSeq"); /* that is no intent */
    confirm(k, "ops:SW", seq, destroyed, E_UNKNOWN, "intendedSeq"); /* it was not told */
    confirm(k, "sw", seq, destroyed, E_NONE, "");
    confirm(k, "sw", seq, by_law, E_EXISTS, "intendedSeq");
    confirm(k, "sch", seq, by_law, E_NONE, "");
}

/* What is kept of a unit that was told, as text: "sw told@7 2 of 1-2 destroyed@9 on 2026-03-02". */
static const char *
told_text(const struct kit *k, size_t index, size_t at)
{
    static char text[256];
    struct core_erasure_told told;
    struct core_unit unit;
    int len;

    core_erasure_told(k->core, index, at, &told);
    core_unit(k->core, told.unit, &unit);
    assert_int_equal(told.ts_ms, k->records[told.seq - 1].record.ts_ms);
    len = snprintf(text, sizeof text, "%s told@%zu %zu of %zu-%zu", unit.id, (size_t)told.seq, (size_t)told.records,
                   (size_t)told.from_seq, (size_t)told.to_seq);
    if (told.said_seq != 0) {
        assert_int_equal(told.said_ms, k->records[told.said_seq - 1].record.ts_ms);
        (void)snprintf(text + len, sizeof text - (size_t)len, " %s@%zu on %s",
                       strcmp(told.how, "DESTROYED") == 0 ? "gone" : told.law, (size_t)told.said_seq, told.said_on);
    }
    return text;
}

static void
assert_unanswered(const struct kit *k, const char *unit, size_t count, uint64_t since_seq)
{
    uint64_t since_ms = 7;

    assert_int_equal(core_erasure_unanswered(k->core, unit == NULL ? CORE_UNIT_NONE : kit_index(k, unit), &since_ms),
                     count);
    assert_int_equal(since_ms, since_seq == 0 ? 0 : k->records[since_seq - 1].record.ts_ms);
}

static void
what_became_of_copies_is_kept_for_each_who_was_told(void **state)
{
    struct kit *k = *state;
    const char *const told[] = {"sch", "sw", "sch"}, *const other[] = {"sw"}; /* sch has two notices */
    struct core_erase_member members[DOSSIERS + 1];
    struct core_erasure erasure;
    char expect[128];
    size_t seq, second;

    kit_agency(k, "audit");
    kit_unit(k, "aud", "audit", "AUD");
    kit_referral(k, 'R', "sw");
    kit_open_case(k, "sw", 'C');
    assert_unanswered(k, NULL, 0, 0);
    seq = k->count + 1;
    (void)erase(k, 'R', told, 3, members);
    second = k->count + 1;
    (void)erase(k, 'C', other, 1, members);
    assert_int_equal(core_erasure_from(k->core, 0), 0);
    assert_int_equal(core_erasure_from(k->core, seq), 0);
    assert_int_equal(core_erasure_from(k->core, seq + 1), 1);
    assert_int_equal(core_erasure_from(k->core, second + 1), 2);
    core_erasure(k->core, 0, &erasure);
    assert_int_equal(erasure.seq, seq);
    assert_int_equal(erasure.ts_ms, k->records[seq - 1].record.ts_ms);
    assert_string_equal(erasure.reason, "COURT_ORDER");
    assert_int_equal(erasure.told, 2);
    assert_int_equal(erasure.destroyed + erasure.kept, 0);
    assert_unanswered(k, NULL, 3, seq);
    assert_unanswered(k, "sw", 2, seq);
    assert_unanswered(k, "sch", 1, seq);
    assert_unanswered(k, "ops", 0, 0);

    confirm(k, "sw", seq, "'how':'DESTROYED'", E_NONE, "");
    (void)snprintf(expect, sizeof expect, "sw told@%zu 2 of 1-2 gone@%zu on 2026-03-02", seq + 2, k->count);
    assert_string_equal(told_text(k, 0, 0), expect);
    confirm(k, "sch", seq, "'how':'KEPT_BY_LAW','legalBasis':'art. 6'", E_NONE, "");
    (void)snprintf(expect, sizeof expect, "sch told@%zu 4 of 1-2 art. 6@%zu on 2026-03-02", seq + 1, k->count);
    assert_string_equal(told_text(k, 0, 1), expect);
    core_erasure(k->core, 0, &erasure);
    assert_int_equal(erasure.destroyed, 1);
    assert_int_equal(erasure.kept, 1);
    (void)snprintf(expect, sizeof expect, "sw told@%zu 2 of 1-2", second + 1);
    assert_string_equal(told_text(k, 1, 0), expect);
    assert_unanswered(k, NULL, 1, second);
    assert_unanswered(k, "sw", 1, second);
    assert_unanswered(k, "sch", 0, 0);
}

/* ---- live and folded */

static uint64_t
draw(uint64_t *state, uint64_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state % below;
}

/* Units say what comes to mind; what the rules do not allow is refused and leaves nothing. */
static void
history(struct kit *k, uint64_t *chance, size_t steps)
{
    static const char *const units[] = {"sw", "rec", "sch", "ops:SW", "fa", "dir", "fcc", "ct", "svc"};
    static const char *const lines[][3] = {
        {"referral.submitted", "sw ops", "0 1@p1 6"},
        {"referral.answered", "", "0 6{'status':'accepted'}"},
        {"referral.answered", "", "0 6{'status':'rejected','reasonCode':'OTHER'}"},
        {"case.opened", "", "0 6"},
        {"case.opened", "", "0 6{'path':'IPUS'} 7{'addressProtected':true}"},
        {"sys.participant_added", "", "0{'unit':'fcc','about':['p3']}"},
        {"sys.participant_added", "", "0{'unit':'svc'}"},
        {"sys.participant_removed", "", "0{'unit':'fcc'}"},
        {"info.requested", "sch kur", "0 1@p1 6@p1,p2"},
        {"info.provided", "sw", "0"},
        {"placement.changed", "sch", "0 1@p1 3@p1"},
        {"court.insight_requested", "sw", "0 1@p1"},
        {"case.linked", "", "0{'kind':'SIBLING','otherDossier':'$A'}"},
        {"case.linked", "", "0{'kind':'PREVIOUS','otherDossier':'$B'}"},
        {"case.linked", "", "0{'kind':'MERGED_INTO','otherDossier':'$C'}"},
        {"case.linked", "", "0{'kind':'MERGED_INTO','otherDossier':'$D'}"},
    };
    struct refusal refusal;

    for (size_t i = 0; i < steps; i++) {
        const char *const *line = lines[draw(chance, sizeof lines / sizeof *lines)];

        (void)kit_try(k,
                      &(struct kit_line){.unit = units[draw(chance, sizeof units / sizeof *units)],
                                         .type = line[0],
                                         .dossier = (char)('A' + draw(chance, DOSSIERS)),
                                         .to = line[1],
                                         .sections = line[2]},
                      &refusal);
        k->now_ms += draw(chance, 3600000);
    }
}

static void
assert_same_lists(struct core *a, struct core *b, uint32_t unit)
{
    uint32_t kept[512];
    const uint32_t *list;
    size_t count, other;
    bool all, other_all;

    assert_int_equal(core_unit_entries(a, unit, &list, &count, &all), 0);
    assert_true(count < 512);
    memcpy(kept, list, count * sizeof *kept);
    assert_int_equal(core_unit_entries(b, unit, &list, &other, &other_all), 0);
    assert_int_equal(count, other);
    assert_true(all == other_all);
    assert_memory_equal(kept, list, count * sizeof *kept);
}

/* What every unit is given of every record, and which dossiers it has. */
static void
assert_same_world(const struct kit *k, struct core *a, struct core *b)
{
    for (uint32_t unit = 0; unit < core_unit_count(a); unit++) {
        assert_same_lists(a, b, unit);
        for (size_t i = 0; i < k->count; i++) {
            struct core_view x, y;

            core_view(a, unit, &k->records[i].record, false, &x);
            core_view(b, unit, &k->records[i].record, false, &y);
            assert_int_equal(x.received, y.received);
            assert_int_equal(x.note, y.note);
            assert_int_equal(x.sections, y.sections);
        }
    }
    assert_int_equal(core_dossier_count(a), core_dossier_count(b));
}

static void
forgetting_leaves_of_the_others_what_a_log_with_holes_gives(void **state)
{
    unsigned erased = 0, merged = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct kit *k = calloc(1, sizeof *k);
        struct core_erase_member members[DOSSIERS + 1];
        struct core *holes;
        const char *const told[] = {"sw"};
        uint64_t chance = seed * 0x9e3779b97f4a7c15u;
        size_t count = 0, goes = 0;
        char letter = 'A';
        uint8_t id[16];

        assert_non_null(k);
        kit_create(k);
        kit_enrol_town(k);
        (void)kit_open_case(k, "sw", (char)('A' + draw(&chance, 2)));
        (void)kit_open_case(k, "sw", (char)('C' + draw(&chance, 2)));
        history(k, &chance, 120);
        for (; letter < 'A' + (char)DOSSIERS && count == 0; letter++) {
            id_of(letter, id);
            count = core_erase_group(k->core, id, members, DOSSIERS + 1);
        }
        if (count > 0) {
            letter--;
            for (size_t i = 0; i < count; i++)
                goes += members[i].goes;
            erased++;
            merged += goes > 1;
            (void)erase(k, letter, told, 1, members);
            holes = fold_without(k, members, count);
            assert_same_world(k, k->core, holes);
            /* What comes later finds the same as well: one is put in the other's place. */
            core_swap(k->core, holes);
            core_destroy(&holes);
            holes = fold_without(k, members, count);
            core_swap(k->folded, holes);
            history(k, &chance, 60);
            core_destroy(&holes);
            holes = fold_without(k, members, count);
            assert_same_world(k, k->core, holes);
            core_destroy(&holes);
        }
        kit_destroy(k);
        free(k);
    }
    assert_true(erased > 50);
    assert_true(merged > 3);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(merged_dossiers_go_together_and_linked_ones_stay),
        RULE(recipients_are_those_who_were_given_it_even_if_they_are_given_it_no_more),
        RULE(recipients_are_those_of_the_policy_of_then_too),
        RULE(of_an_erased_dossier_nobody_is_given_anything),
        RULE(who_was_told_hears_erased_and_everybody_else_unknown),
        RULE(who_was_told_says_once_what_became_of_its_copies),
        RULE(what_became_of_copies_is_kept_for_each_who_was_told),
        cmocka_unit_test(forgetting_leaves_of_the_others_what_a_log_with_holes_gives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
