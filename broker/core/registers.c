/* Kind, agency and name make one text, so that one table finds them all. */
#include "broker/core/registers.h"

#include "proto/date.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>

#define NAME_SIZE (1u + 8u + ID_LEN_MAX + 1u)

void
registers_clear(struct registers *registers)
{
    strings_clear(&registers->names);
    free(registers->at);
    memset(registers, 0, sizeof *registers);
}

bool
registers_full(const struct registers *registers)
{
    return registers->count > REGISTERS_MAX - AGENCIES_MAX;
}

static void
name_of(enum register_kind kind, uint32_t agency, const char *name, char ret[NAME_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    size_t len = strlen(name);

    ret[0] = (char)('a' + (int)kind);
    for (unsigned i = 0; i < 8; i++)
        ret[1 + i] = digits[agency >> (28 - 4 * i) & 15];
    if (len > ID_LEN_MAX)
        len = ID_LEN_MAX;
    memcpy(ret + 9, name, len);
    ret[9 + len] = '\0';
}

static int32_t
day_of(const char *text)
{
    int32_t day;

    return text != NULL && date_parse(text, &day) == 0 ? day : DATE_NONE;
}

static int
entry_put(struct registers *registers, const char *name, struct register_entry entry)
{
    char text[NAME_SIZE];
    void *at = registers->at;
    int rc;

    name_of((enum register_kind)entry.kind, entry.agency, name, text);
    rc = strings_add(&registers->names, text, &entry.name);
    if (rc == 0)
        rc = array_grow(&at, &registers->cap, registers->count, sizeof *registers->at);
    if (rc != 0)
        return rc;
    registers->at = at;
    if (entry.name == registers->count)
        registers->count++;
    registers->at[entry.name] = entry;
    return 0;
}

int
registers_declaration(struct registers *registers, const struct directory *directory,
                      const Wici__V1__SysDeclarationRegisteredS0 *body)
{
    int rc = 0;

    for (size_t i = 0; i < body->n_agencies && rc == 0; i++) {
        struct register_entry entry = {.kind = REGISTER_DECLARATION,
                                       .agency = directory_agency(directory, body->agencies[i]),
                                       .from = day_of(body->signed_on),
                                       .to = day_of(body->valid_to),
                                       .holds = true};

        if (entry.agency != DIRECTORY_NONE)
            rc = entry_put(registers, "", entry);
    }
    return rc;
}

int
registers_programme(struct registers *registers, const Wici__V1__SysProgrammeRegisteredS0 *body)
{
    struct register_entry entry = {.kind = REGISTER_PROGRAMME,
                                   .agency = DIRECTORY_NONE,
                                   .from = day_of(body->from),
                                   .to = day_of(body->to),
                                   .holds = true};
    size_t len = strlen(body->gmina);

    memcpy(entry.gmina, body->gmina, len < sizeof entry.gmina ? len : sizeof entry.gmina - 1);
    return entry_put(registers, body->programme_id, entry);
}

int
registers_qualification(struct registers *registers, uint32_t agency,
                        const Wici__V1__SysQualificationRegisteredS0 *body)
{
    bool approver = strcmp(body->kind, "IPUS_APPROVER") == 0;
    struct register_entry entry = {.kind = approver ? REGISTER_APPROVER : REGISTER_COORDINATOR,
                                   .agency = agency,
                                   .from = day_of(body->from),
                                   .to = day_of(body->to),
                                   .holds = true};

    return entry_put(registers, body->person_ref, entry);
}

int
registers_volunteer(struct registers *registers, uint32_t agency, const Wici__V1__SysVolunteerFileRegisteredS0 *body)
{
    struct register_entry entry = {.kind = REGISTER_VOLUNTEER,
                                   .agency = agency,
                                   .from = day_of(body->from),
                                   .to = day_of(body->to),
                                   .holds = body->complete != 0};

    return entry_put(registers, body->volunteer_ref, entry);
}

int
registers_setting(struct registers *registers, const struct directory *directory,
                  const Wici__V1__SysSettingRegisteredS0 *body)
{
    struct register_entry entry = {.kind = REGISTER_SETTING,
                                   .agency = directory_agency(directory, body->agency),
                                   .from = day_of(body->from),
                                   .to = day_of(body->to),
                                   .holds = body->on != 0};

    return entry.agency == DIRECTORY_NONE ? 0 : entry_put(registers, body->setting, entry);
}

static const struct register_entry *
entry_find(const struct registers *registers, enum register_kind kind, uint32_t agency, const char *name, int32_t day)
{
    const struct register_entry *entry;
    char text[NAME_SIZE];
    uint32_t number;

    name_of(kind, agency, name, text);
    number = strings_find(&registers->names, text);
    if (number == STRINGS_NONE)
        return NULL;
    entry = &registers->at[number];
    if (!entry->holds || (day != DATE_NONE && (day < entry->from || (entry->to != DATE_NONE && day > entry->to))))
        return NULL;
    return entry;
}

bool
registers_hold(const struct registers *registers, enum register_kind kind, uint32_t agency, const char *name,
               int32_t day)
{
    return entry_find(registers, kind, agency, name, day) != NULL;
}

bool
registers_programme_holds(const struct registers *registers, const char *name, int32_t day, char *const *gmina,
                          size_t count)
{
    const struct register_entry *entry = entry_find(registers, REGISTER_PROGRAMME, DIRECTORY_NONE, name, day);

    if (entry == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(gmina[i], entry->gmina) == 0)
            return true;
    return count == 0;
}
