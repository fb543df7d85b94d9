/*
 * fuzz_talk - any messages to a broker, of any of its peers
 *
 * A real broker, on a log in memory, without its sockets: what peers say is
 * given to talk_take as the front would, then a tick commits, answers and
 * delivers. The input is a series of messages: a byte that says who (bits 0 to
 * 2: a unit's key, a stranger's, or none; bits 3 and 4: which of his
 * connections; bit 5: more than one frame; bit 6: a tick follows) and a dose of
 * bytes.
 *
 * Whatever comes, the broker goes on: nothing here may latch it. What it says
 * is checked on its way out: it can be read, a refusal has a known code and
 * both sentences, and a text that was written for one unit goes to no other
 * (G6); a receipt is of a committed record, the one that the log has under that
 * id (G1, G2); each publish is answered once, in order; what a subscription is
 * given and told of only rises, and ends at the head (G5). After each message
 * the broker's own counters are: nothing acknowledged that was not sent, credit
 * that adds up, no more places than there may be.
 */
#include "broker/broker.h"
#include "broker/deliver.h"
#include "broker/init.h"
#include "broker/log.h"
#include "broker/talk.h"
#include "proto/keyfile.h"
#include "tests/fuzz/fuzz.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#define START_MS                                                                                                       \
    UINT64_C(1796083200000) /* 2026-12-01: the broker's clock, whatever the      \
                             machine's */
#define MESSAGES_MAX 32u
#define STREAMS_MAX  64u /* subscriptions of one connection in one input */

enum who { ADMIN, SW, SW2, SCHOOL, AUDITOR, STRANGER, KEYLESS, WHO_COUNT };

int __real_front_send(struct front *front, const struct front_route *route, zmq_msg_t *message);
int __wrap_front_send(struct front *front, const struct front_route *route, zmq_msg_t *message);

static struct world {
    char dir[64];
    struct config config;
    struct broker *broker;
    struct keyfile keys[STRANGER + 1];
    char secret[40]; /* in a letter from SW to SW2 */
    uint64_t now_ms, number;
    bool taken; /* the last event published was */
    int end;
} world;

/* What was said on a connection since its Welcome. */
struct heard {
    uint64_t answered; /* number of the last publish */
    struct {
        uint32_t subscription;
        uint64_t seq; /* it was given, or told of, all up to there */
    } streams[STREAMS_MAX];
    size_t stream_count;
};

static struct heard heard[WHO_COUNT + 1][4];

static void
clock_still(uint64_t *ret_wall_ms, uint64_t *ret_boot_ms)
{
    *ret_wall_ms = START_MS + world.now_ms;
    *ret_boot_ms = 1000000 + world.now_ms;
}

static void
refusal_check(const Wici__V1__Refusal *refusal)
{
    must(refusal != NULL && error_by_name(refusal->code) != E_NONE);
    must(refusal->pl[0] != '\0' && refusal->en[0] != '\0');
}

/* The receipt is of a record on disk, and the id leads to it. */
static void
receipt_check(const Wici__V1__Answer *answer)
{
    uint8_t id[16];
    uint64_t seq = 0;

    must(answer->receipt->seq > 0 && answer->receipt->seq <= store_head(world.broker->store));
    must(uuid_parse(answer->event_id, id) == 0);
    must(store_id_find(world.broker->store, id, &seq) == 0 && seq == answer->receipt->seq);
}

static uint64_t *
stream_heard(struct heard *h, uint32_t subscription)
{
    for (size_t i = 0; i < h->stream_count; i++)
        if (h->streams[i].subscription == subscription)
            return &h->streams[i].seq;
    return NULL;
}

static void
subscribed_check(struct heard *h, const Wici__V1__Subscribed *subscribed)
{
    uint64_t *seq = stream_heard(h, subscribed->subscription);

    must(subscribed->from_seq > 0 && subscribed->from_seq <= store_head(world.broker->store) + 1);
    must(subscribed->window_bytes >= WIRE_WINDOW_MIN && subscribed->window_bytes <= WIRE_WINDOW_MAX);
    if (seq == NULL) {
        must(h->stream_count < STREAMS_MAX);
        h->streams[h->stream_count].subscription = subscribed->subscription;
        seq = &h->streams[h->stream_count++].seq;
    }
    *seq = subscribed->from_seq - 1;
}

/* What is given to a subscription, or told of, rises and is committed. */
static void
rises(struct heard *h, uint32_t subscription, uint64_t seq)
{
    uint64_t *before = stream_heard(h, subscription);

    must(before != NULL);
    must(seq > *before && seq <= store_head(world.broker->store));
    *before = seq;
}

static void
order_check(struct heard *h, const Wici__V1__BrokerMessage *said)
{
    switch ((unsigned)said->message_case) {
    case WICI__V1__BROKER_MESSAGE__MESSAGE_WELCOME: *h = (struct heard){.answered = 0}; break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_ANSWERS: must(said->answers->number == ++h->answered); break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_SUBSCRIBED: subscribed_check(h, said->subscribed); break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH:
        for (size_t i = 0; i < said->batch->n_deliveries; i++)
            rises(h, said->batch->subscription, said->batch->deliveries[i]->seq);
        break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS:
        for (size_t i = 0; i < said->positions->n_positions; i++)
            rises(h, said->positions->positions[i]->subscription, said->positions->positions[i]->seq);
        break;
    default: break;
    }
}

/* In the place of front_send: looks at what is said, and to whom. */
int
__wrap_front_send(struct front *front, const struct front_route *route, zmq_msg_t *message)
{
    const uint8_t *data = zmq_msg_data(message);
    size_t len = zmq_msg_size(message);
    Wici__V1__BrokerMessage *said = wici__v1__broker_message__unpack(NULL, len, data);

    (void)front;
    must(said != NULL);
    must(route->len == 5);
    order_check(&heard[route->id[1]][route->id[2]], said);
    if (said->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED)
        refusal_check(said->refused->refusal);
    if (said->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_ANSWERS)
        for (size_t i = 0; i < said->answers->n_answers; i++) {
            const Wici__V1__Answer *answer = said->answers->answers[i];

            must((answer->outcome_case == WICI__V1__ANSWER__OUTCOME_RECEIPT) !=
                 (answer->outcome_case == WICI__V1__ANSWER__OUTCOME_REFUSAL));
            if (answer->outcome_case == WICI__V1__ANSWER__OUTCOME_REFUSAL)
                refusal_check(answer->refusal);
            else
                receipt_check(answer);
            world.taken = answer->outcome_case == WICI__V1__ANSWER__OUTCOME_RECEIPT;
        }
    if (route->id[1] != SW && route->id[1] != SW2 && route->id[1] != AUDITOR)
        must(world.secret[0] == '\0' || memmem(data, len, world.secret, strlen(world.secret)) == NULL);
    wici__v1__broker_message__free_unpacked(said, NULL);
    (void)zmq_msg_close(message);
    return 0;
}

/* What the broker counts of a session. */
static int
session_check(void *arg, struct session *session)
{
    const struct broker *b = arg;
    const struct unit_readers *unit = sessions_unit_if(b->sessions, session->unit);
    uint32_t count = 0;

    for (const struct session *s = unit->sessions; s != NULL; s = s->unit_next)
        count++;
    must(count == unit->session_count && count <= SESSIONS_PER_UNIT_MAX);
    for (size_t i = 0; i < SUBSCRIPTIONS_PER_SESSION_MAX; i++) {
        const struct reader *r = session->streams[i];
        uint64_t before = 0, bytes = 0;

        if (r == NULL)
            continue;
        must(r->acked <= r->sent || r->acked <= r->announced);
        must(r->sent < store_next(b->store) && r->announced < store_next(b->store));
        must(r->credit_count <= r->credit_size && r->out_credits <= r->credit_count);
        for (size_t k = 0; k < r->credit_count; k++) {
            const struct credit *credit = &r->credits[(r->credit_at + k) % r->credit_size];

            must(credit->seq > before);
            before = credit->seq;
            bytes += credit->bytes;
        }
        must(bytes == r->outstanding);
    }
    return 0;
}

static void
say(uint8_t who, const uint8_t *data, size_t len)
{
    struct front_message message = {.route = {.len = 5, .id = {0, who & 7u, who >> 3 & 3u}},
                                    .bad_frames = (who & 0x20) != 0};

    if ((who & 7u) <= STRANGER)
        memcpy(message.key, world.keys[who & 7u].public_key, FRONT_KEY_SIZE);
    must(zmq_msg_init_size(&message.payload, message.bad_frames ? 0 : len) == 0);
    if (zmq_msg_size(&message.payload) > 0)
        memcpy(zmq_msg_data(&message.payload), data, len);
    must(talk_take(world.broker, &message) == 0);
    must(sessions_each(world.broker->sessions, session_check, world.broker) == 0);
    (void)zmq_msg_close(&message.payload);
}

static void
tick(void)
{
    bool signalled = false;

    world.now_ms++;
    must(broker_tick(world.broker, world.end, 0, &signalled) == 0);
    must(!signalled);
    must(sessions_each(world.broker->sessions, session_check, world.broker) == 0);
}

static int
session_end(void *arg, struct session *session)
{
    return talk_end_session(arg, session);
}

static void
sessions_end(void)
{
    must(sessions_each(world.broker->sessions, session_end, world.broker) == 0);
    tick();
    tick();
    must(world.broker->reply_count == 0);
    must(sessions_count(world.broker->sessions) == 0);
    must(atomic_load(&world.broker->nobody.answering) == 0);
    for (uint32_t unit = 0; unit < 256; unit++) {
        const struct unit_readers *readers = sessions_unit_if(world.broker->sessions, unit);

        must(readers == NULL || (readers->session_count == 0 && atomic_load(&readers->answering) == 0));
    }
    memset(heard, 0, sizeof heard);
}

/* ---- the world: who there is, and a letter that nobody but its reader may see
 */

static void
say_message(uint8_t who, const Wici__V1__ClientMessage *message)
{
    uint8_t data[8192];

    must(wici__v1__client_message__get_packed_size(message) <= sizeof data);
    say(who, data, wici__v1__client_message__pack(message, data));
    tick();
}

static void
hello(uint8_t who)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Hello body;

    wici__v1__client_message__init(&message);
    wici__v1__hello__init(&body);
    body.protocol = 1;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &body;
    say_message(who, &message);
    world.number = 1;
}

static void
publish(uint8_t who, const char *agency, const char *unit, Wici__V1__Role role, Wici__V1__EventType type,
        const char *dossier, const char *to, const Wici__V1__Section *const *sections, size_t count)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Publish body;
    Wici__V1__Event event, *events[] = {&event};
    Wici__V1__Header header;
    Wici__V1__Actor actor;
    Wici__V1__Address address, *addresses[] = {&address};
    ProtobufCBinaryData parts[2];
    uint8_t id[16], random[10], bytes[3][2048];
    char id_text[37], time_text[TIME_TEXT_SIZE];

    must(getrandom(random, sizeof random, 0) == sizeof random);
    uuid7_make(START_MS + world.now_ms, random, id);
    uuid_format(id, id_text);
    time_format(START_MS + world.now_ms, time_text);
    wici__v1__client_message__init(&message);
    wici__v1__publish__init(&body);
    wici__v1__event__init(&event);
    wici__v1__header__init(&header);
    wici__v1__actor__init(&actor);
    wici__v1__address__init(&address);
    header.event_id = id_text;
    header.type = type;
    header.schema_version = 1;
    header.occurred_at = time_text;
    header.dossier_id = TEXT(dossier);
    header.actor = &actor;
    actor.agency = TEXT(agency);
    actor.unit = TEXT(unit);
    actor.role = role;
    address.unit = TEXT(to);
    header.to = addresses;
    header.n_to = to[0] != '\0';
    event.header = (ProtobufCBinaryData){.data = bytes[2], .len = wici__v1__header__pack(&header, bytes[2])};
    for (size_t i = 0; i < count; i++)
        parts[i] = (ProtobufCBinaryData){.data = bytes[i], .len = wici__v1__section__pack(sections[i], bytes[i])};
    event.sections = parts;
    event.n_sections = count;
    body.number = world.number++;
    body.events = events;
    body.n_events = 1;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_PUBLISH;
    message.publish = &body;
    world.taken = false;
    say_message(who, &message);
    must(world.taken);
}

static void
enrol_agency(const char *agency, const char *kind)
{
    Wici__V1__SysAgencyEnrolledS0 body;
    Wici__V1__Section section;
    const Wici__V1__Section *sections[] = {&section};
    char *kinds[] = {TEXT(kind)};

    wici__v1__sys_agency_enrolled_s0__init(&body);
    wici__v1__section__init(&section);
    body.agency_id = body.name = TEXT(agency);
    body.kinds = kinds;
    body.n_kinds = 1;
    section.body_case = WICI__V1__SECTION__BODY_SYS_AGENCY_ENROLLED_S0;
    section.sys_agency_enrolled_s0 = &body;
    publish(ADMIN, "ops", "admin", WICI__V1__ROLE__ADM, WICI__V1__EVENT_TYPE__SYS_AGENCY_ENROLLED, "", "", sections, 1);
}

static void
enrol_unit(enum who who, const char *unit, const char *agency, Wici__V1__Role role)
{
    Wici__V1__SysUnitEnrolledS0 body;
    Wici__V1__Section section;
    const Wici__V1__Section *sections[] = {&section};

    wici__v1__sys_unit_enrolled_s0__init(&body);
    wici__v1__section__init(&section);
    body.unit_id = body.name = TEXT(unit);
    body.agency_id = TEXT(agency);
    body.roles = &role;
    body.n_roles = 1;
    body.key = world.keys[who].public_key;
    section.body_case = WICI__V1__SECTION__BODY_SYS_UNIT_ENROLLED_S0;
    section.sys_unit_enrolled_s0 = &body;
    publish(ADMIN, "ops", "admin", WICI__V1__ROLE__ADM, WICI__V1__EVENT_TYPE__SYS_UNIT_ENROLLED, "", "", sections, 1);
}

static void
letter(void)
{
    Wici__V1__InfoProvidedS0 what;
    Wici__V1__InfoProvidedS6 text;
    Wici__V1__Section first, second;
    const Wici__V1__Section *sections[] = {&first, &second};
    uint8_t random[12];

    must(getrandom(random, sizeof random, 0) == sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        (void)snprintf(world.secret + 2 * i, 3, "%02x", random[i]);
    wici__v1__info_provided_s0__init(&what);
    wici__v1__info_provided_s6__init(&text);
    wici__v1__section__init(&first);
    wici__v1__section__init(&second);
    what.provided_on = TEXT("2026-03-02");
    text.doc_kind = TEXT("INFORMATION");
    text.text = world.secret;
    first.body_case = WICI__V1__SECTION__BODY_INFO_PROVIDED_S0;
    first.info_provided_s0 = &what;
    second.body_case = WICI__V1__SECTION__BODY_INFO_PROVIDED_S6;
    second.info_provided_s6 = &text;
    publish(SW, "ops", "ops-sw", WICI__V1__ROLE__SW, WICI__V1__EVENT_TYPE__INFO_PROVIDED,
            "11111111-2222-4333-8444-555555555555", "ops-sw2", sections, 2);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void
world_end(void)
{
    broker_close(&world.broker);
    config_free(&world.config);
    (void)close(world.end);
    (void)nftw(world.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
world_make(void)
{
    char text[2048], path[96], error[OPTIONS_ERROR_MAX], admin_key[96];
    struct init_options options = {.origin = "fuzz.example",
                                   .agency = "ops",
                                   .agency_name = "OPS",
                                   .agency_kind = "OPS",
                                   .unit = "admin",
                                   .admin_key = admin_key};
    const char *root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    FILE *out;

    log_init((enum log_level)0);
    backup_program = NULL;
    clock_now = clock_still;
    (void)snprintf(world.dir, sizeof world.dir, "%s/wici-fuzz-XXXXXX", root);
    must(mkdtemp(world.dir) != NULL);
    (void)snprintf(admin_key, sizeof admin_key, "%s/admin.key", world.dir);
    (void)snprintf(path, sizeof path, "%s/wicid.conf", world.dir);
    (void)snprintf(text, sizeof text,
                   "listen = tcp://127.0.0.1:*\ndata.dir = %s/data\nkey.dir = "
                   "%s/keys\nkek.file = %s/kek\n"
                   "curve.key = %s/curve.key\ncheckpoint.key = "
                   "%s/checkpoint.key\nguard.file = %s/guard\n"
                   "data.size_max = 256M\n",
                   world.dir, world.dir, world.dir, world.dir, world.dir, world.dir);
    out = fopen(path, "we");
    must(out != NULL && fputs(text, out) >= 0 && fclose(out) == 0);
    must(config_init(&world.config) == 0 && config_read(&world.config, path, error) == 0);
    must(init_run(&world.config, &options) == 0);
    must(broker_open(&world.broker, &world.config, true) == 0);
    world.end = eventfd(0, EFD_CLOEXEC);
    must(world.end >= 0);
    must(keyfile_read(admin_key, &world.keys[ADMIN]) == 0);
    for (unsigned i = SW; i <= STRANGER; i++)
        must(zmq_curve_keypair(world.keys[i].public_key, world.keys[i].secret_key) == 0);
    hello(ADMIN);
    enrol_agency("sp12", "SCHOOL");
    enrol_agency("nadzor", "AUDIT");
    enrol_unit(SW, "ops-sw", "ops", WICI__V1__ROLE__SW);
    enrol_unit(SW2, "ops-sw2", "ops", WICI__V1__ROLE__SW);
    enrol_unit(SCHOOL, "sp12-ped", "sp12", WICI__V1__ROLE__SCH);
    enrol_unit(AUDITOR, "audyt", "nadzor", WICI__V1__ROLE__AUD);
    hello(SW);
    letter();
    sessions_end();
    (void)atexit(world_end);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dose dose;

    if (world.broker == NULL)
        world_make();
    for (unsigned i = 0; i < MESSAGES_MAX && size > 0; i++) {
        uint8_t who = *data++;

        size--;
        if (!dose_next(&data, &size, &dose))
            break;
        say(who, dose.data, dose.len);
        if ((who & 0x40) != 0)
            tick();
    }
    tick();
    tick();
    sessions_end();
    return 0;
}
