/* test_core_asked_kit - asking in a case, and what units are told that they have to do */
#ifndef TEST_CORE_ASKED_KIT_H
#define TEST_CORE_ASKED_KIT_H

#include "test_core_kit.h"

/* A town with a deadline watcher, "clerk". */
int asked_setup(void **state);

/* Says an event in dossier C; to: units, with spaces between. */
struct kit_record *asked_say(struct kit *k, const char *unit, const char *type, const char *to, const char *sections,
                             const char *header);

/* "D15 sch; D16 fa": the clocks that the unit is told of, on whom each falls, and "(HOLDER)" where that is told; "/"
 * before who is served. */
const char *asked_clocks_of(struct kit *k, const char *unit);
#define CLOCKS(unit, text) assert_string_equal(asked_clocks_of(k, unit), text)

/* What core_work() tells, asked for in pages of so many. */
#define WORK_OF_TEST_MAX 32u
size_t asked_work_list(struct kit *k, const char *unit, struct core_work *ret, size_t page);

/* "QUESTION 12; MEETING 13 2026-04-01": kind, number of the record, and the day where there is one; "ROW 14/2", and
 * ">kur" on whom it falls where that is another; "for paper" an agency that is served. */
const char *asked_work_of(struct kit *k, const char *unit);

/* That work, of that record, and no other. */
void asked_work_is(struct kit *k, const char *unit, const char *kind, const struct kit_record *record, const char *day);
#define NO_WORK(unit) assert_string_equal(asked_work_of(k, unit), "")

/* sw asks in the case; answer_by "": with no date. */
struct kit_record *asked_question(struct kit *k, const char *to, const char *answer_by);

/* fa convenes the meeting of the case: invited as JSON has them. */
struct kit_record *asked_convene(struct kit *k, const char *invited);
/* A case, and a meeting in it to which sch and kur are invited. */
void asked_meeting(struct kit *k);

/* fa issues what was agreed at it: rows, each for an audience, with who is to do it. */
struct kit_record *asked_agree(struct kit *k, const char *rows);
#define ROW(audience, responsible)                                                                                     \
    "6" audience "{'row':{'no':1,'action':'x','responsible':'" responsible "','dueOn':'2026-04-10'}} "

#endif
