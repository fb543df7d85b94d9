/*
 * fuzz_policy - any bytes as the text of a policy
 *
 * A text that is not taken is refused with a line. One that is taken says what
 * the policy then gives: the text is read once more, word by word, and each
 * word must be the cell that stands in the policy, within its ceiling.
 */
#include "broker/core/policy.h"
#include "proto/event.h"
#include "tests/fuzz/fuzz.h"

#include <fnmatch.h>
#include <string.h>

#define BLANKS    " \t\r"
#define ABOVE_MAX 64u

/* What a text that was taken says beside its cells. */
struct said {
    unsigned roles[ROLE_COUNT], role_count;
    char ceiling[TYPE_CLASSES][ROLE_COUNT]; /* Y, h, -; 0: not said */
    struct {
        unsigned role;
        char *types;
    } above[ABOVE_MAX];
    unsigned above_count, speciality_count;
    bool types[TYPE_SYS_FIRST];
};

typedef void line_fn(struct said *said, const struct policy *policy, char *first, char *rest);

/* Calls fn for each line that is no comment, with its first word and what
 * stands behind it. */
static void
lines_each(char *text, size_t size, line_fn *fn, struct said *said, const struct policy *policy)
{
    for (char *at = text, *end; at < text + size; at = end + 1) {
        char *rest = NULL, *first;

        end = memchr(at, '\n', (size_t)(text + size - at));
        end = end != NULL ? end : text + size;
        *end = '\0';
        at += strspn(at, BLANKS);
        if (*at == '#' || at == end)
            continue;
        must(strlen(at) == (size_t)(end - at));
        first = strtok_r(at, BLANKS, &rest);
        must(first != NULL);
        fn(said, policy, first, rest + strspn(rest, BLANKS));
    }
}

static void
frame_take(struct said *said, const struct policy *policy, char *first, char *rest)
{
    char *word = strcmp(first, "speciality") == 0 || strcmp(first, "type") == 0 ? NULL : strtok_r(rest, BLANKS, &rest);

    if (strcmp(first, "roles") == 0) {
        must(said->role_count == 0);
        for (; word != NULL; word = strtok_r(NULL, BLANKS, &rest)) {
            must(role_by_name(word) > 0 && role_by_name(word) < ROLE_COUNT && said->role_count < ROLE_COUNT);
            said->roles[said->role_count++] = role_by_name(word);
        }
    } else if (strcmp(first, "ceiling") == 0) {
        unsigned cls = word != NULL && word[0] == 'S' ? (unsigned)(word[1] - '0') : 0;

        must(cls > 0 && cls < TYPE_CLASSES && word[2] == '\0');
        for (unsigned i = 0; i < said->role_count; i++) {
            word = strtok_r(NULL, BLANKS, &rest);
            must(word != NULL && word[1] == '\0' && said->ceiling[cls][said->roles[i]] == '\0');
            said->ceiling[cls][said->roles[i]] = word[0];
        }
    } else if (strcmp(first, "above") == 0) {
        must(word != NULL && said->above_count < ABOVE_MAX);
        said->above[said->above_count].role = role_by_name(word);
        said->above[said->above_count++].types = strtok_r(NULL, BLANKS, &rest);
    } else if (strcmp(first, "speciality") == 0) {
        for (size_t len = strlen(rest); len > 0 && strchr(BLANKS, rest[len - 1]) != NULL; len--)
            rest[len - 1] = '\0';
        said->speciality_count++;
        must(policy_knows_speciality(policy, rest));
    }
}

/* A cell as a policy's text has it: one cell, one word. */
static void
cell_write(struct policy_cell cell, char ret[24])
{
    if (cell.publish)
        *ret++ = cell.conditional ? 'p' : 'P';
    else if (cell.full == 0 && cell.half == 0)
        *ret++ = '-';
    for (int i = 0; i < 8; i++)
        if ((cell.full >> i & 1) != 0)
            *ret++ = (char)('0' + i);
    if (cell.half != 0)
        *ret++ = '/';
    for (int i = 0; i < 8; i++)
        if ((cell.half >> i & 1) != 0)
            *ret++ = (char)('0' + i);
    *ret = '\0';
}

static void
cell_check(const struct said *said, const char *type, unsigned role, struct policy_cell cell)
{
    bool above = false;

    must((cell.full & cell.half) == 0);
    must(!cell.conditional || cell.publish);
    must((cell.full | cell.half) == 0 || (cell.full & 1) != 0);
    for (unsigned i = 0; i < said->above_count; i++)
        above |= said->above[i].role == role && fnmatch(said->above[i].types, type, 0) == 0;
    for (unsigned cls = 1; cls < TYPE_CLASSES && !above; cls++) {
        char most = said->ceiling[cls][role];

        must(most == 'Y' || most == 'h' || most == '-');
        must((cell.full >> cls & 1) == 0 || most == 'Y');
        must((cell.half >> cls & 1) == 0 || most != '-');
    }
}

static void
type_take(struct said *said, const struct policy *policy, char *first, char *rest)
{
    const struct type_info *type;
    char *word, cell_text[24];

    if (strcmp(first, "type") != 0)
        return;
    word = strtok_r(rest, BLANKS, &rest);
    type = word != NULL ? type_by_name(word) : NULL;
    must(type != NULL && type->number < TYPE_SYS_FIRST && !said->types[type->number]);
    said->types[type->number] = true;
    for (unsigned i = 0; i < said->role_count; i++) {
        struct policy_cell cell = policy_cell(policy, type->number, said->roles[i]);

        word = strtok_r(NULL, BLANKS, &rest);
        cell_write(cell, cell_text);
        must(word != NULL && strcmp(word, cell_text) == 0);
        cell_check(said, type->name, said->roles[i], cell);
    }
    must(strtok_r(NULL, BLANKS, &rest) == NULL);
}

static void
policy_check(const struct policy *policy, const uint8_t *data, size_t size)
{
    struct said said = {.role_count = 0};
    char *frame = malloc(size + 1), *types = malloc(size + 1);

    must(frame != NULL && types != NULL);
    memcpy(frame, data, size);
    memcpy(types, data, size);
    lines_each(frame, size, frame_take, &said, policy);
    lines_each(types, size, type_take, &said, policy);
    for (size_t i = 0; i < type_count(); i++)
        must(type_at(i)->number >= TYPE_SYS_FIRST || said.types[type_at(i)->number]);
    must(said.speciality_count > 0 || policy_knows_speciality(policy, "x"));
    free(types);
    free(frame);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy *policy = NULL;
    struct refusal refusal = {.code = E_NONE};

    if (policy_parse(&policy, (const char *)data, size, &refusal) != 0) {
        must(policy == NULL);
        must(refusal.code == E_POLICY);
        must(memchr(refusal.path, '\0', sizeof refusal.path) != NULL);
        return 0;
    }
    must(strlen(policy_version(policy)) <= size);
    for (uint32_t type = TYPE_SYS_FIRST; type < 1000; type++)
        for (unsigned role = 0; role < ROLE_COUNT; role++) {
            struct policy_cell cell = policy_cell(policy, type, role);

            must(!cell.publish && cell.full == 0 && cell.half == 0);
        }
    policy_check(policy, data, size);
    policy_destroy(&policy);
    return 0;
}
