/*
 * What the tests of deadlines begin with: the clocks of a dossier as one line of text, and the events of a family with
 * their dates. In all of them k is the kit.
 */
#ifndef TEST_CORE_CLOCKS_KIT_H
#define TEST_CORE_CLOCKS_KIT_H

#include "test_core_kit.h"

#define CLOCKS_OF_TEST_MAX 64u

/* A kit with the town and two deadline watchers, "clerk" and "clerk2". */
int clocks_setup(void **state);
#define CLOCKS_TEST(name) cmocka_unit_test_setup_teardown(name, clocks_setup, kit_teardown)

/* What one of the two found last. */
extern struct core_clock found[CLOCKS_OF_TEST_MAX];
/* All clocks that a unit is given, their number; and of dossiers alone. */
size_t all_clocks(struct kit *k, const char *unit);
size_t clocks(struct kit *k, const char *unit);
/* "2026-01-16", or "-" for DATE_NONE; good for four calls. */
const char *day_text(int32_t day);

/*
 * The dossier's clocks of that id as the deadline watcher is given them, in their order, separated by "; ":
 * "from START [due DUE]", "met DAY", "cancelled"; " urgent" behind. "" for none.
 */
const char *clock_is(struct kit *k, char dossier, const char *id);
#define IS(dossier, id, text) assert_string_equal(clock_is(k, dossier, id), text)

struct kit_record *say(struct kit *k, const char *unit, const char *type, char dossier, const char *to,
                       const char *sections, const char *header);

/* ---- what the events of a family are in these tests */

#define FA_REFERRAL "0{'informationReceivedOn':'2026-01-05'} 1@p1 6{'service':'FAMILY_ASSISTANT'}"

/* The school's referral R to the social worker; his case, which takes it up; its interview. */
struct kit_record *referral(struct kit *k);
struct kit_record *open_case(struct kit *k, char dossier);
void take_up(struct kit *k, char dossier);
struct kit_record *interview(struct kit *k, char dossier);
struct kit_record *assign(struct kit *k, char dossier, const char *day);
struct kit_record *meeting(struct kit *k, char dossier, const char *unit, char id, const char *day, const char *kind);
struct kit_record *close_case(struct kit *k, char dossier, const char *day, const char *s6);
struct kit_record *assess(struct kit *k, char dossier, const char *until, const char *s6);

#endif
