/* Reading bodies by offset is safe because facts_section_known() first compares the body's descriptor. */
#include "broker/core/facts.h"
#include "proto/date.h"

#include <assert.h>
#include <string.h>

bool
facts_section_known(const struct event *event, size_t section)
{
    const struct event_section *s = &event->sections[section];

    return event->type != NULL && s->cls < TYPE_CLASSES && s->id == section_id(event->type->number, s->cls) &&
           s->body != NULL && event->type->body[s->cls] != NULL &&
           s->body->descriptor == event->type->body[s->cls]->desc;
}

const void *
facts_next(const struct event *event, unsigned cls, size_t *at)
{
    while (*at < event->section_count) {
        size_t section = (*at)++;

        if (event->sections[section].cls == cls && facts_section_known(event, section))
            return event->sections[section].body;
    }
    return NULL;
}

const char *
facts_text_at(const struct event *event, unsigned cls, size_t offset, size_t *ret_section)
{
    const void *body;

    for (size_t at = 0; (body = facts_next(event, cls, &at)) != NULL;) {
        const char *text;

        memcpy(&text, (const char *)body + offset, sizeof text);
        if (text != NULL && text[0] != '\0') {
            if (ret_section != NULL)
                *ret_section = at - 1;
            return text;
        }
    }
    if (ret_section != NULL)
        *ret_section = 0;
    return "";
}

unsigned
facts_family(uint32_t type)
{
    return type / 100;
}

bool
facts_sys_in_dossier(uint32_t type)
{
    switch (type) {
    case WICI__V1__EVENT_TYPE__SYS_PARTICIPANT_ADDED:
    case WICI__V1__EVENT_TYPE__SYS_PARTICIPANT_REMOVED:
    case WICI__V1__EVENT_TYPE__SYS_DELIVERED_OUTSIDE:
    case WICI__V1__EVENT_TYPE__SYS_RECALL_CONFIRMED:
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_APPROACHING:
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_MISSED:
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_MET:
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_CANCELLED: return true;
    default: return false;
    }
}

const Wici__V1__Deadline *
facts_deadline(const struct event *event)
{
    const void *body;
    size_t at = 0;

    switch (event->type->number) {
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_APPROACHING:
        body = facts_next(event, 0, &at);
        return body == NULL ? NULL : ((const Wici__V1__SysDeadlineApproachingS0 *)body)->deadline;
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_MISSED:
        body = facts_next(event, 0, &at);
        return body == NULL ? NULL : ((const Wici__V1__SysDeadlineMissedS0 *)body)->deadline;
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_MET:
        body = facts_next(event, 0, &at);
        return body == NULL ? NULL : ((const Wici__V1__SysDeadlineMetS0 *)body)->deadline;
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_CANCELLED:
        body = facts_next(event, 0, &at);
        return body == NULL ? NULL : ((const Wici__V1__SysDeadlineCancelledS0 *)body)->deadline;
    default: return NULL;
    }
}

const char *
facts_agency(const struct event *event)
{
    const Wici__V1__Deadline *deadline = facts_deadline(event);

    return deadline == NULL ? "" : deadline->agency;
}

bool
facts_is_deadline(uint32_t type)
{
    return type >= TYPE_DEADLINE_FIRST && type <= TYPE_DEADLINE_LAST;
}

bool
facts_ref(const struct event *event, uint8_t ret[16])
{
    const char *text = "";

    switch (event->type->number) {
    case WICI__V1__EVENT_TYPE__MEETING_CONVENED:
        text = FACTS_TEXT(event, 0, Wici__V1__MeetingConvenedS0, meeting_id);
        break;
    case WICI__V1__EVENT_TYPE__MEETING_HELD: text = FACTS_TEXT(event, 0, Wici__V1__MeetingHeldS0, meeting_id); break;
    case WICI__V1__EVENT_TYPE__MEETING_AGREEMENTS_ISSUED:
        text = FACTS_TEXT(event, 0, Wici__V1__MeetingAgreementsIssuedS0, meeting_id);
        break;
    case WICI__V1__EVENT_TYPE__IPUS_AGREED: text = FACTS_TEXT(event, 0, Wici__V1__IpusAgreedS0, ipus_id); break;
    case WICI__V1__EVENT_TYPE__IPUS_UPDATED: text = FACTS_TEXT(event, 0, Wici__V1__IpusUpdatedS0, ipus_id); break;
    case WICI__V1__EVENT_TYPE__IPUS_APPROVED: text = FACTS_TEXT(event, 0, Wici__V1__IpusApprovedS0, ipus_id); break;
    case WICI__V1__EVENT_TYPE__IPUS_SERVICE_REPORTED:
        text = FACTS_TEXT(event, 0, Wici__V1__IpusServiceReportedS0, ipus_id);
        break;
    case WICI__V1__EVENT_TYPE__IPUS_CONCLUDED: text = FACTS_TEXT(event, 0, Wici__V1__IpusConcludedS0, ipus_id); break;
    default: return false;
    }
    return uuid_parse(text, ret) == 0;
}

static void
person_add(const char *person, const char *ret[FACTS_PERSONS_MAX], size_t *count)
{
    if (person == NULL || person[0] == '\0' || *count == FACTS_PERSONS_MAX)
        return;
    for (size_t i = 0; i < *count; i++)
        if (strcmp(ret[i], person) == 0)
            return;
    ret[(*count)++] = person;
}

/* Every Person in the body, wherever the type keeps it. Bodies of S1 hold them directly, alone or in a list. */
static void
persons_of_body(const ProtobufCMessage *body, const char *ret[FACTS_PERSONS_MAX], size_t *count)
{
    const ProtobufCMessageDescriptor *desc = body->descriptor;

    for (unsigned i = 0; i < desc->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &desc->fields[i];
        const void *at = (const char *)body + field->offset;
        size_t n = 1;
        const Wici__V1__Person *const *persons;

        if (field->type != PROTOBUF_C_TYPE_MESSAGE || field->descriptor != &wici__v1__person__descriptor)
            continue;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            memcpy(&n, (const char *)body + field->quantifier_offset, sizeof n);
            memcpy(&persons, at, sizeof persons);
        } else {
            persons = at;
        }
        for (size_t j = 0; j < n; j++)
            if (persons[j] != NULL)
                person_add(persons[j]->person_ref, ret, count);
    }
}

size_t
facts_persons(const struct event *event, const char *ret[FACTS_PERSONS_MAX])
{
    const void *body;
    size_t count = 0;

    for (size_t i = 0; i < event->section_count; i++) {
        const Wici__V1__Section *section = event->sections[i].section;

        for (size_t j = 0; j < section->n_subjects; j++)
            person_add(section->subjects[j], ret, &count);
    }
    for (size_t at = 0; (body = facts_next(event, 1, &at)) != NULL;)
        persons_of_body(body, ret, &count);
    return count;
}

const Wici__V1__ServiceRow *
facts_row(const struct event *event, size_t section)
{
    const void *body = event->sections[section].body;

    if (event->sections[section].cls != 6 || !facts_section_known(event, section))
        return NULL;
    if (event->type->number == WICI__V1__EVENT_TYPE__IPUS_AGREED)
        return ((const Wici__V1__IpusAgreedS6 *)body)->row;
    if (event->type->number == WICI__V1__EVENT_TYPE__IPUS_UPDATED)
        return ((const Wici__V1__IpusUpdatedS6 *)body)->row;
    return NULL;
}

bool
facts_is_recall(const struct event *event)
{
    const char *correction = event->header->correction;

    return correction[0] != '\0' && strcmp(correction, "ENTERED_IN_ERROR") == 0; /* asked often, and seldom there */
}

int32_t
facts_day(const char *date)
{
    int32_t day;

    return date != NULL && date_parse(date, &day) == 0 ? day : DATE_NONE;
}

uint64_t
facts_day_end_ms(const char *date)
{
    int32_t day;

    return date_parse(date, &day) == 0 && day >= 0 ? date_end(day) - 1 : 0;
}

bool
facts_same(const char *a, const char *b)
{
    return a != NULL && strcmp(a, b) == 0;
}
