/*
 * shown_ask - of what was gathered, what the asker of shown.h may be told, as of now
 */
#include "broker/access.h"
#include "broker/piece.h"
#include "broker/shown_job.h"
#include "proto/document.h"

#include <errno.h>
#include <string.h>

/* Which of the documents that the view gives the number-th of the record is, from 1; 0: it does not give that one. */
static uint32_t
number_given(const struct record *record, const struct core_view *view, uint32_t number)
{
    struct document_walk read = {.section = 0}, walk = {.section = 0};
    uint32_t at = 0, given = 0;

    while (at < number && document_next(&record->event, &read))
        at++;
    while (at > 0 && at == number && document_next(&record->event, &walk)) {
        given += (view->sections >> walk.section & 1u) != 0;
        if ((view->sections >> walk.section & 1u) != 0 && memcmp(walk.digest, read.digest, DIGEST_SIZE) == 0)
            return given;
    }
    return 0;
}

/* Of what record a question was, and of what document, as far as the asker may see them. */
static int
ask_of_question(struct broker *b, struct shown *s, struct store_slice *slice, struct shown_read *read)
{
    bool document = strcmp(read->question, ACCESS_DOCUMENT) == 0;
    struct core_view view;
    struct record record;
    int rc;

    if (s->auditor) {
        read->told_seq = read->of_seq;
        read->told_document = read->document;
        return 0;
    }
    rc = shown_load(b, slice, read->of_seq, &record);
    if (rc != 0)
        return rc == -ENOENT ? 0 : rc;
    core_view(b->core, s->unit, &record.core, false, &view);
    if (document)
        read->told_document = number_given(&record, &view, read->document);
    if (view.received && (!document || read->told_document != 0))
        read->told_seq = read->of_seq;
    return 0;
}

static int
ask_of_event(struct broker *b, struct shown *s, struct store_slice *slice, struct shown_event *event)
{
    struct core_view view;
    struct record record;
    int rc = shown_load(b, slice, event->seq, &record);

    if (rc != 0)
        return rc == -ENOENT ? 0 : rc;
    core_view(b->core, s->unit, &record.core, false, &view);
    event->asker_sees = view.received;
    event->asker_classes = shown_classes(&view, &record.event);
    return 0;
}

/* Each event that was looked at, then each read. */
int
shown_ask(struct broker *b, struct shown *s, struct store_slice *slice, struct piece *piece, bool *ret_done)
{
    unsigned looked = 0;
    int rc;

    for (; s->at < s->event_folded + s->read_count; s->at++) {
        struct shown_event *event = s->at < s->event_folded ? &s->events[s->at] : NULL;
        struct shown_read *read = event == NULL ? &s->reads[s->at - s->event_folded] : NULL;

        if (event != NULL) {
            event->asker_sees = s->auditor && event->type != 0;
            event->asker_classes = UINT8_MAX;
        }
        if (event != NULL ? s->auditor || event->type == 0 : read->of_seq == 0)
            continue;
        if (piece_looks(looked++) && piece_is_over(piece))
            return 0;
        rc = event != NULL ? ask_of_event(b, s, slice, event) : ask_of_question(b, s, slice, read);
        if (rc != 0)
            return rc;
    }
    *ret_done = true;
    return 0;
}
