/*
 * cli - what the commands of `wici` share: options, settings, the connection, tables, errors
 *
 * A command is a function in the table of cli.c. It parses its words with args_parse(), connects with cli_connect()
 * when it needs the broker, and returns an exit code. With --json it prints JSON and nothing else on standard output.
 *
 * Texts are as proto/language.h says. Labels of types, fields and words, and the broker's sentences, come in both
 * languages from where they are defined.
 */
#ifndef WICI_CLI_H
#define WICI_CLI_H

#include "proto/date.h" /* DATE_TEXT_SIZE */
#include "proto/language.h"
#include "proto/member.h"
#include "agents/wici.h"

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes; docs/CLI.md lists them. */
enum { CLI_OK, CLI_FAILED, CLI_USAGE, CLI_REFUSED, CLI_NO_BROKER, CLI_NOT_FOUND };

#define CLI_ARGS_MAX   1024u /* options, and words, of one command line */
#define CLI_TIMEOUT_MS 10000

struct cli {
    bool json;          /* --json */
    bool pl;            /* texts in Polish */
    int timeout_ms;     /* for each answer */
    const char *config; /* -c, or NULL */
    char *endpoints, *server_key, *key_file, *role;
    char *usual_role; /* of the agent's role file, where its settings were taken; NULL: none */
    unsigned window;  /* for wici_options, set by commands before they connect */
    bool bare_answers;
    int command_index; /* of the command among the words */
    int slot_fd;       /* holds our session's name while we run */
    struct wici *w;
    json_t *welcome;
};

typedef int cli_fn(struct cli *cli, int argc, char **argv);

cli_fn cmd_wicid, cmd_backup, cmd_erase, cmd_key, cmd_agency, cmd_unit, cmd_participant, cmd_directory, cmd_policy,
    cmd_publish, cmd_tail, cmd_read, cmd_case, cmd_cursor, cmd_explain, cmd_fetched, cmd_status, cmd_checkpoint,
    cmd_log, cmd_receipt, cmd_document, cmd_referrals, cmd_deadlines, cmd_report, cmd_worklist, cmd_audit, cmd_subject,
    cmd_consistency, cmd_verify, cmd_export, cmd_bench, cmd_types, cmd_template, cmd_new, cmd_outside, cmd_confirm,
    cmd_registry;

/* ---- a command's words and options */

struct cli_args {
    struct {
        int key;
        const char *value; /* NULL for a flag */
    } options[CLI_ARGS_MAX];
    size_t option_count;
    const char *words[CLI_ARGS_MAX];
    size_t word_count;
};

struct cli_syntax {
    const struct argp_option *options; /* NULL: none of its own */
    const char *words, *doc;           /* as argp has them, N_() */
    size_t words_min, words_max;
};

/* Options that several commands have; --json, --timeout and the connection's are everywhere. */
enum { OPT_ABOUT = 256, OPT_CODE };

/* --json, --timeout and the connection's; its input is a struct cli. */
extern const struct argp cli_common_argp;

/* Parses; exits with CLI_USAGE (or 0 for --help) as argp does. argv[0] is the command's name. */
void args_parse(struct cli *cli, const struct cli_syntax *syntax, int argc, char **argv, struct cli_args *ret);
const char *args_get(const struct cli_args *args, int key); /* the last one's value; NULL: not given */
bool args_has(const struct cli_args *args, int key);
json_t *args_list(const struct cli_args *args, int key); /* array of all its values; NULL: not given */
/* A number at least min; exits with CLI_USAGE when it is none. */
uint64_t args_number(const struct cli_args *args, int key, uint64_t otherwise, uint64_t min);
/* A time as RFC 3339; given as such, as a date, or as an age ("90m", "2h", "3d"); exits with CLI_USAGE when it is none
 * of these. False: not given. */
bool args_time(const struct cli_args *args, int key, char ret[32]);
/* Becomes the program words[0], which is installed with this one; returns only when it cannot be run, and said so. */
int cli_become(char **words);
/* Says what is wrong with the command line, and exits. */
void usage_fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* ---- settings and the connection */

/* Connects and waits. CLI_OK, or the exit code; says why. */
int cli_connect(struct cli *cli);
/* The role to act in: --role, else `preferred` if the unit has it, else the only one it has, else the one in which the
 * unit's agent acts. NULL: said why. */
const char *cli_role(struct cli *cli, const char *preferred);

/* The question as text, for worklist.h and others: wici_query() on the connection of the struct cli. */
int cli_ask(void *cli, const char *request, char **ret);
/* Asks, request stolen. CLI_OK and *ret, or the exit code; says why. */
int cli_query(struct cli *cli, json_t *request, json_t **ret);
/* Asks for all agencies and units: "agencies" and "units". CLI_OK and *ret, or the exit code; says why. */
int cli_directory(struct cli *cli, json_t **ret);
/* Prints the warnings of a receipt, each with its field, sentence, rule and source. */
void cli_warnings_print(const struct cli *cli, const json_t *receipt);
/* Publishes an event of a sys type with one S0 section (body stolen) and prints the receipt. */
int cli_command_event(struct cli *cli, const char *type, const char *dossier, const char *role, json_t *body);
/* The same, of what the event `cause` brought about. */
int cli_command_answering(struct cli *cli, const char *type, const char *dossier, const char *role, const char *cause,
                          json_t *body);

/* Prints an error of a call of wici.h to standard error and returns the exit code. */
int cli_fail(struct cli *cli, int rc, const char *what);
void cli_refusal_print(const struct cli *cli, const struct wici_error *error);
void cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Nothing is there to be shown: a sentence for a person goes to standard error, with --json the empty answer is enough.
 * CLI_NOT_FOUND */
int cli_none(const struct cli *cli, const char *said);

/* ---- printing */

/* Prints one JSON value on a line, and takes it. */
int cli_print_json(json_t *json);

/* Writes a new file that only its owner reads, whole or not at all; "-" is standard output. Nothing is ever replaced.
 * CLI_OK or CLI_FAILED: said why. */
int cli_file_write(const char *path, const void *bytes, size_t len);

/* The day that it is in Poland, wherever the machine stands. */
void cli_today(char ret[DATE_TEXT_SIZE]);
/* The text with what would turn it round (words.h) named instead; malloc'd. */
char *text_plain(const char *text);

struct table;
struct table *table_create(size_t columns, ...); /* const char * titles */
void table_row(struct table *table, ...);        /* const char * cells; NULL is empty */
/* Prints it with columns as wide as their cells on screen, and frees it. What a terminal has no room for is printed row
 * by row, a line for each cell with its column's title. */
void table_print(struct table *table);
/* One line of CSV (RFC 4180) of as many const char *; a text that a table calculator would take for a formula gets a
 * quote before it. */
void csv_row(size_t count, ...);
/* The same for a table calculator that opens a file by a double click: csv_office_begin() first, which says that it is
 * UTF-8; the cells apart as the calculator of that language has them, in Polish by semicolons. */
void csv_office_begin(void);
void csv_office_row(const struct cli *cli, size_t count, ...);

/* A member's text, "" when it is not there; numbers are written out. The buffer is shared by eight calls. */
const char *jstr(const json_t *json, const char *key);
/* A new UUID, version 7. NULL: no memory, or no randomness. */
json_t *cli_uuid(void);
/* The strings of an array, joined by spaces; a malloc'd text. */
char *jjoin(const json_t *array);
/* {"id": "name"} of the agencies and units of a Directory, as pages want it: a new object. */
json_t *directory_names(const json_t *directory);
/* RFC 3339 (or milliseconds) as local time "2026-03-01 08:30:00". */
const char *time_local(const char *rfc3339);
const char *time_local_ms(uint64_t ms);
/* The label of a word of words.def; the word itself where it has none. */
const char *word_label(const struct cli *cli, const char *word);
/* The label of a type, by its name or its enum word. */
const char *type_label(const struct cli *cli, const char *name);

/* ---- the registry (cmd_types.c, section.c) */

/* The type of that name, enum word or number. NULL: none. */
struct type_info;
const struct type_info *cli_type(const char *text);
/* A JSON event of that type, with the mandatory fields at values that pass. NULL: no such type, or no memory. */
json_t *event_template(const char *type, const char *role, bool all_fields);
/* "referralSubmittedS0": the name of a section's body. */
char *section_json_name(uint32_t type, unsigned cls);
/* The body of a section, and its type and class. NULL: none we know. */
const json_t *section_body(const json_t *section, uint32_t *ret_type, unsigned *ret_cls);
/* The body of an event's first section; a record of the broker has one. NULL: none we know. */
const json_t *event_first_body(const json_t *event);
/* What a read brings, as JSON, which the caller frees. 0 or -errno. */
int event_json(const struct wici_event *event, json_t **ret);
/* For wici_read: keeps the first event, in the json_t * that arg points to, NULL before. */
int event_keep_first(void *arg, const struct wici_event *event);
/* The documents that an event names, in order, each with "class": a new array. */
json_t *event_documents(const json_t *event);
/* Prints a section's fields with their labels, indented. */
void section_print(const struct cli *cli, const json_t *section);
/* "S6 Professional notes"; "header". The text is shared by eight calls. */
const char *class_label(const struct cli *cli, unsigned cls);

/* What a field holds, in a word: "ID", "DATE", "NUMBER", the name of a message. Constant. */
struct field_info;
const char *field_kind(const ProtobufCFieldDescriptor *field, const struct field_info *info);
/* Prints docs/EVENTS.md. */
void markdown_print(void);

/* Where a dossier stands, in indented lines; course may be NULL: not known. */
void course_print(const struct cli *cli, const json_t *course);
/* Prints a case: the dossiers of its group, then all their events in order. directory names agencies and units. */
void timeline_print(const struct cli *cli, const json_t *directory, const json_t *members, const json_t *events);

#endif
