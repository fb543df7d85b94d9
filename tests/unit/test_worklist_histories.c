/*
 * Work lists over histories drawn at random: families in which people are asked things by questions, courts, meetings
 * and their agreements, paper and mistakes, which are answered, held, amended, recalled and confirmed. At any moment
 * each unit's list, made as wici-agent makes it, must be the one that a replay of the records from the start gives; and
 * nobody may be told of work whose record he is not given.
 */
#include "agents/worklist.h"
#include "test_core_kit.h"

#include "proto/date.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS    4u
#define FAMILIES 20u
#define STEPS    500u
#define PAGE     7u /* small, so that lists go over pages */

static const char *const everyone[] = {"rec", "sw", "fa", "dir", "ic", "sch", "kur", "svc", "ct", "ops", "fcc"};
#define EVERYONE (sizeof everyone / sizeof everyone[0])

static uint64_t chance;
static struct calendar calendar;

static unsigned
draw(unsigned below)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (unsigned)(chance % below);
}

static const char *
one_of(const char *const *list, size_t count)
{
    return list[draw((unsigned)count)];
}
#define ONE_OF(...)                                                                                                    \
    one_of((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* ---- what may happen */

struct happening {
    char sections[900], header[160];
    const char *unit, *type, *to;
    char dossier;
};

static char
meeting_of(char dossier)
{
    return (char)(dossier + 100);
}

static void
asks(struct happening *h)
{
    h->unit = ONE_OF("sw", "fa", "kur");
    h->type = "info.requested";
    h->to = ONE_OF("sch", "kur", "sch kur", "agency:paper", "fa", "ops");
    (void)snprintf(h->sections, sizeof h->sections, "0{'requestedOn':'2026-03-01'%s} 6",
                   draw(2) == 0 ? ",'answerBy':'2026-03-20'" : "");
}

static void
court_asks(struct happening *h)
{
    h->unit = "ct";
    h->type = "court.opinion_requested";
    h->to = ONE_OF("sw", "fa", "fa kur");
    (void)snprintf(h->sections, sizeof h->sections, "0{'requestedOn':'2026-03-01','dueOn':'2026-03-2%u'} 1@p1 5",
                   draw(10));
}

static void
convenes(struct happening *h)
{
    h->unit = ONE_OF("sw", "fa");
    h->type = "meeting.convened";
    (void)snprintf(h->sections, sizeof h->sections,
                   "0{'meetingId':'%s','startsAt':'2026-04-0%uT10:00:00+02:00','status':'%s','revision':%u} "
                   "6{'kind':'CONSULTATION','chairRole':'SW','invited':[{'unit':'%s'},{'unit':'%s'}]}",
                   kit_id(meeting_of(h->dossier)), 1 + draw(9), draw(6) == 0 ? "cancelled" : "booked", 1 + draw(4),
                   ONE_OF("sch", "kur", "paper"), ONE_OF("sch", "svc", "fa"));
}

static void
meets(struct happening *h)
{
    h->unit = ONE_OF("sw", "fa");
    h->type = "meeting.held";
    (void)snprintf(h->sections, sizeof h->sections,
                   "0{'meetingId':'%s','heldOn':'2026-03-1%u'} 6{'kind':'CONSULTATION','chairRole':'SW','attendance':[{"
                   "'role':'SW','signed':true},{'role':'FA','signed':true}]}",
                   kit_id((char)(meeting_of(h->dossier) + 30 * (char)draw(2))), draw(10));
}

static void
agrees(struct happening *h)
{
    h->unit = ONE_OF("sw", "fa");
    h->type = "meeting.agreements_issued";
    (void)snprintf(
        h->sections, sizeof h->sections,
        "0{'meetingId':'%s'} 6=sch,kur{'row':{'no':1,'action':'x','responsible':'%s','dueOn':'2026-03-2%u'}} "
        "6{'row':{'no':2,'action':'x','responsible':'%s'%s}}",
        kit_id(meeting_of(h->dossier)), ONE_OF("sch", "kur", "school", "SCH", "svc", "matka"), draw(10),
        ONE_OF("sw", "fa", "matka", "sch", "paper"), ONE_OF("", ",'dueOn':'2026-04-11'"));
}

static void
moves_on(struct happening *h)
{
    static const struct {
        const char *unit, *type, *sections;
    } steps[] = {
        {"sw", "case.interview_completed", "0{'interviewOn':'2026-03-02'} 6{'conclusion':'ASSISTANT_NEEDED'}"},
        {"sw", "case.assistant_requested", "0 6"},
        {"dir", "case.assistant_assigned", "0{'unit':'fa','assignedOn':'2026-03-03','assistantRef':'ala'}"},
        {"fa", "case.assessment_recorded", "0{'periodTo':'2026-03-05'} 6{'kind':'PERIODIC'}"},
        {"sw", "case.worker_set",
         "0{'role':'SW','personRef':'ola','unit':'sw','kind':'SUBSTITUTE','from':'2026-02-01'}"},
        {"sw", "sys.participant_added", "0{'unit':'fcc'}"},
        {"sw", "case.closed", "0{'closedOn':'2026-03-09'} 6{'reason':'NO_NEED'}"},
    };
    unsigned at = draw(4 + draw(4));

    h->unit = steps[at].unit;
    h->type = steps[at].type;
    (void)snprintf(h->sections, sizeof h->sections, "%s", steps[at].sections);
    if (at == 2)
        (void)snprintf(h->header, sizeof h->header, "'lateEntry':true");
}

/* Answers, corrects or confirms some record of the history. */
static bool
refers(const struct kit *k, struct happening *h)
{
    const struct kit_record *r = &k->records[draw((unsigned)k->count)];
    const char *type = r->event.type->name;

    if (!r->event.has_dossier || strncmp(type, "sys.", 4) == 0)
        return false;
    h->dossier = (char)r->event.dossier_id[15];
    h->unit = one_of(everyone, EVERYONE);
    (void)snprintf(h->sections, sizeof h->sections, "0");
    if (strcmp(r->event.header->correction, "ENTERED_IN_ERROR") == 0) {
        h->type = "sys.recall_confirmed";
        (void)snprintf(h->header, sizeof h->header, "%s", kit_answering(r));
        (void)snprintf(h->sections, sizeof h->sections,
                       "0{'recalledEvent':'%s','how':'DESTROYED','confirmedOn':'2026-03-04'}",
                       r->event.header->corrects_event_id);
        return true;
    }
    if (draw(3) == 0 && strcmp(type, "info.requested") == 0) {
        h->type = "info.provided";
        (void)snprintf(h->header, sizeof h->header, "%s", kit_answering(r));
        (void)snprintf(h->sections, sizeof h->sections, "0 6{'docKind':'INFORMATION'}");
        return true;
    }
    if (draw(3) == 0 && strcmp(type, "court.opinion_requested") == 0) {
        h->type = "court.opinion_delivered";
        h->to = "ct";
        (void)snprintf(h->header, sizeof h->header, "%s", kit_answering(r));
        (void)snprintf(h->sections, sizeof h->sections, "0{'deliveredOn':'2026-03-07'} 5 6=ct");
        return true;
    }
    if (draw(4) != 0 || strcmp(type, "case.opened") == 0)
        return false;
    h->unit = r->event.header->actor->unit;
    h->type = type;
    if (strcmp(type, "meeting.agreements_issued") == 0 && draw(2) == 0) {
        char dossier = h->dossier;

        agrees(h);
        h->dossier = dossier;
        h->unit = r->event.header->actor->unit;
        (void)snprintf(h->header, sizeof h->header, "%s", kit_correcting(r, "AMENDED"));
        return true;
    }
    (void)snprintf(h->header, sizeof h->header, "%s", kit_correcting(r, "ENTERED_IN_ERROR"));
    return true;
}

static bool
happens(struct kit *k)
{
    static void (*const kinds[])(struct happening * h) = {asks, court_asks, convenes, meets, agrees, moves_on};
    struct happening h = {.to = "", .dossier = (char)(1 + draw(FAMILIES))};
    struct refusal refusal;

    if (draw(3) == 0) {
        if (!refers(k, &h))
            return false;
    } else {
        kinds[draw(sizeof kinds / sizeof kinds[0])](&h);
    }
    return kit_try(k,
                   &(const struct kit_line){.unit = h.unit,
                                            .type = h.type,
                                            .dossier = h.dossier,
                                            .to = h.to,
                                            .sections = h.sections,
                                            .header = h.header[0] != '\0' ? h.header : NULL},
                   &refusal) != NULL;
}

/* ---- lists, as the broker tells what they are made of and wici-agent makes them */

static const char *
unit_id(const struct core *core, uint32_t unit)
{
    struct core_unit u;

    if (unit == CORE_UNIT_NONE)
        return "";
    core_unit(core, unit, &u);
    return u.id;
}

static json_t *
dossier_json(const uint8_t id[16])
{
    char text[37];

    uuid_format(id, text);
    return json_string(text);
}

static json_t *
day_json(int32_t day)
{
    char text[DATE_TEXT_SIZE] = "";

    if (day != CORE_DAY_NONE)
        date_format(day, text);
    return json_string(text);
}

static json_t *
clocks_json(const struct core *core, uint32_t unit)
{
    struct core_clock found[PAGE];
    struct core_clocks_at at = {0};
    json_t *all = json_array();

    do {
        size_t count = core_clocks(core, unit, &at, found, PAGE);

        for (size_t i = 0; i < count; i++)
            (void)json_array_append_new(
                all, json_pack("{s:o, s:s, s:I, s:i, s:o, s:o, s:b, s:b, s:s, s:s, s:s, s:s}", "dossier",
                               dossier_json(found[i].dossier_id), "clock", clock_info(found[i].clock)->id, "startSeq",
                               (json_int_t)found[i].start_seq, "item", (int)found[i].item, "startedOn",
                               day_json(found[i].started), "due", day_json(found[i].due), "named", (int)found[i].named,
                               "served", (int)found[i].served, "holder", unit_id(core, found[i].holder), "unit",
                               unit_id(core, found[i].unit), "head", unit_id(core, found[i].head), "worker",
                               found[i].worker != NULL ? found[i].worker : ""));
    } while (at.seq != 0);
    return all;
}

static const char *
kind_word(enum core_work_kind kind)
{
    static const char *const words[] = {"QUESTION", "INVITATION", "MEETING", "RECALL", "ASSISTANT",
                                        "APPROVAL", "RETURNED",   "ROW",     "OUTSIDE"};

    return words[kind];
}

/* What the broker would leave out (query_work.c): a recall that is not the unit's to confirm, a record it is not given.
 */
static bool
is_told(const struct kit *k, const struct core *core, uint32_t unit, const struct core_work *work)
{
    const struct core_record *record = &k->records[work->seq - 1].record;
    struct core_view view;

    if (work->kind == CORE_WORK_RECALL &&
        !core_must_confirm(core, unit, record, &k->records[record->note->corrects_seq - 1].record))
        return false;
    core_view(core, work->agency != CORE_UNIT_NONE ? work->agency : unit, record, false, &view);
    return view.received;
}

static json_t *
work_json(const struct kit *k, const struct core *core, uint32_t unit)
{
    struct core_work found[PAGE];
    struct core_work_at at = {0};
    json_t *all = json_array();

    do {
        size_t count = core_work(core, unit, &at, found, PAGE);

        for (size_t i = 0; i < count; i++)
            if (is_told(k, core, unit, &found[i]))
                (void)json_array_append_new(all, json_pack("{s:o, s:s, s:I, s:o, s:I, s:s, s:s, s:i}", "dossier",
                                                           dossier_json(found[i].dossier_id), "kind",
                                                           kind_word(found[i].kind), "seq", (json_int_t)found[i].seq,
                                                           "due", day_json(found[i].due), "tsMs",
                                                           (json_int_t)k->records[found[i].seq - 1].record.ts_ms,
                                                           "agency", unit_id(core, found[i].agency), "fallsTo",
                                                           unit_id(core, found[i].unit), "item", (int)found[i].item));
    } while (at.seq != 0);
    return all;
}

static json_t *
list_of(const struct kit *k, const struct core *core, const char *unit)
{
    uint32_t index = core_unit_by_id(core, unit);
    struct worklist_answers answers = {
        .clocks = clocks_json(core, index), .courses = json_array(), .work = work_json(k, core, index)};
    struct worklist_options options = {.unit = unit, .rules = "", .calendar = &calendar};
    json_t *list = NULL;

    assert_int_equal(date_parse("2026-03-25", &options.today), 0);
    assert_int_equal(worklist_make(&options, &answers, &list), 0);
    worklist_answers_free(&answers);
    return list;
}

/* ---- what must hold */

/* Of a replay in which the record `without` is missing; 0: of all of them. */
static struct core *
replay(const struct kit *k, uint64_t without)
{
    struct core *again = NULL;

    assert_int_equal(core_create(&again), 0);
    for (size_t i = 0; i < k->count; i++)
        if (k->records[i].record.seq != without)
            assert_int_equal(core_apply(again, &k->records[i].record), 0);
    return again;
}

static bool
same_lists(const struct kit *k, const struct core *a, const struct core *b, size_t *ret_tasks)
{
    bool same = true;

    for (size_t i = 0; i < EVERYONE; i++) {
        json_t *x = list_of(k, a, everyone[i]), *y = list_of(k, b, everyone[i]);

        same = same && json_equal(x, y) != 0;
        *ret_tasks += json_array_size(json_object_get(x, "tasks"));
        json_decref(x);
        json_decref(y);
    }
    return same;
}

/* Who only was asked is given the record that asks; so nobody learns of a family by his work list. */
static void
nobody_is_told_more_than_he_was_given(const struct kit *k)
{
    for (size_t u = 0; u < EVERYONE; u++) {
        uint32_t unit = kit_index(k, everyone[u]);
        struct core_clock found[PAGE];
        struct core_clocks_at at = {0};

        do {
            size_t count = core_clocks(k->core, unit, &at, found, PAGE);

            for (size_t i = 0; i < count; i++) {
                struct core_view view;

                if (found[i].holder != CORE_UNIT_NONE)
                    continue; /* holds it, or is told by office or part */
                /* Of an agency that it serves it is told what that one is told. */
                core_view(k->core, found[i].served ? found[i].unit : unit, &k->records[found[i].start_seq - 1].record,
                          false, &view);
                assert_true(view.received);
                assert_true(found[i].served || found[i].unit == unit);
            }
        } while (at.seq != 0);
    }
}

static void
town(struct kit *k)
{
    kit_create(k);
    kit_enrol_town(k);
    KIT_SAY(k, "adm", "sys.external_enrolled", 0, "",
            "0{'agencyId':'paper','name':'P','kinds':['SCHOOL'],'servedBy':'rec','channel':'PAPER'}", NULL, NULL);
    for (char family = 1; family <= (char)FAMILIES; family++)
        KIT_SAY(k, draw(2) == 0 ? "sw" : "ops:SW", "case.opened", family, "",
                "0{'openedOn':'2026-03-01','proceedingStartedOn':'2026-03-01'} 1@p1 6{'path':'ORDINARY'}", NULL, NULL);
}

static void
whatever_is_asked_a_replay_gives_every_unit_the_same_list(void **state)
{
    size_t tasks = 0, taken = 0;

    (void)state;
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        struct kit *k = calloc(1, sizeof *k);

        assert_non_null(k);
        chance = seed * 0x9e3779b97f4a7c15u;
        town(k);
        for (unsigned i = 0; i < STEPS; i++) {
            taken += happens(k);
            if (i % 100 != 99)
                continue;
            assert_true(same_lists(k, k->core, k->folded, &tasks)); /* as it is applied live, without its sections */
            nobody_is_told_more_than_he_was_given(k);
        }
        {
            struct core *again = replay(k, 0);

            assert_true(same_lists(k, k->core, again, &tasks));
            core_destroy(&again);
        }
        kit_destroy(k);
        free(k);
    }
    print_message("%zu events taken, %zu tasks compared\n", taken, tasks);
    assert_true(taken > 100 * SEEDS); /* most that is drawn comes at a wrong time, and is refused */
    assert_true(tasks > 1000);
}

/* A checker that could not tell would say the same of a replay that lost a question. */
static void
a_replay_that_lost_a_record_that_asks_is_told_apart(void **state)
{
    struct kit *k = calloc(1, sizeof *k);
    const struct kit_record *asked;
    struct core *again;
    size_t tasks = 0;

    (void)state;
    assert_non_null(k);
    chance = 7;
    town(k);
    KIT_SAY(k, "sw", "case.opened", 90, "", "0{'openedOn':'2026-03-01'} 1@p1 6{'path':'ORDINARY'}", NULL, NULL);
    asked = KIT_SAY(k, "sw", "info.requested", 90, "sch", "0{'requestedOn':'2026-03-01'} 6", NULL, NULL);
    again = replay(k, asked->record.seq);
    assert_false(same_lists(k, k->core, again, &tasks));
    core_destroy(&again);
    kit_destroy(k);
    free(k);
}

static int
setup(void **state)
{
    static const char holidays[] = "easter +1\nfixed 05-01\n";
    unsigned line;

    (void)state;
    return calendar_parse(&calendar, holidays, sizeof holidays - 1, &line);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_is_asked_a_replay_gives_every_unit_the_same_list),
        cmocka_unit_test(a_replay_that_lost_a_record_that_asks_is_told_apart),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
