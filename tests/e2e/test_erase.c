/* wici erase, as an administrator uses it: the preview, the order, and what both sides see afterwards. */
#include "tests/e2e/test_lib_kit.h"

#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const polish[] = {"LC_ALL=pl_PL.UTF-8", "LANGUAGE=", NULL};

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void
wici_check(struct daemon *d, const char *unit, const char *const *words, const char *const *env, int code,
           const char *want)
{
    free(kit_expect(d, unit, words, env, NULL, code, want));
}

/* The school refers a family; the dossier's id. */
static void
referral(struct daemon *d, char ret[37])
{
    char *event = kit_expect(d, "sp12", WORDS("template", "referral.submitted", "--role", "SCH", "--to", "ops-sw"),
                             NULL, NULL, 0, NULL);
    json_t *json = json_loads(event, 0, NULL);

    (void)snprintf(ret, 37, "%s", json_string_value(json_object_get(json_object_get(json, "header"), "dossierId")));
    free(kit_expect(d, "sp12", WORDS("publish"), NULL, event, 0, NULL));
    json_decref(json);
    free(event);
}

/* To an auditor's program, on a copy and with the keys that are left: what is gone, an order names. */
static void
assert_log_holds(struct daemon *d)
{
    char text[2048], *keys = kit_expect(d, "admin", WORDS("log", "key"), NULL, NULL, 0, "+");

    daemon_write(d, "log-keys", keys);
    free(keys);
    assert_int_equal(daemon_stop(d, SIGTERM), 0);
    (void)snprintf(
        text, sizeof text,
        "cd %s && '%s/wici-verify' --vkey \"$(grep -o '[^ ]*+[^ ]*+[^ ]*' log-keys | head -n 1)\" --key-dir keys "
        "--kek kek data > verified",
        d->dir, getenv("WICI_BIN"));
    assert_int_equal(system(text), 0);
}

/* What the recipients say of their copies. */
static void
copies_are_confirmed(struct daemon *d)
{
    static const char *const units[] = {"ops-sw", "sp12"};

    for (size_t i = 0; i < 2; i++) {
        char *output = kit_expect(d, units[i], WORDS("read", "--type", "sys.erasure_notified", "--json"), NULL, NULL, 0,
                                  NULL);
        json_t *json = json_loads(output, 0, NULL);
        const char *notice = json_string_value(json_object_get(json_object_get(json, "header"), "eventId"));

        assert_non_null(notice);
        wici_check(d, units[i], WORDS("confirm", notice, "set-aside"), NULL, 2, "kept --law");
        wici_check(d, units[i], WORDS("confirm", notice, "kept"), NULL, 2, "kept --law");
        if (i == 0)
            wici_check(d, units[i], WORDS("confirm", notice, "destroyed"), polish, 0, "potwierdził");
        else
            wici_check(d, units[i], WORDS("confirm", notice, "kept", "--law", "art. 5 ustawy o archiwach"), NULL, 0,
                       "confirmed");
        wici_check(d, units[i], WORDS("confirm", notice, "destroyed"), NULL, 3, "E_EXISTS");
        json_decref(json);
        free(output);
    }
    wici_check(d, "admin", WORDS("read", "--type", "sys.erasure_confirmed", "--json"), NULL, 0, "KEPT_BY_LAW");
}

/* What a person is told of an erasure, as one text with one blank between words. */
static char *
told(struct daemon *d, const char *const *words, const char *const *env)
{
    char *text = kit_expect(d, "admin", words, env, NULL, 0, NULL), *to = text;

    for (const char *from = text; *from != '\0'; from++)
        if ((*from != ' ' && *from != '\n') || (to != text && to[-1] != ' '))
            *to++ = *from == '\n' ? ' ' : *from;
    *to = '\0';
    return text;
}

static void
assert_tells(struct daemon *d, const char *const *words, const char *const *env, const char *const *wants)
{
    char *text = told(d, words, env);

    for (size_t i = 0; wants[i] != NULL; i++)
        if (strstr(text, wants[i]) == NULL)
            fail_msg("%s\n%s is not in it", text, wants[i]);
    free(text);
}

/* Before anybody has answered. */
static void
copies_are_waited_for(struct daemon *d, const char *dossier)
{
    assert_tells(d, WORDS("erase", "--status", dossier), NULL,
                 WORDS("Reason: court order", "Units that were told: 2.", "not answered yet 2", " 0 not answered yet"));
    assert_tells(d, WORDS("status"), NULL, WORDS("notices of erasures not answered 2, the oldest since"));
    wici_check(d, "ops-sw", WORDS("status"), polish, 0, "zawiadomienia o usunięciu bez odpowiedzi");
    wici_check(d, "ops-sw", WORDS("erase", "--status"), NULL, 5, "E_UNKNOWN");
    wici_check(d, "admin", WORDS("erase", "--status", "x", "--yes"), NULL, 2, "--status");
    wici_check(d, "admin", WORDS("erase", "--status", "7"), NULL, 5, "E_UNKNOWN");
}

/* After both have: also where a person asks for the erasure anew, and by the number of its order. */
static void
copies_are_accounted_for(struct daemon *d, const char *dossier)
{
    const char *const confirmed[] = {"destroyed 1, kept by law 1, not answered yet 0",
                                     "ops-sw 1",
                                     " 0 destroyed, 20",
                                     " 0 kept by law, 20",
                                     ": art. 5 ustawy o archiwach",
                                     NULL};
    char *json = kit_expect(d, "admin", WORDS("erase", "--status", "--json"), NULL, NULL, 0, "\"destroyed\":1"),
         seq[24];
    json_t *all = json_loads(json, 0, NULL);

    (void)snprintf(seq, sizeof seq, "%s", json_string_value(json_object_get(json_array_get(all, 0), "intendedSeq")));
    assert_tells(d, WORDS("erase", "--status", dossier), NULL, confirmed);
    assert_tells(d, WORDS("erase", "--status", seq), NULL, confirmed);
    assert_tells(d, WORDS("erase", dossier), NULL, confirmed);
    assert_tells(d, WORDS("erase", "--status"), polish, WORDS("POLECENIE", "postanowienie sądu", " 2 1 1 0 "));
    assert_tells(d, WORDS("erase", "--status", dossier), polish,
                 WORDS("zniszczone 1, zachowane z mocy prawa 1, jeszcze bez odpowiedzi 0", " 0 zniszczone, "));
    assert_tells(d, WORDS("erase", dossier, "--json"), NULL,
                 WORDS("\"before\":true", "\"how\":\"DESTROYED\"", "\"legalBasis\":\"art. 5 ustawy o archiwach\""));
    json_decref(all);
    free(json);
    json = kit_expect(d, "admin", WORDS("status"), NULL, NULL, 0, NULL);
    assert_null(strstr(json, "not answered"));
    free(json);
}

static void
an_erasure_is_looked_at_ordered_and_told_to_recipients(void **state)
{
    struct daemon *d = *state;
    char dossier[37], other[37], order[96], *output;

    referral(d, dossier);
    referral(d, other);
    (void)snprintf(order, sizeof order, "%s/order.pdf", d->dir);
    daemon_write(d, "order.pdf", "Postanowienie z dnia ...");
    daemon_write(d, "empty.pdf", "");

    /* Looking changes nothing, and says so. */
    wici_check(d, "admin", WORDS("erase", "--status"), NULL, 5, NULL);
    wici_check(d, "admin", WORDS("erase"), NULL, 2, "dossiers");
    output = kit_expect(d, "admin", WORDS("erase", dossier), NULL, NULL, 0, "Nothing was erased.");
    assert_non_null(strstr(output, dossier));
    assert_null(strstr(output, other));
    assert_non_null(strstr(output, "Records: 1"));
    assert_non_null(strstr(output, "sp12"));
    assert_non_null(strstr(output, "ops-sw"));
    free(output);
    wici_check(d, "admin", WORDS("erase", dossier), polish, 0, "Niczego nie usunięto.");
    wici_check(d, "ops-sw", WORDS("erase", dossier), NULL, 5, "E_UNKNOWN");
    wici_check(d, "ops-sw", WORDS("read", "--json", "--dossier", dossier), NULL, 0, "REFERRAL_SUBMITTED");

    /* An order has a reason and a document, and a person says yes. */
    wici_check(d, "admin", WORDS("erase", dossier, "--reason", "COURT_ORDER"), NULL, 2, "go together");
    wici_check(d, "admin", WORDS("erase", dossier, "--reason", "COURT_ORDER", "--order", "/no/such"), NULL, 1,
               "/no/such");
    (void)snprintf(order, sizeof order, "%s/empty.pdf", d->dir);
    wici_check(d, "admin", WORDS("erase", dossier, "--reason", "COURT_ORDER", "--order", order), NULL, 1, "empty");
    (void)snprintf(order, sizeof order, "%s/order.pdf", d->dir);
    wici_check(d, "admin", WORDS("erase", dossier, "--reason", "COURT_ORDER", "--order", order), NULL, 2, "--yes");
    wici_check(d, "admin", WORDS("erase", dossier, "--reason", "SO", "--order", order, "--yes"), NULL, 3, "E_REQUEST");
    wici_check(d, "admin", WORDS("erase", dossier, "--clear-by", "soon"), NULL, 2, "soon");
    wici_check(d, "ops-sw", WORDS("read", "--json", "--dossier", dossier), NULL, 0, "REFERRAL_SUBMITTED");

    wici_check(
        d, "admin",
        WORDS("erase", dossier, "--reason", "COURT_ORDER", "--order", order, "--clear-by", "2027-01-31", "--yes"),
        polish, 0, "31.01.2027");
    wici_check(d, "admin", WORDS("erase", dossier), NULL, 0, "erased before");
    wici_check(d, "ops-sw", WORDS("read", "--dossier", dossier), NULL, 5, NULL);
    wici_check(d, "ops-sw", WORDS("read", "--json", "--dossier", other), NULL, 0, "REFERRAL_SUBMITTED");

    /* The notice names numbers and no dossier. */
    output = kit_expect(d, "ops-sw", WORDS("read", "--type", "sys.erasure_notified", "--json"), NULL, NULL, 0,
                        "\"unit\":\"ops-sw\"");
    assert_non_null(strstr(output, "fromSeq"));
    assert_null(strstr(output, dossier));
    free(output);
    wici_check(d, "sp12", WORDS("read", "--type", "sys.erasure_notified"), NULL, 0, NULL);
    copies_are_waited_for(d, dossier);
    copies_are_confirmed(d);
    copies_are_accounted_for(d, dossier);
    kit_restart(d);
    copies_are_accounted_for(d, dossier);
    wici_check(d, "admin", WORDS("erase", dossier), polish, 0, "wcześniej");
    wici_check(d, "ops-sw", WORDS("read", "--dossier", dossier), NULL, 5, NULL);
    wici_check(d, "ops-sw", WORDS("read", "--json", "--dossier", other), NULL, 0, "REFERRAL_SUBMITTED");
    assert_log_holds(d);
}

static int
setup(void **state)
{
    struct daemon *d = calloc(1, sizeof *d);

    assert_non_null(d);
    kit_open(d);
    *state = d;
    return 0;
}

static int
teardown(void **state)
{
    daemon_destroy(*state);
    free(*state);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_erasure_is_looked_at_ordered_and_told_to_recipients, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
