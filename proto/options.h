/*
 * options - what a program is set up with: a file of "name = value" lines, a table, a struct
 *
 *     # where agents connect
 *     listen = tcp://127.0.0.1:5599
 *
 * A program has a struct for its configuration and a table that says of each option what it is called in the file, what
 * it may be, which member of the struct it is and its default. Empty lines and those that begin with # are passed over.
 * A name that is unknown or repeated, a value that does not fit, a line of another form and a missing option are errors
 * that name file and line, in the language that is set (proto/language.h).
 *
 * Errors: 0 or -errno, with a sentence in error.
 *   -EINVAL  the file is not as it must be
 *   others   as open, read and malloc give them
 * Ownership: the struct owns its texts; options_free() frees them, also after a failure. Threads: any.
 */
#ifndef PROTO_OPTIONS_H
#define PROTO_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define OPTIONS_MAX       32u    /* in one table */
#define OPTIONS_LINE_MAX  16384u /* bytes of one line */
#define OPTIONS_ERROR_MAX 512u

enum option_kind {
    OPTION_TEXT,   /* char *: min to max bytes */
    OPTION_PATH,   /* the same; a relative one is taken from the folder of the file it stands in */
    OPTION_NUMBER, /* uint64_t: min to max */
    OPTION_BYTES,  /* the same; K, M, G and T behind the number are units of 1024 */
    OPTION_WORD,   /* uint64_t: one of words */
};

struct option_word {
    const char *word;
    uint64_t value;
};

struct option_def {
    const char *name;
    enum option_kind kind;
    size_t member;       /* its offset in the struct */
    const char *initial; /* the default; NULL: the file must say it */
    uint64_t min, max;
    const struct option_word *words; /* of OPTION_WORD; the last one is NULL */
};

struct options {
    const struct option_def *defs;
    size_t count;
};

/* "yes" and "no". */
extern const struct option_word option_yes_no[];

/* Every option at its default, into a struct that is all zero. Those that a file must say stay NULL. -ENOMEM */
int options_default(const struct options *options, void *ret);

/* Every option as the file says, else at its default; *object may hold others, of options_default(). */
int options_read(const struct options *options, void *object, const char *path, char error[OPTIONS_ERROR_MAX]);

/* All that *object holds, in the form options_read() takes. */
void options_print(const struct options *options, const void *object, FILE *out);

/* Frees the texts and makes their members NULL. */
void options_free(const struct options *options, void *object);

/*
 * Whether a file that an option names can be used as a secret.
 *   -EPERM  others can read or write it, it is no regular file, or it belongs to a user who is neither this one nor
 * root
 */
int option_secret_check(const char *path, char error[OPTIONS_ERROR_MAX]);

/* For other files of lines: the text without white space at both ends, which are cut off in place. */
char *option_trim(char *text);

/* "name = value" into its two halves, trimmed; in place. The value is NULL where there is no '='. */
void option_split(char *line, char **ret_name, char **ret_value);

#endif
