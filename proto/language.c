/*
 * language - see language.h
 *
 * glibc does not translate in the locales C and POSIX and falls back to C when the locale that is asked for was never
 * generated on the machine, as is common on servers; so where LANG=pl_PL.UTF-8 cannot be set, C.UTF-8 (built into
 * glibc) is set instead, with the language kept in LANGUAGE, which gettext does look at there. The catalogue is looked
 * for beside the program first (../share/locale, ../locale in a build folder), so that it is found wherever Wici was
 * installed.
 */
#include "proto/language.h"

#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
language_is_polish(void)
{
    static const char *const names[] = {"LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"};
    const char *locale = getenv("LC_ALL");

    if (locale == NULL || locale[0] == '\0')
        locale = getenv("LC_MESSAGES");
    if (locale == NULL || locale[0] == '\0')
        locale = getenv("LANG");
    /* As gettext has it: the C locale is never translated, whatever LANGUAGE says. */
    if (locale == NULL || locale[0] == '\0' || strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);

        if (value != NULL && value[0] != '\0')
            return strncmp(value, "pl", 2) == 0 && (value[2] == '\0' || strchr("_.@:", value[2]) != NULL);
    }
    return false;
}

static void
catalogue_bind(void)
{
    static const char *const places[] = {"../share/locale", "../locale"};
    char self[PATH_MAX], dir[PATH_MAX + 32], file[PATH_MAX + 96];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    const char *found = WICI_LOCALEDIR;

    if (len > 0) {
        self[len] = '\0';
        *strrchr(self, '/') = '\0';
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
            snprintf(dir, sizeof dir, "%s/%s", self, places[i]);
            snprintf(file, sizeof file, "%s/pl/LC_MESSAGES/wici.mo", dir);
            if (access(file, R_OK) == 0) {
                found = dir;
                break;
            }
        }
    }
    bindtextdomain("wici", found);
    bind_textdomain_codeset("wici", "UTF-8");
    textdomain("wici");
}

bool
language_set(void)
{
    bool pl = language_is_polish();

    if (setlocale(LC_ALL, "") == NULL || strcmp(setlocale(LC_CTYPE, NULL), "C") == 0) {
        setlocale(LC_ALL, "C.UTF-8");
        setenv("LANGUAGE", pl ? "pl" : "en", 1);
    }
    setlocale(LC_NUMERIC, "C"); /* --timeout 0.3 is read with a point in every locale */
    catalogue_bind();
    return pl;
}

/* ---- help */

const char *
language_text(const char *text)
{
    return gettext(text);
}

/* What argp itself prints is looked up in our catalogue, where our parsers name it; here for xgettext to find. */
static const char *const argp_texts[] = {
    N_("Usage:"),
    N_("  or: "),
    N_(" [OPTION...]"),
    N_("Try `%s --help' or `%s --usage' for more information.\n"),
    N_("Mandatory or optional arguments to long options are also mandatory or optional for any corresponding short "
       "options."),
    N_("%s: Too many arguments\n"),
};

enum { KEY_USAGE = 0x7001 };

static const struct argp_option help_options[] = {
    {"help", '?', NULL, 0, N_("print this help"), -1},
    {"usage", KEY_USAGE, NULL, 0, N_("print a short usage message"), 0},
    {"version", 'V', NULL, 0, N_("print the version"), -1},
    {NULL, 0, NULL, 0, NULL, 0},
};

static error_t
help_parse(int key, char *arg, struct argp_state *state)
{
    (void)arg;
    (void)argp_texts;
    switch (key) {
    case '?': argp_state_help(state, state->out_stream, ARGP_HELP_STD_HELP); return 0;
    case KEY_USAGE: argp_state_help(state, state->out_stream, ARGP_HELP_USAGE | ARGP_HELP_EXIT_OK); return 0;
    case 'V': fprintf(state->out_stream, "%s\n", argp_program_version); exit(0);
    default: return ARGP_ERR_UNKNOWN;
    }
}

const struct argp language_help = {help_options, help_parse, NULL, NULL, NULL, NULL, "wici"};
