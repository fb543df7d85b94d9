/*
 * Nobody else pays: clients that are stuck, slow, deaf to credit, or flood the
 * broker, and ten that replay the whole log, while others work. The others get everything in order; the broker's memory
 * comes to a bound that is counted below, and stays there; and what the bad ones are owed is there when they mend.
 *
 * No clock is asked: who is bad does so much in each step, and the others' letters are waited for.
 */
#include "tests/wire/kit.h"

#include "broker/reply.h"
#include "tests/support/curve.h"

#include <unistd.h>

#define MIB          ((size_t)1 << 20)
#define STEPS        8u /* in one round */
#define ROUNDS       3u
#define STEP_LETTERS WIRE_PUBLISH_MAX /* to each unit, in one step */
#define LETTERS      ((ROUNDS * STEPS + STEPS / 2) * STEP_LETTERS)
#define FILL_MAX     2000u /* steps of those who flood until each has all it may have */
#define TEXT_SIZE    1400u
#define REPLAYS      10u
#define SLOW_WINDOW  (64u << 10)
#define DEAF_TURNS   200u /* ticks without a delivery: none is to come. Each stream may send in each */

/* Sanitizers keep freed memory, and some for themselves. */
#if defined(__SANITIZE_THREAD__)
#define MEMORY_FACTOR 6u
#elif defined(__SANITIZE_ADDRESS__)
#define MEMORY_FACTOR 2u
#else
#define MEMORY_FACTOR 1u
#endif

/* What the bad ones may hold: the answers of two units, each with what the last one exceeds the bound by; a window for
 * each that does not acknowledge; messages that are not counted, as many as one queue takes. */
#define ANSWERS_BOUND (2 * ((size_t)REPLIES_UNIT_MAX + 2 * MIB))
#define WINDOWS_BOUND ((2 + REPLAYS) * (size_t)WIRE_WINDOW_MAX)
#define HELD_BOUND    (ANSWERS_BOUND + WINDOWS_BOUND + 16 * MIB)
#define FLAT_BOUND    (4 * MIB) /* from the first round on */

enum who { GOOD, STUCK, SLOW, DEAF, REPLAYED, WHO_COUNT };

static const char *const names[WHO_COUNT] = {"z-good", "z-stuck", "z-slow", "z-deaf", "z-replayed"};

struct scene {
    struct town town;
    struct keyfile keys[WHO_COUNT], flood_key, asker_key;
    struct peer writer, good, slow, deaf, replays[REPLAYS];
    struct curve stuck, flood, asker; /* libzmq would read for them */
    char dossiers[WHO_COUNT][37], flood_dossier[37];
    uint64_t sent[WHO_COUNT][LETTERS]; /* the letters' seqs */
    size_t count;                      /* letters to each */
    size_t good_at, slow_at, deaf_at;  /* letters each has had */
    uint64_t slow_seq, replay_seq[REPLAYS];
    uint64_t flood_number;
    uint32_t asked;
};

/* ---- those who speak and do not listen */

static bool
say(struct curve *c, const Wici__V1__ClientMessage *message)
{
    size_t len = wici__v1__client_message__get_packed_size(message);
    uint8_t *data = malloc(len + 1);
    bool sent;

    assert_non_null(data);
    (void)wici__v1__client_message__pack(message, data);
    sent = curve_send(c, 0, data, len);
    free(data);
    return sent;
}

static void
say_hello(struct scene *s, struct curve *c, const struct keyfile *key)
{
    uint8_t metadata[64];
    size_t len = curve_property(metadata, "Socket-Type", "DEALER", 6);
    Wici__V1__ClientMessage message;
    Wici__V1__Hello hello;

    assert_true(curve_open(c, &s->town.daemon, key, metadata, len));
    wici__v1__client_message__init(&message);
    wici__v1__hello__init(&hello);
    hello.protocol = 1;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    assert_true(say(c, &message));
}

/* Everything from the beginning, and never a word after this. */
static void
stuck_begin(struct scene *s)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Subscribe subscribe;

    say_hello(s, &s->stuck, &s->keys[STUCK]);
    wici__v1__client_message__init(&message);
    wici__v1__subscribe__init(&subscribe);
    subscribe.subscription = 1;
    subscribe.cursor = (char *)(uintptr_t) "inbox";
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_SUBSCRIBE;
    message.subscribe = &subscribe;
    assert_true(say(&s->stuck, &message));
}

/* The same letters again and again: they are in the log once, and answered each time. */
static void
flood_step(struct scene *s, struct peer_event *letters)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Publish publish;
    Wici__V1__Event list[WIRE_PUBLISH_MAX], *refs[WIRE_PUBLISH_MAX];
    ProtobufCBinaryData sections[WIRE_PUBLISH_MAX][PEER_SECTIONS_MAX];

    wici__v1__client_message__init(&message);
    wici__v1__publish__init(&publish);
    for (size_t i = 0; i < WIRE_PUBLISH_MAX; i++) {
        wici__v1__event__init(&list[i]);
        list[i].header = (ProtobufCBinaryData){.len = letters[i].header_len, .data = letters[i].header};
        for (size_t k = 0; k < letters[i].section_count; k++)
            sections[i][k] = (ProtobufCBinaryData){.len = letters[i].section_lens[k], .data = letters[i].sections[k]};
        list[i].sections = sections[i];
        list[i].n_sections = letters[i].section_count;
        refs[i] = &list[i];
    }
    publish.events = refs;
    publish.n_events = WIRE_PUBLISH_MAX;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_PUBLISH;
    message.publish = &publish;
    for (unsigned i = 0; i < 32; i++) {
        publish.number = ++s->flood_number;
        assert_true(say(&s->flood, &message));
    }
}

/* Asks for all it may see, more often than it may. */
static void
asker_step(struct scene *s)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Read read;

    wici__v1__client_message__init(&message);
    wici__v1__read__init(&read);
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_READ;
    message.read = &read;
    for (unsigned i = 0; i < 2 * READS_PER_SESSION_MAX; i++) {
        read.request = ++s->asked;
        assert_true(say(&s->asker, &message));
    }
}

static void
read_send(struct peer *p, unsigned count)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Read read;

    wici__v1__client_message__init(&message);
    wici__v1__read__init(&read);
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_READ;
    message.read = &read;
    for (unsigned i = 0; i < count; i++) {
        read.request = i + 1;
        peer_send(p, &message);
    }
}

/* ---- those who read */

/* Counts the letters in a batch: each has to be the next that was sent. Returns its last seq. */
static uint64_t
batch_count(const struct scene *s, const Wici__V1__Batch *batch, enum who who, size_t *at)
{
    uint64_t last = 0;

    for (size_t i = 0; i < batch->n_deliveries; i++) {
        uint64_t seq = batch->deliveries[i]->seq;

        assert_true(seq > last);
        last = seq;
        if (*at < s->count && seq > s->sent[who][*at])
            fail_msg("%s: %zu of its letters came, then seq %lu: the next should be %lu", names[who], *at,
                     (unsigned long)seq, (unsigned long)s->sent[who][*at]);
        if (*at < s->count && seq == s->sent[who][*at])
            ++*at;
    }
    return last;
}

/* Takes one batch. Returns its last seq; 0: none. */
static uint64_t
batch_take(struct scene *s, struct peer *p, enum who who, size_t *at, int timeout_ms)
{
    Wici__V1__BrokerMessage *message;
    uint64_t last = 0;

    do {
        message = peer_receive(p, timeout_ms);
        if (message == NULL)
            return 0;
        if (message->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH)
            last = batch_count(s, message->batch, who, at);
        else
            assert_int_equal(message->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS);
        peer_free(message);
    } while (last == 0);
    return last;
}

/* Takes what comes, and acknowledges nothing, until the broker has nothing more to send: it answers a question in one
 * tick after another, and what it sends in one comes before its answer in the next. */
static void
rest_take(struct scene *s, struct peer *p, enum who who, size_t *at)
{
    Wici__V1__ClientMessage question;
    Wici__V1__Query query;
    Wici__V1__StatusQuery status;
    unsigned turns = 0;

    wici__v1__client_message__init(&question);
    wici__v1__query__init(&query);
    wici__v1__status_query__init(&status);
    query.what_case = WICI__V1__QUERY__WHAT_STATUS;
    query.status = &status;
    question.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    question.query = &query;
    while (turns < DEAF_TURNS) {
        bool answered = false;

        turns++;
        query.request++;
        peer_send(p, &question);
        while (!answered) {
            Wici__V1__BrokerMessage *message = peer_receive(p, PEER_TIMEOUT_MS);

            assert_non_null(message);
            answered = message->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT;
            if (message->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH) {
                (void)batch_count(s, message->batch, who, at);
                turns = 0;
            }
            peer_free(message);
        }
    }
}

/* Takes what comes until all letters are there, and acknowledges it. */
static void
all_take(struct scene *s, struct peer *p, enum who who, size_t *at)
{
    while (*at < s->count) {
        uint64_t seq = batch_take(s, p, who, at, PEER_TIMEOUT_MS);

        if (seq == 0)
            fail_msg("%s: %zu of %zu letters came, and no more", names[who], *at, s->count);
        peer_ack(p, 1, seq);
    }
}

/* ---- the others' work */

static void
letters_send(struct scene *s)
{
    struct peer_event letters[STEP_LETTERS];
    char text[TEXT_SIZE + 1];

    memset(text, 'x', TEXT_SIZE);
    text[TEXT_SIZE] = '\0';
    for (enum who who = 0; who < WHO_COUNT; who++) {
        for (size_t i = 0; i < STEP_LETTERS; i++)
            peer_letter_make(&s->writer, s->dossiers[who], names[who], text, &letters[i]);
        peer_publish_later(&s->writer, letters, STEP_LETTERS);
        for (size_t i = 0; i < STEP_LETTERS; i++)
            peer_event_free(&letters[i]);
    }
    for (enum who who = 0; who < WHO_COUNT; who++) {
        Wici__V1__BrokerMessage *message = peer_expect(&s->writer, WICI__V1__BROKER_MESSAGE__MESSAGE_ANSWERS);

        for (size_t i = 0; i < STEP_LETTERS; i++) {
            assert_int_equal(message->answers->answers[i]->outcome_case, WICI__V1__ANSWER__OUTCOME_RECEIPT);
            s->sent[who][s->count + i] = message->answers->answers[i]->receipt->seq;
        }
        peer_free(message);
    }
    s->count += STEP_LETTERS;
}

static void
scene_open(struct scene *s)
{
    struct peer admin;

    assert_int_equal(setenv("ASAN_OPTIONS", "quarantine_size_mb=8", 1), 0); /* of the daemon: memory is measured */
    daemon_create(&s->town.daemon, NULL);
    daemon_start(&s->town.daemon);
    town_fill(&s->town);
    peer_hello(&admin, &s->town.daemon, &s->town.daemon.admin, "others");
    for (enum who who = 0; who < WHO_COUNT; who++) {
        peer_key(&s->keys[who]);
        peer_enrol_unit(&admin, names[who], "sp12", WICI__V1__ROLE__SCH, s->keys[who].public_key);
        peer_uuid4(s->dossiers[who]);
    }
    peer_key(&s->flood_key);
    peer_enrol_unit(&admin, "z-flood", "ops", WICI__V1__ROLE__SW, s->flood_key.public_key);
    peer_uuid4(s->flood_dossier);
    peer_close(&admin);

    peer_hello(&s->writer, &s->town.daemon, &s->town.sw, "");
    s->writer.bare = true;
    peer_hello(&s->good, &s->town.daemon, &s->keys[GOOD], "");
    (void)peer_subscribe(&s->good, 1, "inbox", 1, 0);
}

static void
bad_begin(struct scene *s)
{
    stuck_begin(s);
    peer_hello(&s->slow, &s->town.daemon, &s->keys[SLOW], "");
    (void)peer_subscribe(&s->slow, 1, "inbox", 1, SLOW_WINDOW);
    peer_hello(&s->deaf, &s->town.daemon, &s->keys[DEAF], "");
    (void)peer_subscribe(&s->deaf, 1, "inbox", 1, 0);
    say_hello(s, &s->flood, &s->flood_key);
    say_hello(s, &s->asker, &s->keys[REPLAYED]);
    for (size_t i = 0; i < REPLAYS; i++) {
        char session[16];

        (void)snprintf(session, sizeof session, "replay-%zu", i);
        peer_hello(&s->replays[i], &s->town.daemon, &s->town.sw, session); /* who wrote all letters reads them all */
        (void)peer_subscribe(&s->replays[i], 1, "", 1, 0);
    }
}

static void
memory_check(const struct scene *s, size_t before, size_t bound, const char *what)
{
    size_t now = daemon_memory(&s->town.daemon);

    if (now > before + bound * MEMORY_FACTOR)
        fail_msg("%s: memory grew from %zu to %zu MiB, allowed are %zu more", what, before / MIB, now / MIB,
                 bound * MEMORY_FACTOR / MIB);
}

/* Is a unit's client that listens told E_BUSY? Then the unit has as many answers on their way as it may. */
static bool
is_full(struct peer *witness)
{
    Wici__V1__BrokerMessage *message = peer_receive(witness, PEER_TIMEOUT_MS);
    bool busy;

    while (message != NULL && message->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS) {
        peer_free(message); /* of now and then, and no answer */
        message = peer_receive(witness, PEER_TIMEOUT_MS);
    }
    assert_non_null(message);
    busy = message->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED;
    if (busy)
        assert_string_equal(message->refused->refusal->code, "E_BUSY");
    peer_free(message);
    return busy;
}

/* Those who flood do so until they have all that they may have. */
static void
bad_fill(struct scene *s, struct peer_event *flood, size_t before)
{
    struct peer flooder, asker;
    unsigned steps = 0;
    bool full;

    peer_hello(&flooder, &s->town.daemon, &s->flood_key, "witness");
    peer_hello(&asker, &s->town.daemon, &s->keys[REPLAYED], "witness");
    do {
        flood_step(s, flood);
        memory_check(s, before, HELD_BOUND, "a flood of events");
        peer_publish_later(&flooder, flood, 1);
    } while (!is_full(&flooder) && ++steps < FILL_MAX);
    do {
        asker_step(s);
        memory_check(s, before, HELD_BOUND, "a flood of questions");
        read_send(&asker, READS_PER_SESSION_MAX);
        full = false;
        for (unsigned i = 0; i < READS_PER_SESSION_MAX; i++)
            full = is_full(&asker) || full;
    } while (!full && ++steps < FILL_MAX);
    assert_true(steps < FILL_MAX);
    peer_close(&flooder);
    peer_close(&asker);
}

/* The bad ones do what they do, the others write and read. */
static void
step(struct scene *s, struct peer_event *flood)
{
    flood_step(s, flood);
    asker_step(s);
    letters_send(s);
    all_take(s, &s->good, GOOD, &s->good_at);
    s->slow_seq = batch_take(s, &s->slow, SLOW, &s->slow_at, PEER_TIMEOUT_MS);
    assert_true(s->slow_seq != 0);
    peer_ack(&s->slow, 1, s->slow_seq);
    while (batch_take(s, &s->deaf, DEAF, &s->deaf_at, 0) != 0)
        continue;
    for (size_t i = 0; i < REPLAYS; i++) {
        size_t none = LETTERS;

        s->replay_seq[i] = batch_take(s, &s->replays[i], GOOD, &none, PEER_TIMEOUT_MS);
        assert_true(s->replay_seq[i] != 0);
        peer_ack(&s->replays[i], 1, s->replay_seq[i]);
    }
}

/* Those who were bad get what they are owed, once they behave. */
static void
bad_mend(struct scene *s)
{
    struct peer again;
    size_t at = 0;

    all_take(s, &s->slow, SLOW, &s->slow_at);
    rest_take(s, &s->deaf, DEAF, &s->deaf_at);
    assert_true(s->deaf_at > 0 && s->deaf_at < s->count); /* credit ended, and nothing more came */
    peer_ack(&s->deaf, 1, s->sent[DEAF][s->deaf_at - 1]);
    all_take(s, &s->deaf, DEAF, &s->deaf_at);
    curve_close(&s->stuck);
    peer_hello(&again, &s->town.daemon, &s->keys[STUCK], "");
    (void)peer_subscribe(&again, 1, "inbox", 1, 0); /* it never acknowledged: its cursor is where it began */
    all_take(s, &again, STUCK, &at);
    peer_close(&again);
}

static void
who_does_not_read_costs_a_bounded_memory_and_the_others_nothing(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    struct peer_event flood[WIRE_PUBLISH_MAX];
    struct peer flooder = {.role = WICI__V1__ROLE__SW};
    size_t before, filled = 0;

    (void)state;
    assert_non_null(s);
    scene_open(s);
    (void)snprintf(flooder.agency, sizeof flooder.agency, "ops");
    (void)snprintf(flooder.unit, sizeof flooder.unit, "z-flood");
    for (size_t i = 0; i < WIRE_PUBLISH_MAX; i++)
        peer_letter_make(&flooder, s->flood_dossier, "ops-sw2", "to samo", &flood[i]);
    for (unsigned i = 0; i < STEPS / 2; i++) /* what it costs when everybody behaves */
        letters_send(s);
    all_take(s, &s->good, GOOD, &s->good_at);
    before = daemon_memory(&s->town.daemon);

    bad_begin(s);
    bad_fill(s, flood, before);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < STEPS; i++)
            step(s, flood);
        memory_check(s, before, HELD_BOUND, "all in all");
        if (round == 0)
            filled = daemon_memory(&s->town.daemon);
        memory_check(s, filled, FLAT_BOUND, "once all was full");
        printf("round %u: %zu MiB more than before\n", round, (daemon_memory(&s->town.daemon) - before) / MIB);
    }
    bad_mend(s);

    for (size_t i = 0; i < WIRE_PUBLISH_MAX; i++)
        peer_event_free(&flood[i]);
    for (size_t i = 0; i < REPLAYS; i++)
        peer_close(&s->replays[i]);
    curve_close(&s->flood);
    curve_close(&s->asker);
    peer_close(&s->writer);
    peer_close(&s->good);
    peer_close(&s->slow);
    peer_close(&s->deaf);
    assert_int_equal(daemon_stop(&s->town.daemon, SIGTERM), 0); /* it has to end cleanly */
    daemon_destroy(&s->town.daemon);
    free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_does_not_read_costs_a_bounded_memory_and_the_others_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
