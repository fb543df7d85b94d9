/*
 * wici new: an event out of a person's answers, into the outbox of wici-agent or to standard output
 *
 * What is asked stands in the registry; what the event answers (--answers) gives the dossier, the references and the
 * persons. Nothing is written before the whole event passes the checks that the broker will make.
 */
#include "agents/answer.h"
#include "agents/cli/ask.h"
#include "agents/cli/new_answered.h"
#include "agents/cli/new_check.h"
#include "agents/cli/new_outbox.h"
#include "proto/event.h"
#include "proto/limits.h"
#include "wici/v1/event.pb-c.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct making {
    struct ask ask;
    const struct type_info *type;
    json_t *header, *sections, *known;
    bool marks; /* ask for whom a section is, too */
};

/* Does an event of this type begin a referral, a meeting, a consent ...: is the reference in its facts a new one? */
static bool
type_begins(const struct type_info *type)
{
    static const uint32_t types[] = {WICI__V1__EVENT_TYPE__REFERRAL_SUBMITTED,
                                     WICI__V1__EVENT_TYPE__CASE_PLAN_UPDATED,
                                     WICI__V1__EVENT_TYPE__CASE_SAFETY_CONCERN_RAISED,
                                     WICI__V1__EVENT_TYPE__CONSENT_GRANTED,
                                     WICI__V1__EVENT_TYPE__COURT_OPINION_REQUESTED,
                                     WICI__V1__EVENT_TYPE__COURT_ORDER_ISSUED,
                                     WICI__V1__EVENT_TYPE__MEETING_CONVENED,
                                     WICI__V1__EVENT_TYPE__MEETING_HELD,      /* which nobody had convened */
                                     WICI__V1__EVENT_TYPE__CONSENT_WITHDRAWN, /* which was never given */
                                     WICI__V1__EVENT_TYPE__IPUS_AGREED,
                                     WICI__V1__EVENT_TYPE__INFO_REQUESTED};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i] == type->number)
            return true;
    return false;
}

/* What is easily lost where the reference may be a new one, and what it means is there already. */
static const char *
advice(const struct type_info *type)
{
    if (type->number == WICI__V1__EVENT_TYPE__MEETING_HELD)
        return _(
            "A meeting that was convened has an identifier: it stands on the page of the invitation, and --answers "
            "takes it from there.");
    if (type->number == WICI__V1__EVENT_TYPE__CONSENT_WITHDRAWN)
        return _(
            "A consent that was given has an identifier: it stands on its page, and --answers takes it from there. "
            "A new one is for a refusal.");
    return "";
}

/* ---- the header */

static unsigned
place_of(const struct message_info *message, const char *name)
{
    unsigned i = 0;

    while (strcmp(message->fields[i].json, name) != 0)
        i++; /* our own names: they are there */
    return i;
}

/* Would the broker take this value in that field? */
static bool
fits(struct making *m, const struct message_info *message, const char *field, const char *text)
{
    json_t *value = json_string(text); /* NULL: no UTF-8 */
    struct refusal refusal;
    bool ret = value != NULL && answer_check(value, message, place_of(message, field), m->ask.arena, &refusal) == 0;

    json_decref(value);
    return ret;
}

static int
dossier_ask(struct making *m)
{
    const struct message_info *header = message_info(&wici__v1__header__descriptor);
    bool opens = m->type->opens != OPENS_NOTHING,
         always = m->type->opens == OPENS_REFERRAL || m->type->opens == OPENS_CASE;
    json_t *value = NULL;
    int rc = 0;

    if (json_object_get(m->header, "dossierId") != NULL)
        return 0;
    if (!always) {
        puts(opens ? _("In which dossier? Leave it out to begin a new one.")
                   : _("In which dossier? Its identifier stands on the page in the folder inbox."));
        rc = ask_field(&m->ask, header, place_of(header, "dossierId"), opens, &value);
    }
    if (rc == 0 && value == NULL) {
        value = cli_uuid();
        m->ask.renew = true;
    }
    if (rc == 0 && (value == NULL || json_object_set_new(m->header, "dossierId", value) != 0))
        rc = -ENOMEM;
    return rc;
}

/* Appends the units that a line names; false: one cannot be a unit's name. */
static bool
units_add(struct making *m, char *line, json_t *to)
{
    const struct message_info *address = message_info(&wici__v1__address__descriptor);

    for (char *save = NULL, *word = strtok_r(line, " ,;", &save); word != NULL; word = strtok_r(NULL, " ,;", &save))
        if (!fits(m, address, "unit", word) || json_array_append_new(to, json_pack("{s:s}", "unit", word)) != 0)
            return false;
    return true;
}

static int
addressees_ask(struct making *m)
{
    for (;;) {
        json_t *to = json_array();
        char *line = NULL;
        int rc = ask_line(_("To which units? (names of mailboxes, as ops-sw; Enter: to nobody in particular)"), &line);
        bool good = rc == 0 && units_add(m, line, to);

        free(line);
        if (good && json_array_size(to) > 0)
            json_object_set(m->header, "to", to);
        json_decref(to);
        if (rc != 0 || good)
            return rc;
        puts(_("  A name of a unit has letters without accents, digits and . _ - only."));
    }
}

/* Whose letter it is that we enter, how it came and when. */
static int
behalf_ask(struct making *m, json_t *actor)
{
    static const char *const fields[] = {"onBehalfOf", "channel", "receivedOn"};
    const struct message_info *message = message_info(&wici__v1__actor__descriptor);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof fields / sizeof fields[0]; i++) {
        json_t *value = NULL;

        rc = ask_field(&m->ask, message, place_of(message, fields[i]), false, &value);
        if (rc == 0)
            rc = json_object_set_new(actor, fields[i], value) == 0 ? 0 : -ENOMEM;
    }
    return rc;
}

static int
header_ask(struct making *m, const struct cli_args *args, const char *role)
{
    json_t *actor = json_object();
    int rc;

    if (role != NULL)
        json_object_set_new(actor, "role", json_string(role));
    rc = dossier_ask(m);
    if (rc == 0 && !args_has(args, 't') && !args_has(args, 'a'))
        rc = addressees_ask(m);
    if (rc == 0 && (args_has(args, 'b') || (role != NULL && strcmp(role, "INT") == 0)))
        rc = behalf_ask(m, actor);
    if (rc == 0 && json_object_size(actor) > 0)
        json_object_set(m->header, "actor", actor);
    json_decref(actor);
    return rc;
}

/* ---- the sections */

/* A row of a plan is for its provider, and for no other. */
static bool
names_provider(const json_t *section)
{
    uint32_t type;
    unsigned cls;

    return jstr(json_object_get(section_body(section, &type, &cls), "row"), "provider")[0] != '\0';
}

static int
marks_ask(struct making *m, unsigned cls, json_t *section)
{
    const struct message_info *message = message_info(&wici__v1__section__descriptor);
    static const char *const fields[] = {"onlyFor", "notTo"};
    json_t *list = NULL;
    int rc = 0;

    if (cls != 0 && json_array_size(m->ask.persons) > 0) {
        rc = ask_persons(&m->ask, _("  Whom is this part about? (numbers, as 1 3; Enter: nobody in particular)"),
                         &list);
        if (rc == 0 && json_array_size(list) > 0)
            json_object_set(section, "subjects", list);
        json_decref(list);
    }
    for (size_t i = 0; rc == 0 && i < sizeof fields / sizeof fields[0]; i++) {
        list = NULL;
        if (!m->marks && (i > 0 || !names_provider(section)))
            continue;
        rc = ask_field(&m->ask, message, place_of(message, fields[i]), true, &list);
        if (rc == 0 && list != NULL && json_object_set_new(section, fields[i], list) != 0)
            rc = -ENOMEM;
    }
    return rc;
}

static int
section_ask(struct making *m, unsigned cls, json_t **ret)
{
    char *name = section_json_name(m->type->number, cls);
    json_t *section = json_object(), *body = NULL;
    int rc = name == NULL || section == NULL ? -ENOMEM : 0;

    printf("\n%s\n", class_label(m->ask.cli, cls));
    if (rc == 0)
        rc = ask_message(&m->ask, m->type->body[cls], &body);
    if (rc == 0 && json_object_set_new(section, name, body) != 0)
        rc = -ENOMEM;
    if (rc == 0)
        rc = marks_ask(m, cls, section);
    free(name);
    if (rc == 0)
        *ret = section;
    else
        json_decref(section);
    return rc;
}

/* "Add: S2 Social data (living conditions)?" */
static int
section_offer(struct making *m, unsigned cls, bool otherwise, bool *ret)
{
    const struct message_info *message = m->type->body[cls];
    char question[300];
    int len = snprintf(question, sizeof question, _("\nAdd %s?"), class_label(m->ask.cli, cls));
    const char *before = " (";

    for (unsigned i = 0; i < message->desc->n_fields && len > 0 && (size_t)len + 80 < sizeof question; i++) {
        const char *text = m->ask.cli->pl ? message->fields[i].pl : message->fields[i].en;

        if (i > 2 || strcmp(message->fields[i].json, "documents") == 0)
            break;
        len += snprintf(question + len, sizeof question - (size_t)len, "%s%.60s", before, text);
        before = ", ";
    }
    if (before[0] == ',' && len > 0 && (size_t)len + 1 < sizeof question)
        (void)snprintf(question + len, sizeof question - (size_t)len, ")");
    return ask_yes_no(question, otherwise, ret);
}

/* Rows go to different readers: each is a part of its own. */
static bool
has_rows(const struct message_info *message)
{
    for (unsigned i = 0; i < message->desc->n_fields; i++)
        if (strcmp(message->fields[i].json, "row") == 0)
            return true;
    return false;
}

/* Is there another part of the class? */
static int
another_ask(struct making *m, unsigned cls, bool *ret)
{
    *ret = false;
    if (cls == 0 || json_array_size(m->sections) >= EVENT_SECTIONS_MAX)
        return 0;
    if (has_rows(m->type->body[cls]))
        return ask_yes_no(_("  Another row? (it becomes a part of its own)"), false, ret);
    /* Parts about different persons go to different readers. */
    return json_array_size(m->ask.persons) > 1
               ? ask_yes_no(_("  Another part of this kind, about other persons?"), false, ret)
               : 0;
}

static int
class_ask(struct making *m, unsigned cls, bool either_done)
{
    bool either = (m->type->either & 1u << cls) != 0, last = m->type->either >> (cls + 1) == 0, wanted = true;
    int rc = 0;

    if (either || !message_has_required(m->type->body[cls]))
        rc = section_offer(m, cls, either && last && !either_done, &wanted);
    while (rc == 0 && wanted) {
        json_t *section = NULL;

        rc = section_ask(m, cls, &section);
        if (rc == 0 && json_array_append_new(m->sections, section) != 0)
            rc = -ENOMEM;
        wanted = false;
        if (rc == 0)
            rc = another_ask(m, cls, &wanted);
        if (has_rows(m->type->body[cls]))
            m->ask.again = m->type->body[cls];
    }
    m->ask.again = NULL;
    return rc;
}

static int
sections_ask(struct making *m)
{
    bool either_done = false;
    int rc = 0;

    for (unsigned cls = 0; rc == 0 && cls < TYPE_CLASSES; cls++) {
        size_t before = json_array_size(m->sections);

        if (m->type->body[cls] == NULL)
            continue;
        rc = class_ask(m, cls, either_done);
        either_done = either_done || ((m->type->either & 1u << cls) != 0 && json_array_size(m->sections) > before);
    }
    return rc;
}

/* ---- the whole */

static json_t *
event_make(const struct making *m)
{
    return json_pack("{s:O,s:O}", "header", m->header, "sections", m->sections);
}

static void
summary_print(const struct making *m)
{
    const json_t *section, *address;
    size_t i;

    printf("\n%s: %s\n", _("Summary"), type_label(m->ask.cli, m->type->name));
    printf("  %s: %s\n", _("dossier"), jstr(m->header, "dossierId"));
    json_array_foreach(json_object_get(m->header, "to"), i, address)
        printf("  %s: %s\n", _("to"), jstr(address, "unit"));
    json_array_foreach(m->sections, i, section)
    {
        printf("  [%zu]\n", i + 1);
        section_print(m->ask.cli, section);
    }
}

/* Until it is to be written (0), or not (-ECANCELED). A part may be answered anew. */
static int
event_settle(struct making *m)
{
    for (;;) {
        bool good;
        char *text;
        unsigned long number;
        uint32_t type;
        unsigned cls;
        json_t *section = NULL;
        int rc;

        summary_print(m);
        good = event_passes(m->ask.cli, m->header, m->sections);
        rc = ask_line(good ? _("\nWrite it? (y: yes; n: no, drop it; a number: answer that part anew)")
                           : _("\nIt cannot be sent so. (n: drop it; a number: answer that part anew)"),
                      &text);
        if (rc != 0)
            return rc;
        number = strlen(text) <= 2 && strspn(text, "0123456789") == strlen(text) ? strtoul(text, NULL, 10) : 0;
        if (number >= 1 && number <= json_array_size(m->sections)) {
            free(text);
            if (section_body(json_array_get(m->sections, number - 1), &type, &cls) == NULL)
                continue;
            rc = section_ask(m, cls, &section);
            if (rc == 0 && json_array_set_new(m->sections, number - 1, section) != 0)
                rc = -ENOMEM;
            if (rc != 0)
                return rc;
            continue;
        }
        bool yes, understood = answer_yes_no(text, &yes);

        free(text);
        if (understood && !yes)
            return -ECANCELED;
        if (understood && good)
            return 0;
        puts(_("  Please answer with one of these."));
    }
}

/* ---- the command */

/* Questions and summary on the terminal, while standard output is for the event alone. */
static int
dialogue(struct making *m, const struct cli_args *args, const char *role, bool aside)
{
    int kept = -1, rc;

    fflush(stdout);
    if (aside) {
        kept = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        if (kept < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
            return -errno;
    }
    printf("%s\n", m->ask.cli->pl ? m->type->pl : m->type->en);
    if (advice(m->type)[0] != '\0' && json_object_size(m->known) == 0)
        puts(advice(m->type));
    rc = header_ask(m, args, role);
    if (rc == 0)
        rc = sections_ask(m);
    if (rc == 0)
        rc = event_settle(m);
    fflush(stdout);
    if (kept >= 0) {
        if (dup2(kept, STDOUT_FILENO) < 0)
            rc = -errno;
        close(kept);
    }
    return rc;
}

static int
event_write(const struct making *m, const char *outbox)
{
    json_t *event = event_make(m);
    int rc = event == NULL ? -ENOMEM : outbox_write(event, m->type->name, outbox);

    json_decref(event);
    return rc;
}

/* Dossier and units of the command line; exits with CLI_USAGE when one cannot stand there. */
static void
options_take(struct making *m, const struct cli_args *args)
{
    const char *dossier = args_get(args, 'd');
    json_t *to = json_array();

    if (dossier != NULL) {
        if (!fits(m, message_info(&wici__v1__header__descriptor), "dossierId", dossier))
            usage_fail(_("--dossier needs the identifier of a dossier, 36 characters: %s"), dossier);
        json_object_set_new(m->header, "dossierId", json_string(dossier));
    }
    for (size_t i = 0; i < args->option_count; i++) {
        const char *unit = args->options[i].value;

        if (args->options[i].key != 't')
            continue;
        if (!fits(m, message_info(&wici__v1__address__descriptor), "unit", unit))
            usage_fail(_("--to needs the name of a unit (letters without accents, digits and . _ -): %s"), unit);
        json_array_append_new(to, json_pack("{s:s}", "unit", unit));
    }
    if (json_array_size(to) > 0)
        json_object_set(m->header, "to", to);
    json_decref(to);
}

static int
result(int rc)
{
    switch (rc) {
    case 0: return CLI_OK;
    case -ENODATA: cli_warn(_("the answers ended too early; nothing was written")); return CLI_FAILED;
    case -ECANCELED: cli_warn(_("dropped; nothing was written")); return CLI_FAILED;
    default: cli_warn("%s", strerror(-rc)); return CLI_FAILED;
    }
}

/* All empty but for the type and what the options say. -ENOMEM */
static int
making_begin(struct making *m, const struct cli_args *args)
{
    m->header = json_pack("{s:s}", "type", m->type->enum_name);
    m->sections = json_array();
    m->known = json_object();
    m->ask.persons = json_array();
    m->ask.known = m->known;
    m->ask.begins = type_begins(m->type) ? m->type->body[0] : NULL;
    m->marks = args_has(args, 'm');
    return m->header == NULL || m->sections == NULL || m->known == NULL || m->ask.persons == NULL
               ? -ENOMEM
               : arena_create(&m->ask.arena, DECODE_ARENA_SIZE);
}

static void
making_end(struct making *m)
{
    arena_destroy(&m->ask.arena);
    json_decref(m->header);
    json_decref(m->sections);
    json_decref(m->known);
    json_decref(m->ask.persons);
}

int
cmd_new(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"answers", 'a', N_("FILE|SEQ|UUID"), 0, N_("answers that event: a file of inbox, or read from the broker"), 0},
        {"agent", 'A', N_("FILE"), 0, N_("into the outbox of the agent with these settings (agent.conf)"), 0},
        {"outbox", 'o', N_("DIR"), 0, N_("into this folder; without it the event is printed"), 0},
        {"dossier", 'd', N_("UUID"), 0, N_("in this dossier"), 0},
        {"to", 't', N_("UNIT"), 0, N_("addressed to this unit; may be repeated"), 0},
        {"on-behalf", 'b', NULL, 0, N_("a letter of somebody else: ask whose, how and when it came"), 0},
        {"marks", 'm', NULL, 0, N_("ask of each part who alone may read it, and who not"), 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {options, N_("TYPE"),
                                             N_("Asks for the fields of an event, one after another, and writes it "
                                                "where wici-agent takes it. Each answer is "
                                                "checked at once. Dates may be typed as 1.03.2026 or today. Needs no "
                                                "broker, unless --answers names a number "
                                                "or an id."),
                                             1, 1};
    struct making m = {.ask = {.cli = cli, .today = date_of_moment((uint64_t)time(NULL) * 1000)}};
    struct cli_args args;
    json_t *answered = NULL;
    char *outbox = NULL;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    m.type = cli_type(args.words[0]);
    if (m.type == NULL) {
        cli_warn(_("there is no type %s; wici types lists them"), args.words[0]);
        return CLI_NOT_FOUND;
    }
    if (m.type->number >= TYPE_SYS_FIRST)
        usage_fail(_("%s is written by the broker or by a command of its own"), m.type->name);
    if (args_has(&args, 'a') && (rc = answered_load(cli, args_get(&args, 'a'), &answered)) != CLI_OK)
        return rc;
    rc = making_begin(&m, &args);
    if (rc == 0) {
        if (answered != NULL)
            answered_take(answered, m.header, m.known, m.ask.persons);
        options_take(&m, &args);
        rc = outbox_find(&args, &outbox);
    }
    if (rc == 0)
        rc = dialogue(&m, &args, cli->role, outbox == NULL);
    if (rc == 0)
        rc = event_write(&m, outbox);
    making_end(&m);
    json_decref(answered);
    free(outbox);
    return result(rc);
}
