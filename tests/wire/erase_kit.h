/* erase_kit - an order that a dossier be erased, as an administrator sends it */
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

#endif
