/* erase_kit - an order that a dossier be erased, as an administrator sends it; and the question what became of copies
 */
#ifndef WIRE_ERASE_KIT_H
#define WIRE_ERASE_KIT_H

#include "tests/wire/kit.h"

/* What such an order has for its document's sum. */
#define ERASE_ORDER_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* Sends it; the answer is to be waited for. */
static inline void
erase_send(struct peer *admin, uint32_t request, const char *dossier, const char *reason)
{
    char *ids[] = {(char *)(uintptr_t)dossier}, sum[] = ERASE_ORDER_SHA256; /* packing only reads them */
    Wici__V1__ClientMessage message;
    Wici__V1__Query query;
    Wici__V1__EraseQuery erase;

    wici__v1__client_message__init(&message);
    wici__v1__query__init(&query);
    wici__v1__erase_query__init(&erase);
    erase.dossiers = ids;
    erase.n_dossiers = 1;
    erase.reason = (char *)(uintptr_t)reason;
    erase.order_sha256 = sum;
    query.request = request;
    query.what_case = WICI__V1__QUERY__WHAT_ERASE;
    query.erase = &erase;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    message.query = &query;
    peer_send(admin, &message);
}

/* Asks, and waits for the answer; the caller frees it. */
static inline Wici__V1__BrokerMessage *
erase_query(struct peer *p, Wici__V1__Query *query)
{
    Wici__V1__ClientMessage message;
    Wici__V1__BrokerMessage *answer;

    wici__v1__client_message__init(&message);
    query->request = 9;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    message.query = query;
    peer_send(p, &message);
    do
        answer = peer_receive(p, PEER_TIMEOUT_MS);
    while (answer != NULL && answer->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS);
    assert_non_null(answer);
    return answer;
}

/* What became of the copies: of the erasure of that dossier, or of that order. */
static inline Wici__V1__BrokerMessage *
erasures_ask(struct peer *p, const char *dossier, uint64_t seq, uint64_t from, uint32_t max)
{
    Wici__V1__ErasuresQuery asked;
    Wici__V1__Query what;

    wici__v1__query__init(&what);
    wici__v1__erasures_query__init(&asked);
    asked.dossier = (char *)(uintptr_t)dossier; /* packing only reads it */
    asked.intended_seq = seq;
    asked.from = from;
    asked.max = max;
    what.what_case = WICI__V1__QUERY__WHAT_ERASURES;
    what.erasures = &asked;
    return erase_query(p, &what);
}

static inline const Wici__V1__Erasures *
erasures_of(const Wici__V1__BrokerMessage *answer)
{
    assert_int_equal(answer->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT);
    assert_int_equal(answer->query_result->result_case, WICI__V1__QUERY_RESULT__RESULT_ERASURES);
    return answer->query_result->erasures;
}

#endif
