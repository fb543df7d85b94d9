/*
 * Who was addressed may write in the dossier, and in those merged with it, for as long as anything stands that
 * addresses it: one thing or a hundred, in whatever order they are recalled. Histories drawn at random against a model
 * that keeps every addressing in a list.
 */
#include "test_core_kit.h"

#include "broker/core/dossier.h"
#include "broker/core/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct kit_record *
say_to(struct kit *k, char dossier, const char *to, const struct kit_record *amended)
{
    return KIT_SAY(k, "sw", "info.provided", dossier, to, "0{'providedOn':'2026-03-02'} 6",
                   amended != NULL ? kit_correcting(amended, "AMENDED") : NULL, NULL);
}

static const struct kit_record *
recall(struct kit *k, char dossier, const struct kit_record *said)
{
    return KIT_SAY(k, "sw", said->event.type->name, dossier, "", "0", kit_correcting(said, "ENTERED_IN_ERROR"), NULL);
}

static bool
may_write(struct kit *k, const char *unit, char dossier)
{
    struct refusal refusal;
    struct kit_line line = {.unit = unit,
                            .type = "info.provided",
                            .dossier = dossier,
                            .to = "",
                            .sections = "0{'providedOn':'2026-03-02'} 6"};

    if (kit_try(k, &line, &refusal) != NULL)
        return true;
    assert_int_equal(refusal.code, E_DOSSIER);
    return false;
}

/* ---- one dossier */

static void
who_was_addressed_many_times_writes_until_the_last_of_them_is_recalled(void **state)
{
    struct kit *k = *state;
    const struct kit_record *said[7];
    const size_t orders[][7] = {{0, 1, 2, 3, 4, 5, 6}, {6, 5, 4, 3, 2, 1, 0}, {2, 4, 0, 6, 1, 3, 5}};

    for (size_t order = 0; order < 3; order++) {
        char dossier = (char)('C' + order);

        kit_open_case(k, "sw", dossier);
        for (size_t i = 0; i < 7; i++)
            said[i] = say_to(k, dossier, i % 2 == 0 ? "sch" : "sch kur", NULL);
        for (size_t i = 0; i < 7; i++) {
            assert_true(may_write(k, "sch", dossier));
            (void)recall(k, dossier, said[orders[order][i]]);
        }
        assert_false(may_write(k, "sch", dossier));
        assert_false(may_write(k, "kur", dossier));
        (void)say_to(k, dossier, "sch", NULL); /* and again, when there is reason to */
        assert_true(may_write(k, "sch", dossier));
    }
}

static void
an_amendment_addresses_with_what_it_amends(void **state)
{
    struct kit *k = *state;
    const struct kit_record *first, *second, *third, *amended;

    kit_open_case(k, "sw", 'C');
    first = say_to(k, 'C', "sch", NULL);
    second = say_to(k, 'C', "sch", NULL);
    third = say_to(k, 'C', "sch", NULL);
    amended = say_to(k, 'C', "sch kur", third);
    amended = say_to(k, 'C', "sch kur", amended);
    (void)recall(k, 'C', first);
    (void)recall(k, 'C', second);
    assert_true(may_write(k, "sch", 'C'));
    assert_true(may_write(k, "kur", 'C'));
    (void)recall(k, 'C', amended); /* all that it said */
    assert_false(may_write(k, "sch", 'C'));
    assert_false(may_write(k, "kur", 'C'));
}

/* ---- merged ones */

static void
what_addressed_in_one_of_two_merged_dossiers_counts_there_after_they_part(void **state)
{
    struct kit *k = *state;
    const struct kit_record *here, *there, *merged;

    kit_open_case(k, "sw", 'C');
    kit_open_case(k, "sw", 'D');
    here = say_to(k, 'C', "sch", NULL);
    merged = KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'MERGED_INTO','otherDossier':'$D'}", NULL, NULL);
    there = say_to(k, 'D', "sch", NULL);
    (void)say_to(k, 'D', "kur", NULL);
    (void)recall(k, 'C', here);
    assert_true(may_write(k, "sch", 'C')); /* one dossier with D, where it still is addressed */
    assert_true(may_write(k, "kur", 'C'));
    (void)recall(k, 'C', merged);
    assert_false(may_write(k, "sch", 'C'));
    assert_false(may_write(k, "kur", 'C'));
    assert_true(may_write(k, "sch", 'D'));
    (void)recall(k, 'D', there);
    assert_false(may_write(k, "sch", 'D'));
    assert_true(may_write(k, "kur", 'D'));
}

/* ---- how much of the state it takes */

static void
a_hundred_addressings_leave_one_relation_and_no_act(void **state)
{
    struct kit *k = *state;
    const struct dossier *c;
    size_t relations = 0;

    kit_open_case(k, "sw", 'C');
    for (size_t i = 0; i < 100; i++)
        (void)say_to(k, 'C', "sch kur svc", NULL);
    c = &k->core->dossiers.at[0];
    for (uint32_t i = 0; i < c->relation_count; i++)
        relations += c->relations[i].kind == RELATION_ADDRESSEE;
    assert_int_equal(relations, 3);
    assert_true(c->act_count <= 2);
}

/* ---- histories */

#define DOSSIERS 3u
#define UNITS    3u
#define SAID_MAX 400u

static const char *const units[UNITS] = {"sch", "kur", "svc"};

/* What the model knows: every addressing and every merge in a list. */
static struct model {
    struct said {
        const struct kit_record *newest;
        char dossier, other; /* other: merged with it, or 0 */
        unsigned to;         /* bits of units */
        bool recalled;
    } said[SAID_MAX];
    size_t count;
} model;

static uint64_t chance;

static uint64_t
draw(uint64_t below)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return chance % below;
}

/* Bits of the dossiers that are one with it. */
static unsigned
group_of(unsigned dossier)
{
    unsigned group = 1u << dossier;

    for (size_t round = 0; round < DOSSIERS; round++)
        for (size_t i = 0; i < model.count; i++) {
            const struct said *s = &model.said[i];
            unsigned both = s->other == 0 ? 0 : 1u << (s->dossier - 'C') | 1u << (s->other - 'C');

            if (!s->recalled && (both & group) != 0)
                group |= both;
        }
    return group;
}

static bool
is_addressed(unsigned unit, unsigned dossier)
{
    unsigned group = group_of(dossier);

    for (size_t i = 0; i < model.count; i++)
        if (!model.said[i].recalled && (group & 1u << (model.said[i].dossier - 'C')) != 0 &&
            (model.said[i].to & 1u << unit) != 0)
            return true;
    return false;
}

static const char *
names_of(unsigned to)
{
    static char text[32];

    text[0] = '\0';
    for (unsigned i = 0; i < UNITS; i++)
        if ((to & 1u << i) != 0) {
            (void)strcat(text, text[0] != '\0' ? " " : "");
            (void)strcat(text, units[i]);
        }
    return text;
}

static void
happens(struct kit *k)
{
    char dossier = (char)('C' + draw(DOSSIERS)), body[128];
    struct said *s = model.count > 0 ? &model.said[draw(model.count)] : NULL;
    unsigned to = (unsigned)draw(1u << UNITS);
    uint64_t what = draw(12);

    for (unsigned tries = 0; tries < 40 && s != NULL && s->recalled; tries++)
        s = &model.said[draw(model.count)];
    if (what < 3 && model.count < SAID_MAX) {
        model.said[model.count++] = (struct said){say_to(k, dossier, names_of(to), NULL), dossier, 0, to, false};
    } else if (what == 3 && model.count < SAID_MAX) {
        char other = (char)('C' + (unsigned)(dossier - 'C' + 1) % DOSSIERS);

        if ((group_of((unsigned)(dossier - 'C')) & 1u << (other - 'C')) != 0)
            return;
        (void)snprintf(body, sizeof body, "0{'kind':'MERGED_INTO','otherDossier':'$%c'}", other);
        model.said[model.count++] = (struct said){KIT_SAY(k, "sw", "case.linked", dossier, "", body, NULL, NULL),
                                                  dossier, other, 0, false};
    } else if (what < 6 && s != NULL && !s->recalled && s->other == 0) {
        s->newest = say_to(k, s->dossier, names_of(to), s->newest);
        s->to |= to;        /* who was given it before it was said otherwise was given it */
    } else if (s != NULL) { /* twice, too */
        (void)recall(k, s->dossier, s->newest);
        s->recalled = true;
    }
}

static void
of_any_history_who_may_write_is_as_a_list_of_all_addressings_says(void **state)
{
    struct kit *k = *state;
    size_t written = 0, refused = 0;

    for (uint64_t seed = 1; seed <= 12; seed++) {
        chance = seed * 0x9e3779b97f4a7c15u;
        model.count = 0;
        kit_teardown((void **)&k);
        k = NULL;
        assert_int_equal(kit_setup((void **)&k), 0);
        for (unsigned i = 0; i < DOSSIERS; i++)
            kit_open_case(k, "sw", (char)('C' + i));
        for (unsigned step = 0; step < 300; step++) {
            unsigned unit = (unsigned)draw(UNITS), dossier = (unsigned)draw(DOSSIERS);
            bool may;

            happens(k);
            may = is_addressed(unit, dossier);
            if (may_write(k, units[unit], (char)('C' + dossier)) != may)
                fail_msg("seed %llu, step %u: %s in %c", (unsigned long long)seed, step, units[unit], 'C' + dossier);
            written += may;
            refused += !may;
        }
    }
    assert_true(written > 500 && refused > 500);
    *state = k;
}

#define ADDRESSED(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ADDRESSED(who_was_addressed_many_times_writes_until_the_last_of_them_is_recalled),
        ADDRESSED(an_amendment_addresses_with_what_it_amends),
        ADDRESSED(what_addressed_in_one_of_two_merged_dossiers_counts_there_after_they_part),
        ADDRESSED(a_hundred_addressings_leave_one_relation_and_no_act),
        ADDRESSED(of_any_history_who_may_write_is_as_a_list_of_all_addressings_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
