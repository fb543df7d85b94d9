/*
 * An event whose content was erased from the log: its id stays used, for its author too. What erases is not this
 * broker's; the row is rewritten here as erasing leaves it, which is its leaf alone (store/store.h).
 */
#include "tests/wire/kit.h"

#include <lmdb.h>

#define LEAF_HEAD 33u /* bytes of a leaf before its digests, their number being the last */

static void
content_erase(const struct daemon *d, uint64_t seq)
{
    uint8_t key_bytes[8], leaf[LEAF_HEAD + 32 * 32];
    MDB_val key = {.mv_size = sizeof key_bytes, .mv_data = key_bytes}, val;
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi dbi;
    char path[96];
    size_t len;

    for (unsigned i = 0; i < 8; i++)
        key_bytes[i] = (uint8_t)(seq >> 8 * (7 - i));
    (void)snprintf(path, sizeof path, "%s/data/log", d->dir);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 16), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOTLS, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "ev", 0, &dbi), 0);
    assert_int_equal(mdb_get(txn, dbi, &key, &val), 0);
    len = LEAF_HEAD + 32u * ((const uint8_t *)val.mv_data)[LEAF_HEAD - 1];
    assert_true(len < val.mv_size && len <= sizeof leaf);
    memcpy(leaf, val.mv_data, len);
    val = (MDB_val){.mv_size = len, .mv_data = leaf};
    assert_int_equal(mdb_put(txn, dbi, &key, &val, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void
an_event_that_was_erased_is_not_taken_again(void **state)
{
    struct town *t = *state;
    struct peer sw, reader;
    struct peer_event event;
    Wici__V1__BrokerMessage *message;
    char dossier[37];
    uint64_t seq;

    peer_hello(&sw, &t->daemon, &t->sw, "before");
    peer_uuid4(dossier);
    peer_letter_make(&sw, dossier, "ops-sw2", "do wymazania", &event);
    seq = peer_publish_taken(&sw, &event);
    (void)peer_letter(&sw, dossier, "ops-sw2", "zostaje");
    peer_close(&sw);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    content_erase(&t->daemon, seq);
    daemon_start(&t->daemon);

    peer_hello(&sw, &t->daemon, &t->sw, "after");
    message = peer_publish(&sw, &event);
    assert_int_equal(message->answers->answers[0]->outcome_case, WICI__V1__ANSWER__OUTCOME_REFUSAL);
    assert_string_equal(message->answers->answers[0]->refusal->code, "E_ERASED");
    assert_string_equal(message->answers->answers[0]->refusal->path, "header.eventId");
    assert_true(message->answers->answers[0]->refusal->pl[0] != '\0');
    peer_free(message);
    peer_hello(&reader, &t->daemon, &t->sw2, "after");
    message = town_read(&reader, WICI__V1__EVENT_TYPE__INFO_PROVIDED, seq);
    for (size_t i = 0; i < message->read_result->n_deliveries; i++)
        assert_int_not_equal(message->read_result->deliveries[i]->seq, seq);
    peer_free(message);
    peer_close(&reader);
    peer_close(&sw);
    peer_event_free(&event);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_event_that_was_erased_is_not_taken_again)};

    return cmocka_run_group_tests_name("wire: erased", tests, town_setup, town_teardown);
}
