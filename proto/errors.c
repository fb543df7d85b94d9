/*
 * errors - the list of errors.def as a table
 */
#include "errors.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    enum error_client client;
    const char *pl, *en;
} errors[ERROR_CODE_COUNT] = {
    {"OK", CLIENT_NOTE, "", ""},
#define WICI_ERROR(name, client, pl, en) {#name, client, pl, en},
#include "errors.def"
#undef WICI_ERROR
};

const char *
error_name(enum error_code code)
{
    assert(code < ERROR_CODE_COUNT);
    return errors[code].name;
}

const char *
error_text(enum error_code code, bool pl)
{
    assert(code < ERROR_CODE_COUNT);
    return pl ? errors[code].pl : errors[code].en;
}

enum error_client
error_client(enum error_code code)
{
    assert(code < ERROR_CODE_COUNT);
    return errors[code].client;
}

enum error_code
error_by_name(const char *name)
{
    assert(name != NULL);
    for (unsigned code = 1; code < ERROR_CODE_COUNT; code++)
        if (strcmp(errors[code].name, name) == 0)
            return (enum error_code)code;
    return E_NONE;
}

static const struct {
    const char *id;
    enum error_code code;
    const char *source, *pl, *en;
} rules[RULE_COUNT] = {
    {"", E_NONE, "", "", ""},
#define WICI_ERROR(name, client, pl, en)
#define WICI_RULE(name, id, code, source, pl, en) {id, code, source, pl, en},
#include "errors.def"
#undef WICI_RULE
#undef WICI_ERROR
};

const char *
rule_id(enum rule rule)
{
    assert(rule < RULE_COUNT);
    return rules[rule].id;
}

enum error_code
rule_code(enum rule rule)
{
    assert(rule < RULE_COUNT);
    return rules[rule].code;
}

const char *
rule_source(enum rule rule)
{
    assert(rule < RULE_COUNT);
    return rules[rule].source;
}

const char *
rule_text(enum rule rule, bool pl)
{
    const char *own;

    assert(rule < RULE_COUNT);
    own = pl ? rules[rule].pl : rules[rule].en;
    return own[0] != '\0' ? own : error_text(rules[rule].code, pl);
}

enum rule
rule_of_code(enum error_code code)
{
    enum rule found = RULE_NONE;

    for (unsigned rule = 1; rule < RULE_COUNT; rule++) {
        if (rules[rule].code != code || rules[rule].pl[0] != '\0')
            continue; /* one with a sentence of its own is named by whoever means it */
        found = (enum rule)rule;
        break;
    }
    return found;
}

enum rule
rule_by_id(const char *id, enum error_code code)
{
    assert(id != NULL);
    for (unsigned rule = 1; rule < RULE_COUNT; rule++)
        if (rules[rule].code == code && strcmp(rules[rule].id, id) == 0)
            return (enum rule)rule;
    return RULE_NONE;
}

void
refusal_set(struct refusal *ret, enum error_code code, const char *path)
{
    ret->code = code;
    ret->rule = RULE_NONE;
    (void)snprintf(ret->path, sizeof ret->path, "%s", path);
}
