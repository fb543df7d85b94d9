/*
 * registry_file - the institutions, units and registers of an office, written down in one file
 *
 *     [agency cus]
 *     name  = Centrum Usług Społecznych
 *     kinds = CUS, OPS
 *
 *     # Who takes what families tell.
 *     [unit cus-sw]
 *     agencyId = cus
 *     name     = Zespół pracy socjalnej
 *     roles    = SW
 *     key      = cus-sw.key
 *
 *     [programme program-1]
 *     by    = cus-ous
 *     gmina = 326101
 *     from  = 2024-01-01
 *
 * An entry is [KIND ID] and fields of one type of event, by their names in docs/EVENTS.md; a list has commas, what
 * stands behind # at the beginning of a line is for people. `key` may be a key file beside this one. `by` names the
 * unit that says it; without it the administrator does. Values are understood as answer.h says, but for "today" and the
 * like.
 *
 *     KIND           type of event                     says it
 *     agency         sys.agency_enrolled               the administrator
 *     external       sys.external_enrolled             the administrator
 *     unit           sys.unit_enrolled                 the administrator
 *     declaration    sys.declaration_registered        by, a director
 *     programme      sys.programme_registered          by, an organiser of services
 *     qualification  sys.qualification_registered      by, a director
 *     volunteer      sys.volunteer_file_registered     by, a director or head
 *     setting        sys.setting_registered            by, a director; ID is the agency
 *
 * Errors: 0 or a negative errno. Ownership: a file owns all it holds. Threads: any, one at a time for one file.
 */
#ifndef WICI_REGISTRY_FILE_H
#define WICI_REGISTRY_FILE_H

#include "proto/errors.h"
#include "proto/types.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define REGISTRY_ENTRIES_MAX 2000u
#define REGISTRY_LINE_MAX    4096u /* bytes of a line */

struct registry_kind {
    const char *word; /* "agency" */
    const char *type; /* "sys.agency_enrolled" */
    const char *id;   /* the field that the ID of an entry is; NULL: the ID is for people only */
    const char *also; /* together with it, what makes an entry another than one with other values; NULL: nothing */
    const char *role; /* that says it; of several, the first that the unit has */
    bool once;        /* the broker takes it once and never anew */
    bool by;          /* `by` has to be named */
};

struct registry_entry {
    const struct registry_kind *kind;
    const struct type_info *type;
    char *id, *by; /* by: NULL, the administrator */
    unsigned line;
    json_t *body; /* of the section S0 */
};

struct registry_file {
    struct registry_entry *entries;
    size_t count;
};

/* What is wrong with a file: a sentence for gettext, and the word it is about ("" for none), or a refusal. */
struct registry_problem {
    unsigned line; /* 0: of the whole file */
    const char *why;
    char word[80];
    struct refusal refusal; /* where why is NULL */
};

/*
 * Reads a file. On failure *ret is untouched.
 *   -EBADMSG  *problem says what has to be mended
 *   other     the file cannot be read, or there is no memory
 */
int registry_file_read(const char *path, struct registry_file **ret, struct registry_problem *problem);
void registry_file_close(struct registry_file **file);

/* Do these bodies stand for the same thing: the same agency, unit, programme? */
bool registry_same(const struct registry_kind *kind, const json_t *a, const json_t *b);
/* Do they say the same of it? Fields at their default count as left out. */
bool registry_equal(const json_t *a, const json_t *b);

#endif
