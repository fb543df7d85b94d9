/*
 * A parsed policy is two tables: cells by type and role, and the ceiling by class and role. Types are looked up by
 * their index in the registry, which is the order the rows are kept in.
 */
#include "broker/core/policy.h"

#include "proto/limits.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROLE_FIRST      1u  /* SW */
#define ROLE_LAST       19u /* AUD */
#define POLICY_ROLES    (ROLE_LAST + 1u)
#define VERSION_SIZE    81u
#define SPECIALITY_SIZE 81u
#define ABOVE_MAX       64u
#define WORD_SIZE       64u

struct policy {
    char version[VERSION_SIZE];
    char specialities[POLICY_SPECIALITIES_MAX][SPECIALITY_SIZE];
    size_t speciality_count;
    struct policy_cell cells[TYPE_SYS_FIRST][POLICY_ROLES];
};

/* `above IC ipus.*`: cells that may exceed the ceiling. */
struct above {
    unsigned role, line;
    char type[WORD_SIZE];
};

struct parser {
    struct policy *policy;
    const char *at, *end; /* the rest of the text */
    const char *word, *line_end;
    unsigned line;
    unsigned columns[ROLE_LAST];
    unsigned column_count;
    bool ceiling_known[TYPE_CLASSES];
    uint8_t ceiling_full[POLICY_ROLES], ceiling_half[POLICY_ROLES]; /* bit c: class c */
    bool type_known[TYPE_SYS_FIRST];
    unsigned type_line[TYPE_SYS_FIRST];
    struct above above[ABOVE_MAX];
    size_t above_count;
};

static int
refuse(struct refusal *refusal, unsigned line)
{
    static const char prefix[] = "line ";
    char digits[12];
    size_t count = 0, len = sizeof prefix - 1;

    refusal->code = E_POLICY;
    refusal->rule = RULE_NONE;
    memcpy(refusal->path, prefix, len);
    do {
        digits[count++] = (char)('0' + line % 10);
        line /= 10;
    } while (line > 0);
    while (count > 0)
        refusal->path[len++] = digits[--count];
    refusal->path[len] = '\0';
    return -EBADMSG;
}

/* Between words, and at the end of a line as Windows has it. */
static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Moves to the next line that is not empty; false at the end of the text. */
static bool
parser_line(struct parser *p)
{
    while (p->at < p->end) {
        const char *newline = memchr(p->at, '\n', (size_t)(p->end - p->at));

        p->line++;
        p->word = p->at;
        p->line_end = newline != NULL ? newline : p->end;
        p->at = newline != NULL ? newline + 1 : p->end;
        while (p->word < p->line_end && is_blank(*p->word))
            p->word++;
        if (p->word < p->line_end && *p->word != '#')
            return true;
    }
    return false;
}

/* Copies the next word of the line; false when there is none, or it is too long to be one of ours. */
static bool
parser_word(struct parser *p, char ret[WORD_SIZE])
{
    size_t len = 0;

    while (p->word < p->line_end && is_blank(*p->word))
        p->word++;
    for (; p->word < p->line_end && !is_blank(*p->word); p->word++) {
        if (len == WORD_SIZE - 1 || *p->word == '\0')
            return false;
        ret[len++] = *p->word;
    }
    ret[len] = '\0';
    return len > 0;
}

static bool
parser_line_done(struct parser *p)
{
    char word[WORD_SIZE];

    return !parser_word(p, word) && p->word == p->line_end;
}

/* The rest of the line as one text, without what stands blank at its end. */
static bool
parser_rest(struct parser *p, char *ret, size_t size)
{
    size_t len;

    while (p->word < p->line_end && is_blank(*p->word))
        p->word++;
    len = (size_t)(p->line_end - p->word);
    while (len > 0 && is_blank(p->word[len - 1]))
        len--;
    if (len == 0 || len >= size || memchr(p->word, '\0', len) != NULL)
        return false;
    memcpy(ret, p->word, len);
    ret[len] = '\0';
    return true;
}

static bool
parse_version(struct parser *p)
{
    return p->policy->version[0] == '\0' && parser_rest(p, p->policy->version, VERSION_SIZE);
}

static bool
parse_speciality(struct parser *p)
{
    return p->policy->speciality_count < POLICY_SPECIALITIES_MAX &&
           parser_rest(p, p->policy->specialities[p->policy->speciality_count++], SPECIALITY_SIZE);
}

static bool
parse_roles(struct parser *p)
{
    char word[WORD_SIZE];

    if (p->column_count > 0)
        return false;
    while (p->column_count < ROLE_LAST && parser_word(p, word)) {
        unsigned role = role_by_name(word);

        if (role < ROLE_FIRST || role > ROLE_LAST)
            return false;
        for (unsigned i = 0; i < p->column_count; i++)
            if (p->columns[i] == role)
                return false;
        p->columns[p->column_count++] = role;
    }
    return p->column_count == ROLE_LAST && parser_line_done(p);
}

static bool
parse_ceiling(struct parser *p)
{
    char word[WORD_SIZE];
    unsigned cls;

    if (p->column_count == 0 || !parser_word(p, word) || word[0] != 'S' || word[1] < '1' || word[1] > '7' ||
        word[2] != '\0')
        return false;
    cls = (unsigned)(word[1] - '0');
    if (p->ceiling_known[cls])
        return false;
    p->ceiling_known[cls] = true;
    for (unsigned i = 0; i < p->column_count; i++) {
        unsigned role = p->columns[i];

        if (!parser_word(p, word) || word[1] != '\0' || strchr("Yh-", word[0]) == NULL)
            return false;
        if (word[0] == 'Y')
            p->ceiling_full[role] |= (uint8_t)(1u << cls);
        if (word[0] != '-')
            p->ceiling_half[role] |= (uint8_t)(1u << cls);
    }
    return parser_line_done(p);
}

static bool
above_matches(const struct above *above, const struct type_info *type)
{
    size_t len = strlen(above->type);

    if (len > 2 && strcmp(above->type + len - 2, ".*") == 0)
        return strncmp(above->type, type->name, len - 1) == 0;
    return strcmp(above->type, type->name) == 0;
}

static bool
parse_above(struct parser *p)
{
    struct above *above = &p->above[p->above_count];
    char word[WORD_SIZE];

    if (p->above_count == ABOVE_MAX || !parser_word(p, word))
        return false;
    above->role = role_by_name(word);
    above->line = p->line;
    if (above->role < ROLE_FIRST || above->role > ROLE_LAST || !parser_word(p, above->type) || !parser_line_done(p))
        return false;
    /* It must name something: a mistyped line would silently leave its cells refused, or worse, a later one open. */
    for (size_t i = 0; i < type_count(); i++)
        if (type_at(i)->number < TYPE_SYS_FIRST && above_matches(above, type_at(i))) {
            p->above_count++;
            return true;
        }
    return false;
}

/* Digits in rising order, as the domain documents write them. */
static const char *
parse_classes(const char *at, uint8_t *ret)
{
    for (; *at >= '0' && *at <= '7'; at++) {
        unsigned bit = 1u << (*at - '0');

        if (*ret >= bit)
            return NULL;
        *ret |= (uint8_t)bit;
    }
    return at;
}

static bool
parse_cell(const char *word, struct policy_cell *cell)
{
    const char *at = word;

    if (strcmp(word, "-") == 0)
        return true;
    if (*at == 'P' || *at == 'p') {
        cell->publish = true;
        cell->conditional = *at == 'p';
        at++;
    }
    at = parse_classes(at, &cell->full);
    if (at != NULL && *at == '/') {
        at = parse_classes(at + 1, &cell->half);
        if (cell->half == 0)
            return false;
    }
    /* Whoever is given anything is given S0 in full: S0 is harmless, and its absence would tell more. */
    return at != NULL && *at == '\0' && (cell->full & cell->half) == 0 &&
           (cell->full | cell->half ? (cell->full & 1u) != 0 : cell->publish);
}

static bool
parse_type(struct parser *p)
{
    char word[WORD_SIZE];
    const struct type_info *type;

    if (p->column_count == 0 || !parser_word(p, word))
        return false;
    type = type_by_name(word);
    if (type == NULL || type->number >= TYPE_SYS_FIRST || p->type_known[type->number])
        return false;
    p->type_known[type->number] = true;
    p->type_line[type->number] = p->line;
    for (unsigned i = 0; i < p->column_count; i++)
        if (!parser_word(p, word) || !parse_cell(word, &p->policy->cells[type->number][p->columns[i]]))
            return false;
    return parser_line_done(p);
}

static bool
parse_statement(struct parser *p)
{
    char word[WORD_SIZE];

    if (!parser_word(p, word))
        return false;
    if (strcmp(word, "version") == 0)
        return parse_version(p);
    if (strcmp(word, "roles") == 0)
        return parse_roles(p);
    if (strcmp(word, "ceiling") == 0)
        return parse_ceiling(p);
    if (strcmp(word, "above") == 0)
        return parse_above(p);
    if (strcmp(word, "type") == 0)
        return parse_type(p);
    if (strcmp(word, "speciality") == 0)
        return parse_speciality(p);
    return false;
}

static bool
cell_is_above(const struct parser *p, unsigned role, const struct policy_cell *cell)
{
    /* S0 has no ceiling. */
    unsigned full = cell->full & ~1u, half = cell->half;

    return (full & ~(unsigned)p->ceiling_full[role]) != 0 || (half & ~(unsigned)p->ceiling_half[role]) != 0;
}

/* What can be said only when all lines are read. Returns the line at fault, 0 when all is well. */
static unsigned
parser_finish(const struct parser *p)
{
    unsigned last = p->line > 0 ? p->line : 1;

    if (p->policy->version[0] == '\0' || p->column_count == 0)
        return last;
    for (unsigned cls = 1; cls < TYPE_CLASSES; cls++)
        if (!p->ceiling_known[cls])
            return last;
    for (size_t i = 0; i < type_count(); i++) {
        const struct type_info *type = type_at(i);

        if (type->number >= TYPE_SYS_FIRST)
            continue;
        if (!p->type_known[type->number])
            return last;
        for (unsigned role = ROLE_FIRST; role <= ROLE_LAST; role++) {
            bool allowed = !cell_is_above(p, role, &p->policy->cells[type->number][role]);

            for (size_t j = 0; j < p->above_count && !allowed; j++)
                allowed = p->above[j].role == role && above_matches(&p->above[j], type);
            if (!allowed)
                return p->type_line[type->number];
        }
    }
    return 0;
}

int
policy_parse(struct policy **ret, const char *text, size_t len, struct refusal *refusal)
{
    struct parser *p;
    char word[WORD_SIZE];
    unsigned wrong;
    int rc = 0;

    assert(ret != NULL);
    assert(text != NULL);
    assert(refusal != NULL);

    p = calloc(1, sizeof *p);
    if (p == NULL)
        return -ENOMEM;
    p->policy = calloc(1, sizeof *p->policy);
    if (p->policy == NULL) {
        rc = -ENOMEM;
        goto out;
    }
    p->at = text;
    p->end = text + len;
    if (len > POLICY_TEXT_MAX || !parser_line(p) || !parser_word(p, word) || strcmp(word, "wici-policy") != 0 ||
        !parser_word(p, word) || strcmp(word, "1") != 0 || !parser_line_done(p)) {
        rc = refuse(refusal, p->line > 0 ? p->line : 1);
        goto out;
    }
    while (parser_line(p))
        if (!parse_statement(p)) {
            rc = refuse(refusal, p->line);
            goto out;
        }
    wrong = parser_finish(p);
    if (wrong != 0) {
        rc = refuse(refusal, wrong);
        goto out;
    }
    *ret = p->policy;
    p->policy = NULL;
out:
    policy_destroy(&p->policy);
    free(p);
    return rc;
}

void
policy_destroy(struct policy **policy)
{
    free(*policy);
    *policy = NULL;
}

const char *
policy_version(const struct policy *policy)
{
    return policy->version;
}

void
policy_join(struct policy *policy, const struct policy *other)
{
    for (uint32_t type = 0; type < TYPE_SYS_FIRST; type++)
        for (unsigned role = 0; role < POLICY_ROLES; role++) {
            policy->cells[type][role].full |= other->cells[type][role].full;
            policy->cells[type][role].half |= other->cells[type][role].half;
        }
}

struct policy_cell
policy_cell(const struct policy *policy, uint32_t type, unsigned role)
{
    if (type >= TYPE_SYS_FIRST || role < ROLE_FIRST || role > ROLE_LAST)
        return (struct policy_cell){0};
    return policy->cells[type][role];
}

/* Letters of the Polish alphabet, whose second byte differs between upper and lower case. */
static uint8_t
fold(uint8_t before, uint8_t byte)
{
    static const uint8_t pairs[][3] = {{0xc4, 0x84, 0x85}, {0xc4, 0x86, 0x87}, {0xc4, 0x98, 0x99},
                                       {0xc5, 0x81, 0x82}, {0xc5, 0x83, 0x84}, {0xc3, 0x93, 0xb3},
                                       {0xc5, 0x9a, 0x9b}, {0xc5, 0xb9, 0xba}, {0xc5, 0xbb, 0xbc}};

    if (byte >= 'A' && byte <= 'Z')
        return (uint8_t)(byte - 'A' + 'a');
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (before == pairs[i][0] && byte == pairs[i][1])
            return pairs[i][2];
    return byte;
}

static bool
is_same_word(const char *a, const char *b)
{
    uint8_t before_a = 0, before_b = 0;

    for (; *a != '\0' && *b != '\0'; a++, b++) {
        if (fold(before_a, (uint8_t)*a) != fold(before_b, (uint8_t)*b))
            return false;
        before_a = (uint8_t)*a;
        before_b = (uint8_t)*b;
    }
    return *a == *b;
}

bool
policy_knows_speciality(const struct policy *policy, const char *speciality)
{
    for (size_t i = 0; i < policy->speciality_count; i++)
        if (is_same_word(policy->specialities[i], speciality))
            return true;
    return policy->speciality_count == 0;
}
