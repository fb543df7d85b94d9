/* See test_worklist_happenings.h. */
#include "test_worklist_happenings.h"

#include <stdio.h>
#include <string.h>

const char *const everyone[EVERYONE] = {"rec", "sw", "fa", "dir", "ic", "sch", "kur", "svc", "ct", "ops", "fcc"};

uint64_t chance;

unsigned
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

struct happening {
    char sections[900], header[160];
    const char *unit, *type, *to;
    char dossier;
};

/* A family's case has its number for a letter; these are of its referral and its meeting. */
static char
referral_of(char family)
{
    return (char)(family + 40);
}

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

static void
submits(struct happening *h)
{
    h->unit = ONE_OF("sch", "kur");
    h->type = "referral.submitted";
    h->to = ONE_OF("sw", "ops", "fa sw");
    h->dossier = referral_of(h->dossier);
    (void)snprintf(h->sections, sizeof h->sections,
                   "0{'informationReceivedOn':'2026-03-01'} 1@p1 6{'service':'OTHER'}");
}

/* ... and says whose turn it is, or does not. */
static void
answer_sections(struct happening *h)
{
    char next[80] = "";

    if (draw(5) != 0)
        (void)snprintf(next, sizeof next, ",'nextAction':{'unit':'%s','due':'2026-03-2%u'}",
                       ONE_OF("sw", "sw", "fa", "dir", "ops"), draw(10));
    (void)snprintf(h->sections, sizeof h->sections,
                   "0{'outcome':'RECEIVED','answeredOn':'2026-03-03'} 6{'status':'%s'%s}",
                   ONE_OF("received", "received", "accepted", "accepted", "accepted", "on-hold", "rejected"), next);
}

static void
answers_the_referral(struct happening *h)
{
    h->unit = ONE_OF("sw", "ops", "fa");
    h->type = "referral.answered";
    h->dossier = referral_of(h->dossier);
    answer_sections(h);
}

static void
takes_it_up(struct happening *h)
{
    h->unit = ONE_OF("sw", "ops:SW");
    h->type = "case.linked";
    (void)snprintf(h->sections, sizeof h->sections, "0{'kind':'REFERRAL_OF','otherDossier':'%s'} 6",
                   kit_id(referral_of(h->dossier)));
}

static void
sends_it_on_or_ends_it(struct happening *h)
{
    bool ends = draw(3) == 0;

    h->unit = ONE_OF("sw", "ops");
    h->type = ends ? "referral.completed" : "referral.forwarded";
    h->dossier = referral_of(h->dossier);
    if (ends)
        (void)snprintf(h->sections, sizeof h->sections, "0{'outcome':'DONE'} 6{'status':'completed'}");
    else
        (void)snprintf(h->sections, sizeof h->sections,
                       "0{'toUnit':'%s','whole':'YES'} 6{'applicantConsent':{'on':'2026-03-02'}}",
                       ONE_OF("sw", "ops", "fa"));
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
    if ((strcmp(type, "meeting.agreements_issued") == 0 || strcmp(type, "referral.answered") == 0) && draw(2) == 0) {
        char dossier = h->dossier;

        if (strcmp(type, "referral.answered") == 0)
            answer_sections(h);
        else
            agrees(h);
        h->dossier = dossier;
        h->unit = r->event.header->actor->unit;
        (void)snprintf(h->header, sizeof h->header, "%s", kit_correcting(r, "AMENDED"));
        return true;
    }
    (void)snprintf(h->header, sizeof h->header, "%s", kit_correcting(r, "ENTERED_IN_ERROR"));
    return true;
}

bool
happens(struct kit *k)
{
    static void (*const kinds[])(struct happening * h) = {asks,
                                                          court_asks,
                                                          convenes,
                                                          meets,
                                                          agrees,
                                                          moves_on,
                                                          submits,
                                                          answers_the_referral,
                                                          answers_the_referral,
                                                          takes_it_up,
                                                          sends_it_on_or_ends_it};
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
