/*
 * language - Polish or English, as the locale says, for every program of ours that people start
 *
 * gettext, and so LANGUAGE, LC_ALL, LC_MESSAGES and LANG in that order; the locale need not be installed, and the
 * catalogue is looked for beside the program first. Texts are English in the source, marked by _() or N_(); po/pl.po
 * holds the Polish ones.
 *
 * Threads: call language_set() before any is started.
 */
#ifndef PROTO_LANGUAGE_H
#define PROTO_LANGUAGE_H

#include <argp.h>
#include <libintl.h>
#include <stdbool.h>

#define _(text)  gettext(text)
#define N_(text) text

/* Sets locale and catalogue. True: Polish. */
bool language_set(void);

/* gettext(), for a library that is told how to put its texts into the reader's language (store_speak). */
const char *language_text(const char *text) __attribute__((format_arg(1)));

/*
 * --help, --usage and --version for an argp with argp_domain "wici", as a child, in the language that is set: argp's
 * own are looked up in the catalogue of the C library, which a server seldom has. Parse with ARGP_NO_HELP.
 */
extern const struct argp language_help;

#endif
