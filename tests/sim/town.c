/*
 * town - see town.h
 */
#include "tests/sim/town.h"

#include "tests/sim/fate.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct town_agency agencies[] = {
    {"op", "OPS", false},
    {"cus", "CUS", false},
    {"school", "SCHOOL", false},
    {"court", "COURT", false},
    {"kurs", "PROBATION", false},
    {"provider", "PROVIDER", false},
    {"foster", "FOSTER_ORG", false},
    {"gops", "OPS", false},
    {"audit", "AUDIT", false},
    {"police", "POLICE", true},
};

static struct town_unit units[] = {
    {"adm", "op", "ADM", false, "", ""},     {"sw", "cus", "SW", false, "", ""},
    {"sw2", "cus", "SW", false, "", ""},     {"fa", "cus", "FA", false, "", ""},
    {"dir", "cus", "DIR", false, "", ""},    {"rec", "cus", "INT", false, "", ""},
    {"ic", "cus", "IC", false, "", ""},      {"ous", "cus", "OUS", false, "", ""},
    {"sch", "school", "SCH", false, "", ""}, {"ct", "court", "CT", false, "", ""},
    {"kur", "kurs", "KUR", false, "", ""},   {"svc", "provider", "SVC", false, "", ""},
    {"fcc", "foster", "FCC", false, "", ""}, {"ops", "gops", "SW INT FA DIR", false, "", ""},
    {"aud", "audit", "AUD", false, "", ""},  {"pol", "police", "POL", true, "", ""},
    {"head", "cus", "HEAD", true, "", ""},   {"dir2", "cus", "DIR SW", true, "", ""},
};

size_t
town_unit_count(void)
{
    return sizeof units / sizeof units[0];
}

struct town_unit *
town_unit(size_t index)
{
    return &units[index];
}

size_t
town_agency_count(void)
{
    return sizeof agencies / sizeof agencies[0];
}

const struct town_agency *
town_agency(size_t index)
{
    return &agencies[index];
}

void
town_key(char ret[FRONT_KEY_SIZE])
{
    static const char z85[] = "0123456789abcdefghijklmnopqrstuvwxyz";

    for (size_t i = 0; i < FRONT_KEY_SIZE - 1; i++)
        ret[i] = z85[fate_below(sizeof z85 - 1)];
    ret[FRONT_KEY_SIZE - 1] = '\0';
}

void
town_start(const char *admin_key)
{
    (void)snprintf(units[0].key, sizeof units[0].key, "%s", admin_key);
    for (size_t i = 1; i < town_unit_count(); i++)
        town_key(units[i].key);
    for (size_t i = 0; i < town_unit_count(); i++)
        memcpy(units[i].old_key, units[i].key, sizeof units[i].key);
}

unsigned
town_role(const struct town_unit *unit)
{
    unsigned roles[ROLE_COUNT], count = 0;
    char word[8];

    for (const char *at = unit->roles; *at != '\0';) {
        size_t len = strcspn(at, " ");

        (void)snprintf(word, sizeof word, "%.*s", (int)len, at);
        roles[count++] = role_by_name(word);
        at += len + (at[len] == ' ');
    }
    assert(count > 0);
    return roles[fate_below(count)];
}
