/*
 * registers - what agencies registered that rules ask for: declarations, programmes, qualifications, volunteers' files
 *
 * A projection of sys.917 to sys.920, and of sys.931: settings of agencies. An entry says of a name that something
 * holds from a day to a day; a later entry of the same kind, agency and name takes its place. A declaration is one
 * entry for each agency that signed it.
 *
 * Ownership: copies what it is given. Look-ups take the same time however much is registered.
 */
#ifndef CORE_REGISTERS_H
#define CORE_REGISTERS_H

#include "broker/core/directory.h"
#include "broker/core/strings.h"
#include "proto/date.h" /* DATE_NONE */
#include "wici/v1/sys.pb-c.h"

#include <stdbool.h>

enum register_kind {
    REGISTER_DECLARATION,
    REGISTER_PROGRAMME,
    REGISTER_COORDINATOR,
    REGISTER_APPROVER,
    REGISTER_VOLUNTEER,
    REGISTER_SETTING
};

struct register_entry {
    uint32_t name;   /* in names */
    uint32_t agency; /* whose entry it is; DIRECTORY_NONE: everybody's */
    int32_t from, to;
    uint8_t kind; /* enum register_kind */
    bool holds;
    char gmina[8]; /* of a programme */
};

struct registers {
    struct strings names;      /* "kind agency name": one text for what replaces one another */
    struct register_entry *at; /* by number in names */
    uint32_t count, cap;
};

void registers_clear(struct registers *registers);
bool registers_full(const struct registers *registers);

/* -ENOMEM */
int registers_declaration(struct registers *registers, const struct directory *directory,
                          const Wici__V1__SysDeclarationRegisteredS0 *body);
int registers_programme(struct registers *registers, const Wici__V1__SysProgrammeRegisteredS0 *body);
int registers_qualification(struct registers *registers, uint32_t agency,
                            const Wici__V1__SysQualificationRegisteredS0 *body);
int registers_volunteer(struct registers *registers, uint32_t agency,
                        const Wici__V1__SysVolunteerFileRegisteredS0 *body);

int registers_setting(struct registers *registers, const struct directory *directory,
                      const Wici__V1__SysSettingRegisteredS0 *body);

/* It holds on that day; DATE_NONE: on some day. agency: of a declaration that which signed, of a programme
 * DIRECTORY_NONE. name: the person, the volunteer, the programme; "" of a declaration. */
bool registers_hold(const struct registers *registers, enum register_kind kind, uint32_t agency, const char *name,
                    int32_t day);
/* The same, and the programme is of one of these municipalities; none named: of any. */
bool registers_programme_holds(const struct registers *registers, const char *name, int32_t day, char *const *gmina,
                               size_t count);

#endif
