/*
 * outbox_odd - see outbox_odd.h
 */
#include "agents/outbox_odd.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX (256u << 10)

enum kind { KIND_NONE, KIND_LINK, KIND_FOLDER, KIND_FILES, KIND_DEVICE, KIND_ENDING, KIND_UNFINISHED, KIND_OTHER };

struct thing {
    char name[NAME_MAX + 1];
    enum kind kind;
    off_t size;
    struct timespec mtime;
    uint64_t since_ms; /* unchanged since */
};

struct odd {
    const struct agent_dirs *dirs;
    const struct agent_config *config;
    struct thing *things; /* OUTBOX_ODD_MAX, in the order of their names */
    size_t count, more;
    size_t told; /* of the last list */
    uint64_t next_ms;
};

/* ---- what it is */

/* NAME of NAME.files, with an ending that is the agent's; is there such an event? */
static bool
event_waits(int dir, const char *name)
{
    static const char *const endings[] = {".json", ".JSON"};
    char event[NAME_MAX + 1];

    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(event, sizeof event, "%.*s%s", (int)(strlen(name) - strlen(".files")), name, endings[i]);
        if (agent_exists(dir, event))
            return true;
    }
    return false;
}

/* Where ".json" stands inside the name; NULL: nowhere. */
static const char *
json_inside(const char *name)
{
    const char *found = NULL;

    for (const char *c = name + 1; *c != '\0'; c++)
        if (strncasecmp(c, ".json", 5) == 0)
            found = c;
    return found;
}

static enum kind
kind_of_file(const char *name)
{
    if (agent_has_suffix(name, ".json") && strlen(name) > 5)
        return KIND_NONE; /* outbox_look.h */
    if (agent_has_suffix(name, ".tmp") || agent_has_suffix(name, ".part"))
        return KIND_UNFINISHED;
    return json_inside(name) != NULL ? KIND_ENDING : KIND_OTHER;
}

static enum kind
kind_of(int dir, const char *name, const struct stat *st)
{
    if (S_ISLNK(st->st_mode))
        return KIND_LINK;
    if (S_ISDIR(st->st_mode) && agent_has_suffix(name, ".files"))
        return event_waits(dir, name) ? KIND_NONE : KIND_FILES;
    if (S_ISDIR(st->st_mode))
        return KIND_FOLDER;
    return S_ISREG(st->st_mode) ? kind_of_file(name) : KIND_DEVICE;
}

static bool
is_nobodys(const char *name)
{
    return name[0] == '.' || agent_has_suffix(name, "~") || strcmp(name, OUTBOX_ODD_FILE) == 0 ||
           strcasecmp(name, "thumbs.db") == 0 || strcasecmp(name, "desktop.ini") == 0;
}

/* ---- looking */

static void
thing_insert(struct odd *odd, const struct thing *thing)
{
    size_t at = odd->count;

    while (at > 0 && strcmp(odd->things[at - 1].name, thing->name) > 0)
        at--;
    if (odd->count == OUTBOX_ODD_MAX) {
        odd->more++;
        if (at == OUTBOX_ODD_MAX)
            return;
        odd->count--;
    }
    memmove(odd->things + at + 1, odd->things + at, (odd->count - at) * sizeof *odd->things);
    odd->things[at] = *thing;
    odd->count++;
}

/* Since when the thing has been as it is: it was so in the last round, or is new. */
static uint64_t
since(const struct thing *before, size_t count, const struct thing *thing, uint64_t now_ms)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(before[i].name, thing->name) == 0)
            return before[i].kind == thing->kind && before[i].size == thing->size &&
                           before[i].mtime.tv_sec == thing->mtime.tv_sec &&
                           before[i].mtime.tv_nsec == thing->mtime.tv_nsec
                       ? before[i].since_ms
                       : now_ms;
    return now_ms;
}

static int
look(struct odd *odd, const struct thing *before, size_t before_count, uint64_t now_ms)
{
    int fd = openat(odd->dirs->outbox, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    odd->count = odd->more = 0;
    if (dir == NULL) {
        rc = -errno;
        if (fd >= 0)
            close(fd);
        return rc;
    }
    for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0) {
        struct thing thing = {.kind = KIND_NONE};
        struct stat st;

        if (is_nobodys(entry->d_name) || (entry->d_type == DT_REG && kind_of_file(entry->d_name) == KIND_NONE) ||
            fstatat(odd->dirs->outbox, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        thing.kind = kind_of(odd->dirs->outbox, entry->d_name, &st);
        if (thing.kind == KIND_NONE)
            continue;
        (void)snprintf(thing.name, sizeof thing.name, "%s", entry->d_name);
        thing.size = st.st_size;
        thing.mtime = st.st_mtim;
        thing.since_ms = since(before, before_count, &thing, now_ms);
        thing_insert(odd, &thing);
    }
    rc = -errno;
    closedir(dir);
    return rc;
}

/* ---- telling */

/* A name as a line of text: what is no UTF-8, or would break the line, becomes '_'. */
static void
name_clean(const char *name, char ret[NAME_MAX + 1])
{
    json_t *text = json_string(name);

    (void)snprintf(ret, NAME_MAX + 1, "%s", name);
    for (char *c = ret; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f || (text == NULL && (unsigned char)*c >= 0x80))
            *c = '_';
    json_decref(text);
}

static const char *
what_to_do(enum kind kind, bool pl)
{
    switch (kind) {
    case KIND_LINK:
        return pl ? "To jest skrót (dowiązanie), a nie plik. Skopiuj tu sam plik."
                  : "This is a link, not a file. Copy the file itself here.";
    case KIND_FOLDER:
        return pl ? "To jest folder. Wysyłane są pliki .json leżące wprost w outbox; załączniki zdarzenia NAZWA.json "
                    "wkłada "
                    "się do folderu NAZWA.files."
                  : "This is a folder. Files .json that lie in outbox itself are sent; what belongs to the event "
                    "NAME.json "
                    "goes into the folder NAME.files.";
    case KIND_FILES:
        return pl ? "Te załączniki czekają na zdarzenie o tej samej nazwie, zakończonej na .json. Włóż je obok."
                  : "These files wait for the event of the same name, ending in .json. Put it beside them.";
    case KIND_DEVICE:
        return pl ? "To nie jest zwykły plik. Zabierz go stąd." : "This is no ordinary file. Take it away.";
    case KIND_ENDING:
        return pl ? "Nazwa musi kończyć się na .json. Jeśli plik jest gotowy, zmień nazwę na:"
                  : "The name has to end in .json. If the file is complete, rename it to:";
    case KIND_UNFINISHED:
        return pl ? "Wygląda na niedokończony. Gdy będzie gotowy, zmień nazwę tak, żeby kończyła się na .json."
                  : "This looks unfinished. When it is complete, rename it so that it ends in .json.";
    case KIND_OTHER:
        return pl ? "Wysyłane są tylko zdarzenia, pliki o nazwie zakończonej na .json. Załącznik zdarzenia NAZWA.json "
                    "włóż do "
                    "folderu NAZWA.files."
                  : "Only events are sent, files whose names end in .json. A file that belongs to the event NAME.json "
                    "goes "
                    "into the folder NAME.files.";
    case KIND_NONE: break;
    }
    abort();
}

static bool
is_due(const struct odd *odd, const struct thing *thing, uint64_t now_ms)
{
    return now_ms - thing->since_ms >= odd->config->half_ms;
}

static void
list_write(FILE *out, const struct odd *odd, bool pl, uint64_t now_ms)
{
    char name[NAME_MAX + 1];

    fprintf(out, "%s\n\n",
            pl ? "Agent Wici nie wyśle tego, co tu leży:" : "The Wici agent does not send what lies here:");
    for (size_t i = 0; i < odd->count; i++) {
        const struct thing *thing = &odd->things[i];

        if (!is_due(odd, thing, now_ms))
            continue;
        name_clean(thing->name, name);
        fprintf(out, "* %s\n  %s\n", name, what_to_do(thing->kind, pl));
        if (thing->kind == KIND_ENDING)
            fprintf(out, "  %.*s.json\n", (int)(json_inside(name) - name), name);
    }
    if (odd->more > 0)
        fprintf(out, pl ? "* i jeszcze: %zu\n" : "* and more: %zu\n", odd->more);
    fprintf(out, "\n%s\n",
            pl ? "Ten plik zniknie sam, gdy nie będzie czego zgłaszać."
               : "This file goes by itself when all is mended.");
}

static int
text_make(const struct odd *odd, uint64_t now_ms, char **ret)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL)
        return -ENOMEM;
    list_write(out, odd, odd->config->role.polish, now_ms);
    fputs("\n--\n\n", out);
    list_write(out, odd, !odd->config->role.polish, now_ms);
    if (fclose(out) != 0) {
        free(text);
        return -ENOMEM;
    }
    *ret = text;
    return 0;
}

static int
tell(struct odd *odd, uint64_t now_ms)
{
    char *text = NULL, *there = NULL;
    size_t due = 0;
    int rc;

    for (size_t i = 0; i < odd->count; i++)
        due += is_due(odd, &odd->things[i], now_ms);
    if (odd->count == 0) {
        odd->told = 0;
        return agent_exists(odd->dirs->outbox, OUTBOX_ODD_FILE) ? agent_remove(odd->dirs->outbox, OUTBOX_ODD_FILE) : 0;
    }
    if (due == 0)
        return 0; /* what an earlier run told may be so still */
    rc = text_make(odd, now_ms, &text);
    if (rc == 0 && agent_read(odd->dirs->outbox, OUTBOX_ODD_FILE, TEXT_MAX, &there, NULL) != 0)
        there = NULL;
    if (rc == 0 && (there == NULL || strcmp(there, text) != 0)) {
        rc = agent_write(odd->dirs->outbox, OUTBOX_ODD_FILE, text, strlen(text));
        if (rc == 0 && due + odd->more >= odd->told)
            agent_log(AGENT_WARN, "outbox: %zu things there are not sent: %s beside them says what to do",
                      due + odd->more, OUTBOX_ODD_FILE);
    }
    odd->told = due + odd->more;
    free(there);
    free(text);
    return rc;
}

int
odd_run(struct odd *odd, uint64_t now_ms)
{
    struct thing *before;
    size_t count = odd->count;
    int rc;

    if (now_ms < odd->next_ms)
        return 0;
    odd->next_ms = now_ms + odd->config->poll_ms;
    before = malloc(OUTBOX_ODD_MAX * sizeof *before);
    if (before == NULL)
        return -ENOMEM;
    memcpy(before, odd->things, count * sizeof *before);
    rc = look(odd, before, count, now_ms);
    free(before);
    return rc != 0 ? rc : tell(odd, now_ms);
}

int
odd_open(struct odd **ret, const struct agent_dirs *dirs, const struct agent_config *config)
{
    struct odd *odd = calloc(1, sizeof *odd);

    if (odd == NULL)
        return -ENOMEM;
    odd->things = malloc(OUTBOX_ODD_MAX * sizeof *odd->things);
    if (odd->things == NULL) {
        free(odd);
        return -ENOMEM;
    }
    odd->dirs = dirs;
    odd->config = config;
    *ret = odd;
    return agent_remove(dirs->outbox, "." OUTBOX_ODD_FILE ".tmp"); /* a crash left it */
}

void
odd_close(struct odd **odd)
{
    if (*odd == NULL)
        return;
    free((*odd)->things);
    free(*odd);
    *odd = NULL;
}
