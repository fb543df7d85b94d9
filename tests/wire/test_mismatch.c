/*
 * The table of event ids leads to another record than the one of that id, under a broker that runs: whoever names the
 * id is told nothing, and the broker stops and names the record (docs/AUDIT.md, Damage).
 */
#include "proto/event.h"
#include "tests/wire/kit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ID_SIZE  16u
#define ROW_SIZE (ID_SIZE + 8u) /* of the table, as it lies in its page: the id, and the number of its record */
#define LOOK_MS  20
#define PLACE    "the id table has it under another id"

struct named {
    struct peer sw;
    struct peer_event event; /* whose id leads to the record behind it */
    char dossier[37];
    uint64_t seq;
};

static void
row_make(const char *event_id, uint64_t seq, uint8_t ret[ROW_SIZE])
{
    assert_int_equal(uuid_parse(event_id, ret), 0);
    for (unsigned i = 0; i < 8; i++)
        ret[ID_SIZE + i] = (uint8_t)(seq >> 8 * (7 - i));
}

/* In the file that the broker has mapped: each copy of the row, for one of them is in use. */
static void
row_change(const struct daemon *d, const char *event_id, uint64_t seq, uint64_t other)
{
    uint8_t row[ROW_SIZE], changed[ROW_SIZE], *all;
    unsigned places = 0;
    char path[96];
    struct stat sb;
    int fd;

    row_make(event_id, seq, row);
    row_make(event_id, other, changed);
    (void)snprintf(path, sizeof path, "%s/data/log/data.mdb", d->dir);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &sb), 0);
    all = malloc((size_t)sb.st_size);
    assert_non_null(all);
    assert_int_equal(pread(fd, all, (size_t)sb.st_size, 0), sb.st_size);
    for (off_t at = 0; at + (off_t)ROW_SIZE <= sb.st_size; at++)
        if (memcmp(all + at, row, sizeof row) == 0) {
            assert_int_equal(pwrite(fd, changed, sizeof changed, at), sizeof changed);
            places++;
        }
    assert_true(places > 0);
    free(all);
    close(fd);
}

/* Two letters that ops-sw2 may see as well; the id of the first leads to the second. */
static void
letters_write(struct town *t, struct named *n)
{
    peer_hello(&n->sw, &t->daemon, &t->sw, "writes");
    peer_uuid4(n->dossier);
    peer_letter_make(&n->sw, n->dossier, "ops-sw2", "pierwszy", &n->event);
    n->seq = peer_publish_taken(&n->sw, &n->event);
    assert_int_equal(peer_letter(&n->sw, n->dossier, "ops-sw2", "drugi"), n->seq + 1);
    row_change(&t->daemon, n->event.id, n->seq, n->seq + 1);
}

/* It ends by itself and names the record; until then nothing is said to the one who asked. */
static void
ends_and_says_nothing(struct town *t, struct named *n, struct peer *asker)
{
    Wici__V1__BrokerMessage *message;
    siginfo_t ended = {.si_pid = 0};
    char place[96];

    for (bool last = false; !last;) {
        assert_int_equal(waitid(P_PID, (id_t)t->daemon.pid, &ended, WEXITED | WNOHANG | WNOWAIT), 0);
        last = ended.si_pid != 0;
        while ((message = peer_receive(asker, last ? 0 : LOOK_MS)) != NULL) {
            if (message->message_case != WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS)
                fail_msg("it was answered with %d", (int)message->message_case);
            peer_free(message);
        }
    }
    assert_int_equal(daemon_stop(&t->daemon, 0), 1);
    (void)snprintf(place, sizeof place, "record %llu: " PLACE, (unsigned long long)n->seq + 1);
    assert_true(daemon_logged(&t->daemon, place));
    peer_event_free(&n->event);
    peer_close(&n->sw);
}

static void
query_send(struct peer *p, Wici__V1__Query *query)
{
    Wici__V1__ClientMessage message = WICI__V1__CLIENT_MESSAGE__INIT;

    query->request = 7;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    message.query = query;
    peer_send(p, &message);
}

/* Of the letter whose row leads to another: *event_id is where the question names it. */
static void
asked(void **state, Wici__V1__Query *query, char **event_id)
{
    struct town *t = *state;
    struct named n;

    letters_write(t, &n);
    *event_id = n.event.id;
    query_send(&n.sw, query);
    ends_and_says_nothing(t, &n, &n.sw);
}

static void
a_question_about_an_event(void **state)
{
    Wici__V1__Explain explain = WICI__V1__EXPLAIN__INIT;
    Wici__V1__Query query = WICI__V1__QUERY__INIT;

    query.what_case = WICI__V1__QUERY__WHAT_EXPLAIN;
    query.explain = &explain;
    asked(state, &query, &explain.event_id);
}

static void
a_receipt_that_is_asked_for(void **state)
{
    Wici__V1__ReceiptQuery receipt = WICI__V1__RECEIPT_QUERY__INIT;
    Wici__V1__Query query = WICI__V1__QUERY__INIT;

    query.what_case = WICI__V1__QUERY__WHAT_RECEIPT;
    query.receipt = &receipt;
    asked(state, &query, &receipt.event_id);
}

static void
who_has_fetched_an_event(void **state)
{
    Wici__V1__FetchedQuery fetched = WICI__V1__FETCHED_QUERY__INIT;
    Wici__V1__Query query = WICI__V1__QUERY__INIT;

    query.what_case = WICI__V1__QUERY__WHAT_FETCHED;
    query.fetched = &fetched;
    asked(state, &query, &fetched.event_id);
}

static void
a_reading_of_one_event(void **state)
{
    Wici__V1__ClientMessage message = WICI__V1__CLIENT_MESSAGE__INIT;
    Wici__V1__Read read = WICI__V1__READ__INIT;
    struct town *t = *state;
    struct peer reader;
    struct named n;

    letters_write(t, &n);
    peer_hello(&reader, &t->daemon, &t->sw2, "reads");
    read.request = 7;
    read.event_id = n.event.id;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_READ;
    message.read = &read;
    peer_send(&reader, &message);
    ends_and_says_nothing(t, &n, &reader);
    peer_close(&reader);
}

static void
an_event_that_is_sent_again(void **state)
{
    struct town *t = *state;
    struct named n;

    letters_write(t, &n);
    peer_publish_later(&n.sw, &n.event, 1);
    ends_and_says_nothing(t, &n, &n.sw);
}

static void
an_event_that_answers_it(void **state)
{
    struct town *t = *state;
    struct peer_event answer;
    Wici__V1__Header *header;
    struct named n;

    letters_write(t, &n);
    peer_letter_make(&n.sw, n.dossier, "ops-sw2", "odpowiedź", &answer);
    header = wici__v1__header__unpack(NULL, answer.header_len, answer.header);
    assert_non_null(header);
    header->causation_id = n.event.id;
    free(answer.header);
    answer.header_len = wici__v1__header__get_packed_size(header);
    answer.header = malloc(answer.header_len);
    assert_non_null(answer.header);
    (void)wici__v1__header__pack(header, answer.header);
    header->causation_id = NULL;
    wici__v1__header__free_unpacked(header, NULL);
    peer_publish_later(&n.sw, &answer, 1);
    peer_event_free(&answer);
    ends_and_says_nothing(t, &n, &n.sw);
}

#define TOWN_TEST(name) cmocka_unit_test_setup_teardown(name, town_setup, town_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TOWN_TEST(a_question_about_an_event),   TOWN_TEST(a_receipt_that_is_asked_for),
        TOWN_TEST(who_has_fetched_an_event),    TOWN_TEST(a_reading_of_one_event),
        TOWN_TEST(an_event_that_is_sent_again), TOWN_TEST(an_event_that_answers_it),
    };

    return cmocka_run_group_tests_name("wire: an id that leads to another record", tests, NULL, NULL);
}
