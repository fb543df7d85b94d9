/* What a correction makes of the marks of the record that it corrects. */
#include "broker/core/marks.h"

#include "broker/core/state.h"

/*
 * The same clock, or sign, from the same day. What is named after the event keeps the name of the one corrected. A
 * clock is told apart from others by its event, its day and its item, and by no key: another service, or another
 * meeting, is no other clock.
 */
static bool
says_same(const struct mark *a, const struct mark *b)
{
    return a->says == b->says && a->item == b->item && a->day == b->day &&
           (a->key == b->key || mark_sign(a) == SIGN_START);
}

static bool
is_named_after_event(const struct mark *mark)
{
    return mark_clock(mark) == CLOCK_D3 || mark_clock(mark) == CLOCK_D12 || mark_clock(mark) == CLOCK_D18 ||
           (mark_clock(mark) == CLOCK_D15 && mark->key != 0);
}

static void
keep_name(const struct marks *marks, uint64_t seq, struct mark *said)
{
    for (uint16_t i = 0; i < marks->count; i++)
        if (marks->at[i].seq == seq && marks->at[i].says == said->says)
            said->key = marks->at[i].key;
}

static struct mark *
find_same(struct marks *marks, uint64_t seq, const struct mark *said)
{
    for (uint16_t i = 0; i < marks->count; i++)
        if (marks->at[i].seq == seq && says_same(&marks->at[i], said))
            return &marks->at[i];
    return NULL;
}

void
marks_recall(struct marks *marks, uint64_t seq)
{
    for (uint16_t i = 0; i < marks->count; i++)
        if (marks->at[i].seq == seq)
            marks->at[i].flags |= MARK_RECALLED;
}

int
marks_amend(struct marks *marks, uint64_t seq, struct mark *said, size_t count)
{
    int rc = 0;

    marks_recall(marks, seq);
    for (size_t i = 0; i < count && rc == 0; i++) {
        struct mark *old;

        if (is_named_after_event(&said[i]))
            keep_name(marks, seq, &said[i]);
        old = find_same(marks, seq, &said[i]);
        if (old == NULL) {
            rc = marks_add(marks, &said[i]);
            continue;
        }
        old->flags = said[i].flags;
        old->key = said[i].key;
        if (said[i].due == 0 || said[i].due == old->due)
            continue; /* of a term it is what was told */
        old->due = said[i].due;
        old->told &= CORE_TOLD_MET | CORE_TOLD_CANCELLED; /* of another date nobody was reminded */
    }
    return rc;
}
