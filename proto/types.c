/*
 * types - look-ups in the tables that gen_types.py makes; the roles, which are few and fixed, stand here
 */
#include "types_table.h"

#include <string.h>

const struct type_info *
type_by_number(uint32_t number)
{
    size_t low = 0, high = types_types_count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (types_types[mid].number == number)
            return &types_types[mid];
        if (types_types[mid].number < number)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const struct type_info *
type_by_name(const char *name)
{
    for (size_t i = 0; i < types_types_count; i++)
        if (strcmp(types_types[i].name, name) == 0)
            return &types_types[i];
    return NULL;
}

const struct type_info *
type_at(size_t index)
{
    return index < types_types_count ? &types_types[index] : NULL;
}

size_t
type_count(void)
{
    return types_types_count;
}

/* The tables are constant, so they cannot be in order of address: search by name, then make sure it is the same. */
const struct message_info *
message_info(const ProtobufCMessageDescriptor *desc)
{
    size_t low = 0, high = types_messages_count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(desc->short_name, types_messages[mid].desc->short_name);

        if (order == 0)
            return types_messages[mid].desc == desc ? &types_messages[mid] : NULL;
        if (order > 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

bool
message_has_required(const struct message_info *message)
{
    for (unsigned i = 0; i < message->desc->n_fields; i++)
        if (message->fields[i].required)
            return true;
    return false;
}

static const struct {
    const char *name, *pl, *en;
} roles[ROLE_COUNT] = {
    {NULL, NULL, NULL},
    {"SW", "pracownik socjalny", "social worker"},
    {"INT", "kancelaria, dyżur przyjęć", "reception"},
    {"FA", "asystent rodziny", "family assistant"},
    {"DIR", "dyrektor (kierownik)", "director"},
    {"HEAD", "kierownik działu, koordynator zespołu", "head of a team"},
    {"IC", "koordynator indywidualnych planów usług społecznych", "IPUS coordinator"},
    {"OUS", "organizator usług społecznych", "organiser of social services"},
    {"OSL", "organizator społeczności lokalnej", "organiser of the local community"},
    {"MUN", "pracownik urzędu gminy lub innej jednostki gminy", "municipal worker"},
    {"CT", "sąd rodzinny", "family court"},
    {"KUR", "kurator sądowy", "probation officer"},
    {"SCH", "pedagog, wychowawca", "school counsellor, class teacher"},
    {"FCC", "koordynator rodzinnej pieczy zastępczej", "foster-care coordinator"},
    {"CCF", "wychowawca w placówce opiekuńczo-wychowawczej", "carer in a care facility"},
    {"POL", "dzielnicowy", "community police officer"},
    {"HLT", "lekarz, pielęgniarka, specjalista", "doctor, nurse, specialist"},
    {"SVC", "wykonawca usługi", "service provider"},
    {"IDT", "przewodniczący zespołu interdyscyplinarnego lub grupy diagnostyczno-pomocowej",
     "chair of the interdisciplinary team"},
    {"AUD", "audytor", "auditor"},
    {"ADM", "administrator", "administrator"},
    {"CLERK", "strażnik terminów", "deadline watcher"},
    {"BRK", "broker", "broker"},
};

const char *
role_name(unsigned role)
{
    return role < ROLE_COUNT ? roles[role].name : NULL;
}

const char *
role_label(unsigned role, bool pl)
{
    if (role >= ROLE_COUNT)
        return NULL;
    return pl ? roles[role].pl : roles[role].en;
}

unsigned
role_by_name(const char *name)
{
    for (unsigned role = 1; role < ROLE_COUNT; role++)
        if (strcmp(roles[role].name, name) == 0)
            return role;
    return 0;
}
