/*
 * agent_status - see agent_status.h
 */
#include "agents/agent_status.h"

#include "agents/known.h"
#include "agents/outbox_odd.h"
#include "proto/errors.h"
#include "proto/member.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define NOTE_MAX (64u << 10)

static bool
is_visible(const char *name)
{
    return name[0] != '.';
}

static bool
is_json(const char *name)
{
    return is_visible(name) && agent_has_suffix(name, ".json");
}

static bool
is_explanation(const char *name)
{
    return is_visible(name) && agent_has_suffix(name, ".txt");
}

static bool
is_receipt(const char *name)
{
    return is_visible(name) && agent_has_suffix(name, ".receipt.json");
}

/* Of an event that a log which came back from an older copy did not take again (outbox_receipt.h). */
static bool
is_lost(const char *name)
{
    return is_visible(name) && agent_has_suffix(name, ".txt") && strstr(name, ".lost-e") != NULL;
}

static bool
is_taken(const char *name)
{
    return is_json(name) && strlen(name) > 13;
}

static unsigned
count_of(int dir, agent_accept_fn *accept)
{
    struct dirent *entry;
    unsigned count = 0;
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);

    if (d == NULL) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    while ((entry = readdir(d)) != NULL)
        count += accept(entry->d_name);
    closedir(d);
    return count;
}

static void
time_text(time_t at, char ret[32])
{
    struct tm tm;

    if (localtime_r(&at, &tm) == NULL || strftime(ret, 32, "%Y-%m-%d %H:%M", &tm) == 0)
        ret[0] = '\0';
}

int
agent_status_note(const struct agent_dirs *dirs, const char *state, const char *code, int64_t clock_off_s)
{
    json_t *json = json_pack("{s:s, s:s, s:I, s:I}", "state", state, "code", code != NULL ? code : "", "since",
                             (json_int_t)time(NULL), "clockOffS", (json_int_t)clock_off_s);
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    int rc = text == NULL ? -ENOMEM : agent_write(dirs->state, "link.json", text, strlen(text));

    free(text);
    json_decref(json);
    return rc;
}

/* Why nothing is received, and what a person can do. */
static void
print_deaf(const char *code, bool pl, FILE *out)
{
    if (strcmp(code, error_name(E_LIMIT)) == 0)
        fprintf(out, "  %s\n",
                pl ? "Ta jednostka ma już tyle kursorów, ile może. Usuń kursor folderu, którego nikt nie używa:\n"
                     "  wici cursor list, wici cursor drop NAZWA."
                   : "This unit has as many cursors as it may. Remove that of a folder nobody uses:\n"
                     "  wici cursor list, wici cursor drop NAME.");
    else if (strcmp(code, error_name(E_TAKEN_OVER)) == 0 || strcmp(code, error_name(E_STATE)) == 0)
        fprintf(
            out, "  %s\n",
            pl ? "Inny program tej jednostki czyta kursorem tego folderu. Agent wróci do niego sam."
               : "Another program of this unit reads with this folder's cursor. The agent returns to it by itself.");
    else
        fprintf(out, "  %s\n", error_text(error_by_name(code), pl));
}

/* What is wrong with the computer, and not with the connection. */
static void
print_computer(const struct agent_dirs *dirs, const json_t *note, bool pl, FILE *out)
{
    long long off_s = json_integer_value(json_object_get(note, "clockOffS"));
    struct statvfs fs;

    if (fstatvfs(dirs->state, &fs) == 0 &&
        ((uint64_t)fs.f_bavail * fs.f_frsize < AGENT_ROOM_MIN || (fs.f_files > 0 && fs.f_favail == 0)))
        fprintf(out, "%s\n",
                pl ? "DYSK Z TYM FOLDEREM JEST PEŁNY: zwolnij miejsce. Agent czeka i nic nie ginie."
                   : "THE DISK WITH THIS FOLDER IS FULL: make room. The agent waits, and nothing is lost.");
    if (off_s > 0)
        fprintf(out,
                pl ? "Zegar tego komputera spieszy się o %lld s; wysyłane jest z czasem brokera. Ustaw zegar.\n"
                   : "This computer's clock is fast by %lld s; what is sent bears the broker's time. Set it.\n",
                off_s);
    else if (off_s < 0)
        fprintf(out,
                pl ? "Zegar tego komputera spóźnia się o %lld s; wysyłane jest z czasem brokera. Ustaw zegar.\n"
                   : "This computer's clock is slow by %lld s; what is sent bears the broker's time. Set it.\n",
                -off_s);
}

/* By that name administrators find the folder among the unit's cursors. */
static void
print_name(const struct agent_dirs *dirs, const struct agent_config *config, FILE *out)
{
    json_t *json = agent_read_json(dirs->state, "mark", NOTE_MAX);
    const char *mark = member_text(json, "mark");

    if (mark[0] != '\0')
        fprintf(out, "%s %s-%s\n",
                config->role.polish ? "Nazwa tego folderu u brokera (kursor):"
                                    : "Name of this folder at the broker (cursor):",
                config->cursor, mark);
    json_decref(json);
}

static void
print_link(const struct agent_dirs *dirs, bool pl, FILE *out)
{
    json_t *note = agent_read_json(dirs->state, "link.json", NOTE_MAX);
    const char *state = json_string_value(json_object_get(note, "state"));
    const char *code = json_string_value(json_object_get(note, "code"));
    char since[32];
    int fd = openat(dirs->state, "lock", O_RDWR | O_CLOEXEC);
    bool runs = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;

    if (fd >= 0)
        close(fd);
    time_text((time_t)json_integer_value(json_object_get(note, "since")), since);
    if (!runs)
        fprintf(out, "%s\n", pl ? "Agent nie działa." : "The agent is not running.");
    else if (state != NULL && strcmp(state, "ready") == 0)
        fprintf(out, "%s %s\n", pl ? "Agent działa, połączony z brokerem od" : "The agent runs, connected since",
                since);
    else if (state != NULL && strcmp(state, "refused") == 0)
        fprintf(out, "%s %s (%s)\n",
                pl ? "Agent działa, broker odmawia połączenia od" : "The agent runs, refused by the broker since",
                since, code != NULL ? code : "");
    else if (state != NULL && strcmp(state, "deaf") == 0)
        fprintf(out, "%s %s (%s)\n",
                pl ? "Agent działa i wysyła, ale NICZEGO NIE ODBIERA od"
                   : "The agent runs and sends, but RECEIVES NOTHING since",
                since, code != NULL ? code : "");
    else
        fprintf(out, "%s %s\n",
                pl ? "Agent działa, bez połączenia z brokerem od" : "The agent runs, without a connection since",
                since);
    if (runs && state != NULL && code != NULL && strcmp(state, "deaf") == 0)
        print_deaf(code, pl, out);
    else if (runs && state != NULL && code != NULL && strcmp(state, "refused") == 0)
        fprintf(out, "  %s\n", error_text(error_by_name(code), pl));
    print_computer(dirs, note, pl, out);
    json_decref(note);
}

static void
print_unit(const char *file, const json_t *unit, bool pl, FILE *out)
{
    const char *id = json_string_value(json_object_get(unit, "unit"));
    uint64_t seconds = member_number(unit, "notReadingS");

    fprintf(out, "%-40.40s  %-24.24s  ", file, id != NULL ? id : "?");
    if (json_is_true(json_object_get(unit, "fetched")))
        fprintf(out, "%s\n", pl ? "pobrano" : "fetched");
    else if (json_is_true(json_object_get(unit, "neverConnected")))
        fprintf(out, "%s\n",
                pl ? "NIE pobrano: jednostka nigdy się nie połączyła" : "NOT fetched: this unit never connected");
    else if (seconds >= 86400)
        fprintf(out, pl ? "NIE pobrano: nie czyta od %llu dni\n" : "NOT fetched: has not been reading for %llu days\n",
                (unsigned long long)seconds / 86400);
    else
        fprintf(out, pl ? "NIE pobrano: nie czyta od %llu min\n" : "NOT fetched: has not been reading for %llu min\n",
                (unsigned long long)seconds / 60);
}

static bool
is_wanted(const char *name)
{
    return is_visible(name) && agent_has_suffix(name, ".want");
}

static bool
is_delivery(const char *name)
{
    return is_visible(name) && agent_has_suffix(name, ".delivery.json");
}

static int
print_deliveries(const struct agent_dirs *dirs, bool pl, FILE *out)
{
    struct agent_list list;
    unsigned fetched = 0;
    bool more = true, any = false;
    char after[256] = "";
    int rc = 0;

    while (rc == 0 && more) {
        rc = agent_list(dirs->sent, after[0] != '\0' ? after : NULL, is_delivery, STATUS_ROWS_MAX, &list);
        if (rc != 0)
            return rc;
        for (size_t i = 0; i < list.count; i++) {
            json_t *note = agent_read_json(dirs->sent, list.names[i], NOTE_MAX), *unit;
            const char *file = json_string_value(json_object_get(note, "file"));
            size_t u;

            (void)snprintf(after, sizeof after, "%s", list.names[i]);
            if (json_is_true(json_object_get(note, "fetchedByAll"))) {
                fetched++;
            } else {
                if (!any)
                    fprintf(out, "\n%-40s  %-24s  %s\n", pl ? "plik" : "file", pl ? "adresat" : "addressee",
                            pl ? "stan" : "state");
                any = true;
                json_array_foreach(json_object_get(note, "units"), u, unit)
                    print_unit(file != NULL ? file : "?", unit, pl, out);
            }
            json_decref(note);
        }
        more = list.more;
        agent_list_free(&list);
    }
    fprintf(out, pl ? "\nPobrane przez wszystkich adresatów: %u\n" : "\nFetched by all addressees: %u\n", fetched);
    return rc;
}

int
agent_status_print(const struct agent_dirs *dirs, const struct agent_config *config, FILE *out)
{
    bool pl = config->role.polish;

    fprintf(out, "%s\n", config->role.name);
    print_link(dirs, pl, out);
    print_name(dirs, config, out);
    if (agent_exists(dirs->state, KNOWN_ALARM_FILE))
        fprintf(out, "%s\n",
                pl ? "PRZYŁAPANO BROKERA: state/" KNOWN_ALARM_FILE " mówi, na czym. Wezwij administratora."
                   : "THE BROKER WAS CAUGHT: state/" KNOWN_ALARM_FILE " says with what. Call the administrator.");
    fprintf(out, "%s %u\n", pl ? "Czeka w outbox:                 " : "Waiting in outbox:              ",
            count_of(dirs->outbox, is_json));
    if (agent_exists(dirs->outbox, OUTBOX_ODD_FILE))
        fprintf(out, "  %s\n",
                pl ? "Nie wszystko, co tam leży, zostanie wysłane: outbox/" OUTBOX_ODD_FILE " mówi, co z tym zrobić."
                   : "Not all that lies there is sent: outbox/" OUTBOX_ODD_FILE " says what to do.");
    fprintf(out, "%s %u\n", pl ? "W drodze (bez odpowiedzi):      " : "Under way (not answered yet):   ",
            count_of(dirs->out, is_taken));
    fprintf(out, "%s %u\n", pl ? "Wysłane (w folderze sent):      " : "Sent (in the folder sent):      ",
            count_of(dirs->sent, is_receipt));
    if (count_of(dirs->sent, is_lost) > 0)
        fprintf(out, "  %s %u\n",
                pl ? "utracone, gdy dziennik wrócił ze starszej kopii (sent/*.lost-e*.txt mówi, co zrobić):"
                   : "lost when the log came back from an older copy (sent/*.lost-e*.txt says what to do):",
                count_of(dirs->sent, is_lost));
    fprintf(out, "%s %u\n", pl ? "Odrzucone (w folderze rejected):" : "Rejected (in folder rejected):  ",
            count_of(dirs->rejected, is_explanation));
    fprintf(out, "%s %u\n", pl ? "Odebrane (w folderze inbox):    " : "Received (in folder inbox):     ",
            count_of(dirs->inbox, is_json));
    fprintf(out, "%s %u\n", pl ? "Dokumenty jeszcze nie pobrane:  " : "Documents not fetched yet:      ",
            count_of(dirs->documents, is_wanted));
    if (count_of(dirs->erased, is_visible) > 0)
        fprintf(out, "%s %u\n",
                pl ? "Usunięte w systemie, kopie u nas w folderze erased, do zniszczenia:"
                   : "Erased in the system, copies here in the folder erased, to be destroyed:",
                count_of(dirs->erased, is_visible));
    return print_deliveries(dirs, pl, out);
}
