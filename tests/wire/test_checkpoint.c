/* Signed checkpoints, the guard that remembers them, and the log's key: what docs/PROTOCOL.md and docs/AUDIT.md say. */
#include "tests/wire/kit.h"

#include "proto/note.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

/* The broker's answer to the question for its checkpoint; the caller frees it. */
static Wici__V1__BrokerMessage *
ask(struct peer *p)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Query query;
    Wici__V1__CheckpointQuery what;
    Wici__V1__BrokerMessage *answer;

    wici__v1__client_message__init(&message);
    wici__v1__query__init(&query);
    wici__v1__checkpoint_query__init(&what);
    query.request = 9;
    query.what_case = WICI__V1__QUERY__WHAT_CHECKPOINT;
    query.checkpoint = &what;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    message.query = &query;
    peer_send(p, &message);
    answer = peer_expect(p, WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT);
    assert_int_equal(answer->query_result->result_case, WICI__V1__QUERY_RESULT__RESULT_CHECKPOINT);
    return answer;
}

/* Asks until the checkpoint covers seq, within the time that any answer may take. */
static Wici__V1__BrokerMessage *
ask_until(struct peer *p, uint64_t seq)
{
    for (unsigned i = 0; i < PEER_TIMEOUT_MS / 20; i++) {
        Wici__V1__BrokerMessage *answer = ask(p);

        if (answer->query_result->checkpoint->size >= seq)
            return answer;
        peer_free(answer);
        (void)usleep(20000);
    }
    fail_msg("record %" PRIu64 " was not signed", seq);
    return NULL;
}

static struct note_key
key_at(const Wici__V1__Checkpoint *c, size_t i)
{
    struct note_key key;

    assert_true(i < c->n_keys);
    assert_int_equal(note_key_parse(c->keys[i]->vkey, strlen(c->keys[i]->vkey), &key), 0);
    return key;
}

static void
assert_signed(const Wici__V1__Checkpoint *c, size_t key_index)
{
    struct note_key key = key_at(c, key_index);
    struct note_checkpoint checkpoint;
    uint32_t keys_signed;

    assert_int_equal(note_checkpoint_open(c->note, strlen(c->note), &key, 1, &checkpoint, &keys_signed), 0);
    assert_string_equal(checkpoint.origin, "wire.example");
    assert_string_equal(key.name, "wire.example");
    assert_int_equal(checkpoint.size, c->size);
}

/* Waits until what was published is signed. */
static void
settle(struct town *t, uint64_t seq)
{
    struct peer p;

    peer_hello(&p, &t->daemon, &t->auditor, "settle");
    peer_free(ask_until(&p, seq));
    peer_close(&p);
}

static void
path_in(const struct town *t, const char *name, char ret[200])
{
    (void)snprintf(ret, 200, "%s/%s", t->daemon.dir, name);
}

static void
shell(const struct town *t, const char *command)
{
    char text[512];

    (void)snprintf(text, sizeof text, "cd %s && %s", t->daemon.dir, command);
    assert_int_equal(system(text), 0);
}

static void
assert_refuses_to_start(struct town *t, const char *why)
{
    char out[8192];

    assert_int_equal(RUN(out, "-c", t->daemon.config), 1);
    if (strstr(out, why) == NULL)
        fail_msg("expected \"%s\" in: %s", why, out);
}

/* ---- */

static void
what_was_published_is_signed_within_a_second_or_so(void **state)
{
    struct town *t = *state;
    Wici__V1__BrokerMessage *answer;
    uint64_t seq = town_letter(t);
    struct peer p;

    peer_hello(&p, &t->daemon, &t->school, "reader"); /* any unit may ask */
    answer = ask_until(&p, seq);
    assert_signed(answer->query_result->checkpoint, 0);
    peer_free(answer);
    peer_close(&p);
}

static void
a_log_that_does_not_grow_is_not_signed_again(void **state)
{
    struct town *t = *state;
    Wici__V1__BrokerMessage *first, *second;
    struct peer p;

    settle(t, town_letter(t));
    peer_hello(&p, &t->daemon, &t->auditor, "still");
    first = ask(&p);
    for (unsigned i = 0; i < 30; i++) { /* more than a second of ticks, if it did not wait at all */
        second = ask(&p);
        assert_string_equal(second->query_result->checkpoint->note, first->query_result->checkpoint->note);
        peer_free(second);
        (void)usleep(50000);
    }
    peer_free(first);
    peer_close(&p);
}

static void
the_key_is_announced_by_a_record_of_its_own_class(void **state)
{
    struct town *t = *state;
    Wici__V1__BrokerMessage *answer, *read;
    Wici__V1__Section *s0;
    struct peer p;

    peer_hello(&p, &t->daemon, &t->school, "keys");
    answer = ask(&p);
    read = town_read(&p, WICI__V1__EVENT_TYPE__SYS_LOG_KEY, 1);
    assert_int_equal(read->read_result->n_deliveries, 1);
    assert_int_equal(read->read_result->deliveries[0]->leaf_class, 3);
    assert_int_equal(answer->query_result->checkpoint->n_keys, 1);
    assert_int_equal(answer->query_result->checkpoint->keys[0]->seq, read->read_result->deliveries[0]->seq);
    s0 = town_s0(read->read_result->deliveries[0]);
    assert_non_null(s0);
    assert_string_equal(s0->sys_log_key_s0->vkey, answer->query_result->checkpoint->keys[0]->vkey);
    assert_string_equal(s0->sys_log_key_s0->replaces, "");
    wici__v1__section__free_unpacked(s0, NULL);
    peer_free(read);
    peer_free(answer);
    peer_close(&p);
}

static void
nobody_announces_a_key_over_the_wire(void **state)
{
    struct town *t = *state;
    Wici__V1__SysLogKeyS0 body;
    Wici__V1__Section section;
    const Wici__V1__Section *sections[] = {&section};
    Wici__V1__BrokerMessage *answer;
    struct peer_event event = {.id = ""};
    char vkey[] = "wire.example+00000000+AajI2wr79FwvoLqglJ6elY0tJPwtFfoAHT62CJYXiFDP";
    struct peer admin;

    peer_hello(&admin, &t->daemon, &t->daemon.admin, "forger");
    wici__v1__sys_log_key_s0__init(&body);
    wici__v1__section__init(&section);
    body.vkey = vkey;
    section.body_case = WICI__V1__SECTION__BODY_SYS_LOG_KEY_S0;
    section.sys_log_key_s0 = &body;
    peer_event_make(&admin, WICI__V1__EVENT_TYPE__SYS_LOG_KEY, NULL, NULL, sections, 1, &event);
    answer = peer_publish(&admin, &event);
    assert_int_equal(answer->answers->answers[0]->outcome_case, WICI__V1__ANSWER__OUTCOME_REFUSAL);
    assert_string_equal(answer->answers->answers[0]->refusal->code, "E_ROLE");
    peer_free(answer);
    peer_event_free(&event);
    peer_close(&admin);
}

static void
the_newest_checkpoint_outlives_the_broker(void **state)
{
    struct town *t = *state;
    Wici__V1__BrokerMessage *before, *after;
    uint64_t seq = town_letter(t);
    struct peer p;

    peer_hello(&p, &t->daemon, &t->auditor, "before");
    before = ask_until(&p, seq);
    peer_close(&p);
    assert_int_equal(daemon_stop(&t->daemon, SIGKILL), 128 + SIGKILL); /* the log itself does not keep it yet */
    daemon_start(&t->daemon);
    peer_hello(&p, &t->daemon, &t->auditor, "after");
    after = ask(&p);
    assert_true(after->query_result->checkpoint->size >= before->query_result->checkpoint->size);
    assert_signed(after->query_result->checkpoint, 0);
    peer_free(before);
    peer_free(after);
    peer_close(&p);
}

static void
an_older_copy_of_the_log_is_not_served(void **state)
{
    struct town *t = *state;

    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    shell(t, "cp -a data older");
    daemon_start(&t->daemon);
    settle(t, town_letter(t));
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    shell(t, "mv data newer && mv older data");
    assert_refuses_to_start(t, "does not contain");
    shell(t, "rm -r data && mv newer data");
    daemon_start(&t->daemon);
}

static void
a_log_that_parted_from_what_was_signed_is_not_served(void **state)
{
    struct town *t = *state;

    /* The same number of records, but others: only the root tells. */
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    shell(t, "cp -a data other && cp guard guard.before");
    daemon_start(&t->daemon);
    settle(t, town_letter(t));
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    shell(t, "mv data first && mv other data && mv guard guard.first && cp guard.before guard");
    daemon_start(&t->daemon);
    settle(t, town_letter(t));
    (void)town_letter(t);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    shell(t, "cp guard guard.other && cp guard.first guard");
    assert_refuses_to_start(t, "does not contain");
    shell(t, "cp guard.other guard");
    daemon_start(&t->daemon);
}

static void
a_missing_guard_stops_the_start_and_an_empty_one_does_not(void **state)
{
    struct town *t = *state;
    char path[200];
    struct stat st;

    settle(t, town_letter(t));
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    path_in(t, "guard", path);
    assert_int_equal(unlink(path), 0);
    assert_refuses_to_start(t, "whoever moved it");
    shell(t, "echo nonsense > guard");
    assert_refuses_to_start(t, "was not signed for this log");
    shell(t, ": > guard");
    daemon_start(&t->daemon);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size > 0); /* it holds again what the log kept */
}

static void
two_brokers_at_one_guard_notice_each_other(void **state)
{
    struct town *t = *state;
    char dossier[37];
    struct peer sw;

    settle(t, town_letter(t));
    shell(t, "cp guard guard.mine && echo x >> guard"); /* what another broker would do */
    peer_hello(&sw, &t->daemon, &t->sw, "last");
    peer_uuid4(dossier);
    (void)peer_letter(&sw, dossier, "sp12-ped", "Ostatnie.");
    peer_close(&sw);
    assert_int_equal(daemon_stop(&t->daemon, 0), 1);
    assert_true(daemon_logged(&t->daemon, "changed by somebody else"));
    shell(t, "cp guard.mine guard");
    daemon_start(&t->daemon);
}

static void
a_guard_that_cannot_be_written_only_delays_the_checkpoint(void **state)
{
    struct town *t = *state;
    Wici__V1__BrokerMessage *answer;
    struct peer p;
    uint64_t seq;

    settle(t, town_letter(t));
    shell(t, "mkdir guard.tmp"); /* where the new one would be written */
    seq = town_letter(t);
    peer_hello(&p, &t->daemon, &t->auditor, "delay");
    for (unsigned i = 0; i < PEER_TIMEOUT_MS / 20 && !daemon_logged(&t->daemon, "cannot be written"); i++)
        (void)usleep(20000);
    assert_true(daemon_logged(&t->daemon, "no checkpoint is published"));
    answer = ask(&p);
    assert_true(answer->query_result->checkpoint->size < seq);
    peer_free(answer);
    shell(t, "rmdir guard.tmp");
    peer_free(ask_until(&p, seq));
    peer_close(&p);
}

static void
a_key_that_is_not_the_logs_is_refused(void **state)
{
    struct town *t = *state;
    char path[200], other[200];
    uint8_t seed[NOTE_SEED_SIZE] = {7};
    struct note_signer signer;
    char text[NOTE_SIGNER_TEXT_SIZE];

    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    path_in(t, "checkpoint.key", path);
    path_in(t, "checkpoint.mine", other);
    assert_int_equal(chmod(path, 0640), 0);
    assert_refuses_to_start(t, "others may read it");
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(rename(path, other), 0);
    assert_refuses_to_start(t, "checkpoint.key");
    assert_int_equal(note_signer_make("wire.example", seed, &signer), 0);
    note_signer_format(&signer, text);
    daemon_write(&t->daemon, "checkpoint.key", text);
    assert_int_equal(chmod(path, 0600), 0);
    assert_refuses_to_start(t, "not the key that the log announced last");
    assert_int_equal(rename(other, path), 0);
    daemon_start(&t->daemon);
}

static void
the_key_is_rotated_on_the_stopped_broker_and_by_a_record(void **state)
{
    struct town *t = *state;
    Wici__V1__BrokerMessage *answer;
    struct note_checkpoint checkpoint;
    uint32_t keys_signed;
    struct note_key old;
    char out[8192];
    struct peer p;
    uint64_t seq;

    assert_int_equal(RUN(out, "init", "--log-key", "-c", t->daemon.config), 1); /* it runs */
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    shell(t, "cp -p checkpoint.key checkpoint.old");
    assert_int_equal(RUN(out, "init", "--log-key", "-c", t->daemon.config), 0);
    assert_non_null(strstr(out, "wire.example+"));
    daemon_start(&t->daemon);
    seq = town_letter(t);
    peer_hello(&p, &t->daemon, &t->auditor, "rotated");
    answer = ask_until(&p, seq);
    assert_int_equal(answer->query_result->checkpoint->n_keys, 2);
    assert_signed(answer->query_result->checkpoint, 1);
    old = key_at(answer->query_result->checkpoint, 0);
    assert_int_equal(note_checkpoint_open(answer->query_result->checkpoint->note,
                                          strlen(answer->query_result->checkpoint->note), &old, 1, &checkpoint,
                                          &keys_signed),
                     -ENOKEY);
    peer_free(answer);
    peer_close(&p);

    /* As if it had been interrupted after the record: the new key still stands aside. */
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    shell(t, "mv checkpoint.key checkpoint.key.next && mv checkpoint.old checkpoint.key");
    assert_refuses_to_start(t, "run `wicid init --log-key` once more");
    assert_int_equal(RUN(out, "init", "--log-key", "-c", t->daemon.config), 0);
    daemon_start(&t->daemon);
    peer_hello(&p, &t->daemon, &t->auditor, "finished");
    answer = ask(&p);
    assert_int_equal(answer->query_result->checkpoint->n_keys, 2); /* no third one */
    peer_free(answer);
    peer_close(&p);
}

/* ---- epochs */

/* Says Hello with a position that was seen; the answers until the Welcome. */
static Wici__V1__BrokerMessage *
hello_known(struct town *t, const Wici__V1__Position *known, bool *ret_diverged)
{
    Wici__V1__ClientMessage message;
    Wici__V1__BrokerMessage *answer;
    Wici__V1__Position position = *known;
    Wici__V1__Hello hello;
    struct peer p;

    peer_connect(&p, &t->daemon, &t->school);
    wici__v1__client_message__init(&message);
    wici__v1__hello__init(&hello);
    hello.protocol = 1;
    hello.known = &position;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    peer_send(&p, &message);
    answer = peer_receive(&p, PEER_TIMEOUT_MS);
    *ret_diverged = answer->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED;
    if (*ret_diverged) {
        assert_string_equal(answer->refused->refusal->code, "E_LOG_DIVERGED");
        peer_free(answer);
        answer = peer_receive(&p, PEER_TIMEOUT_MS);
    }
    assert_int_equal(answer->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_WELCOME);
    peer_close(&p);
    return answer;
}

static Wici__V1__BrokerMessage *
head_now(struct town *t)
{
    Wici__V1__Position nothing;
    Wici__V1__BrokerMessage *welcome;
    bool diverged;

    wici__v1__position__init(&nothing);
    welcome = hello_known(t, &nothing, &diverged);
    assert_false(diverged);
    return welcome;
}

static void
the_operator_is_told_of_another_log_and_a_peer_cannot_fill_his(void **state)
{
    struct town *t = *state;
    Wici__V1__Position elsewhere;
    uint8_t hash[32] = {7};
    bool diverged;

    wici__v1__position__init(&elsewhere);
    elsewhere.epoch = 1;
    elsewhere.seq = 3;
    elsewhere.leaf_hash = (ProtobufCBinaryData){.len = sizeof hash, .data = hash};
    for (unsigned i = 0; i < 20; i++) {
        peer_free(hello_known(t, &elsewhere, &diverged));
        assert_true(diverged);
    }
    shell(t, "test $(grep -c 'has seen a log that this is not (seq=3)' log) = 1");
}

/* Letters that are signed, beyond a copy that is then put back. */
static void
go_back(struct town *t)
{
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    shell(t, "cp -a data older");
    daemon_start(&t->daemon);
    (void)town_letter(t);
    settle(t, town_letter(t));
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    shell(t, "rm -r data && mv older data");
    assert_refuses_to_start(t, "wicid init --new-epoch");
}

static void
assert_epoch(struct town *t, uint64_t epoch, const char *name)
{
    Wici__V1__BrokerMessage *answer, *read;
    const Wici__V1__Checkpoint *c;
    struct note_checkpoint checkpoint;
    Wici__V1__Section *s0;
    uint32_t keys_signed;
    struct note_key key;
    struct peer p;
    size_t last;

    peer_hello(&p, &t->daemon, &t->school, "epoch");
    answer = ask_until(&p, town_letter(t));
    c = answer->query_result->checkpoint;
    key = key_at(c, c->n_keys - 1);
    assert_string_equal(key.name, name);
    assert_int_equal(note_checkpoint_open(c->note, strlen(c->note), &key, 1, &checkpoint, &keys_signed), 0);
    assert_string_equal(checkpoint.origin, name);
    read = town_read(&p, WICI__V1__EVENT_TYPE__SYS_EPOCH, 1);
    last = read->read_result->n_deliveries - 1;
    assert_int_equal(read->read_result->deliveries[last]->leaf_class, 3);
    s0 = town_s0(read->read_result->deliveries[last]);
    assert_int_equal(s0->sys_epoch_s0->epoch, epoch);
    assert_string_equal(s0->sys_epoch_s0->origin, name);
    wici__v1__section__free_unpacked(s0, NULL);
    peer_free(read);
    peer_free(answer);
    peer_close(&p);
}

static void
a_restored_older_copy_goes_on_as_a_new_epoch(void **state)
{
    struct town *t = *state;
    Wici__V1__BrokerMessage *shared, *seen, *welcome;
    Wici__V1__Position unknown;
    bool diverged;
    char out[8192];

    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    assert_int_equal(RUN(out, "init", "--new-epoch", "-c", t->daemon.config), 1); /* nothing was lost */
    assert_non_null(strstr(out, "needs no new epoch"));
    daemon_start(&t->daemon);
    shared = head_now(t);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    shell(t, "cp -a data older");
    daemon_start(&t->daemon);
    settle(t, town_letter(t));
    seen = head_now(t);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    shell(t, "rm -r data && mv older data && cp guard guard.seen");
    assert_refuses_to_start(t, "wicid init --new-epoch");
    assert_int_equal(RUN(out, "init", "--new-epoch", "-c", t->daemon.config), 0);
    assert_non_null(strstr(out, "wire.example-e2+"));
    assert_non_null(strstr(out, "At least"));
    shell(t, "cmp guard guard.seen"); /* until the new epoch signs */
    daemon_start(&t->daemon);
    assert_epoch(t, 2, "wire.example-e2");

    /* Who has seen more is told, once; who has not, is not. */
    welcome = hello_known(t, seen->welcome->head, &diverged);
    assert_true(diverged);
    assert_int_equal(welcome->welcome->head->epoch, 2);
    assert_string_equal(welcome->welcome->origin, "wire.example");
    assert_in_range(welcome->welcome->same_up_to, shared->welcome->head->seq, seen->welcome->head->seq);
    peer_free(hello_known(t, welcome->welcome->head, &diverged));
    assert_false(diverged);
    peer_free(welcome);
    welcome = hello_known(t, shared->welcome->head, &diverged);
    assert_false(diverged);
    assert_int_equal(welcome->welcome->head->epoch, 2);
    assert_true(welcome->welcome->same_up_to >= shared->welcome->head->seq);
    unknown = *welcome->welcome->head;
    unknown.epoch = 3;
    peer_free(hello_known(t, &unknown, &diverged));
    assert_true(diverged);
    peer_free(welcome);
    peer_free(shared);
    peer_free(seen);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    daemon_start(&t->daemon);
    assert_epoch(t, 2, "wire.example-e2");
}

static void
a_new_epoch_survives_an_interruption_and_never_takes_a_number_twice(void **state)
{
    struct town *t = *state;
    char out[8192];

    /* After the record, before the key has its place. */
    go_back(t);
    shell(t, "cp -p checkpoint.key checkpoint.old && cp -a data before3");
    assert_int_equal(RUN(out, "init", "--new-epoch", "-c", t->daemon.config), 0);
    shell(t, "mv checkpoint.key checkpoint.key.next && mv checkpoint.old checkpoint.key");
    assert_refuses_to_start(t, "not the key that the log announced last");
    assert_int_equal(RUN(out, "init", "--new-epoch", "-c", t->daemon.config), 0);
    daemon_start(&t->daemon);
    assert_epoch(t, 3, "wire.example-e3");

    /* A copy from before that epoch: the guard and the key know of it, the log does not. */
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    shell(t, "rm -r data && mv before3 data");
    assert_int_equal(daemon_run((const char *const[]){"-c", t->daemon.config, NULL}, out, sizeof out), 1);
    assert_int_equal(RUN(out, "init", "--new-epoch", "-c", t->daemon.config), 0);
    daemon_start(&t->daemon);
    assert_epoch(t, 4, "wire.example-e4");

    /* Another log's guard is none to part from; a lost one is made anew. */
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    shell(t, "mv guard guard.mine && echo nonsense > guard");
    assert_int_equal(RUN(out, "init", "--new-epoch", "-c", t->daemon.config), 1);
    assert_non_null(strstr(out, "put back the right guard"));
    shell(t, "mv guard.mine guard");
    daemon_start(&t->daemon);
}

static void
the_verifier_follows_a_log_through_its_epochs(void **state)
{
    struct town *t = *state;
    Wici__V1__BrokerMessage *answer;
    struct peer p;
    char command[8192];
    size_t len;

    peer_hello(&p, &t->daemon, &t->school, "keys");
    answer = ask(&p);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    len = (size_t)snprintf(command, sizeof command, "%s/wici-verify", getenv("WICI_BIN"));
    for (size_t i = 0; i < answer->query_result->checkpoint->n_keys; i++)
        len += (size_t)snprintf(command + len, sizeof command - len, " --vkey '%s'",
                                answer->query_result->checkpoint->keys[i]->vkey);
    (void)snprintf(command + len, sizeof command - len, " --key-dir %s/keys --kek %s/kek %s/data > /dev/null",
                   t->daemon.dir, t->daemon.dir, t->daemon.dir);
    assert_int_equal(answer->query_result->checkpoint->n_keys, 4);
    assert_int_equal(system(command), 0);
    peer_free(answer);
    peer_close(&p);
    daemon_start(&t->daemon);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_published_is_signed_within_a_second_or_so),
        cmocka_unit_test(a_log_that_does_not_grow_is_not_signed_again),
        cmocka_unit_test(the_key_is_announced_by_a_record_of_its_own_class),
        cmocka_unit_test(nobody_announces_a_key_over_the_wire),
        cmocka_unit_test(the_newest_checkpoint_outlives_the_broker),
        cmocka_unit_test(an_older_copy_of_the_log_is_not_served),
        cmocka_unit_test(a_log_that_parted_from_what_was_signed_is_not_served),
        cmocka_unit_test(a_missing_guard_stops_the_start_and_an_empty_one_does_not),
        cmocka_unit_test(two_brokers_at_one_guard_notice_each_other),
        cmocka_unit_test(a_guard_that_cannot_be_written_only_delays_the_checkpoint),
        cmocka_unit_test(a_key_that_is_not_the_logs_is_refused),
        cmocka_unit_test(the_key_is_rotated_on_the_stopped_broker_and_by_a_record),
        cmocka_unit_test(the_operator_is_told_of_another_log_and_a_peer_cannot_fill_his),
        cmocka_unit_test(a_restored_older_copy_goes_on_as_a_new_epoch),
        cmocka_unit_test(a_new_epoch_survives_an_interruption_and_never_takes_a_number_twice),
        cmocka_unit_test(the_verifier_follows_a_log_through_its_epochs),
    };

    return cmocka_run_group_tests(tests, town_setup, town_teardown);
}
