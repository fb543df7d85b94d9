/* disclosure - see disclosure.h */
#include "proto/disclosure.h"

#include "proto/tlogproof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int
part_check(const Wici__V1__Disclosed *part, const struct leaf *leaf, uint32_t *seen)
{
    const Wici__V1__Slot *slot = part->slot;
    uint8_t digest[LEAF_HASH_SIZE];
    struct leaf_part bytes;

    if (slot == NULL || slot->slot >= leaf->n || (*seen >> slot->slot & 1u) != 0 || slot->section_id > UINT16_MAX ||
        slot->salt.len != LEAF_HASH_SIZE || part->body.len > UINT32_MAX)
        return -EBADMSG;
    *seen |= UINT32_C(1) << slot->slot;
    bytes = (struct leaf_part){.slot = (uint8_t)slot->slot,
                               .section_id = (uint16_t)slot->section_id,
                               .len = (uint32_t)part->body.len,
                               .body = part->body.data};
    leaf_section_digest(&bytes, slot->salt.data, digest);
    return memcmp(digest, leaf->digests[slot->slot], sizeof digest) == 0 ? 0 : -EBADMSG;
}

int
disclosure_check(const Wici__V1__Delivery *delivery, struct leaf *ret)
{
    struct leaf leaf = {.seq = delivery->seq, .ts_ms = delivery->ts_ms};
    uint32_t seen = 0;

    if (delivery->leaf_class > LEAF_KEY || delivery->digests.len == 0 || delivery->digests.len % LEAF_HASH_SIZE != 0 ||
        delivery->digests.len > sizeof leaf.digests)
        return -EBADMSG;
    leaf.cls = (uint8_t)delivery->leaf_class;
    leaf.n = (uint8_t)(delivery->digests.len / LEAF_HASH_SIZE);
    memcpy(leaf.digests, delivery->digests.data, delivery->digests.len);
    for (size_t i = 0; i < delivery->n_parts; i++) {
        int rc = part_check(delivery->parts[i], &leaf, &seen);

        if (rc != 0)
            return rc;
    }
    *ret = leaf;
    return 0;
}

/* Are these the bytes that this delivery is packed into, with nothing else in them? */
static int
spelling_check(const Wici__V1__Delivery *delivery, const uint8_t *bytes, size_t len)
{
    uint8_t *packed;
    int rc;

    if (delivery->base.n_unknown_fields != 0 || wici__v1__delivery__get_packed_size(delivery) != len)
        return -EBADMSG;
    for (size_t i = 0; i < delivery->n_parts; i++)
        if (delivery->parts[i]->base.n_unknown_fields != 0 ||
            (delivery->parts[i]->slot != NULL && delivery->parts[i]->slot->base.n_unknown_fields != 0))
            return -EBADMSG;
    packed = malloc(len + 1);
    if (packed == NULL)
        return -ENOMEM;
    (void)wici__v1__delivery__pack(delivery, packed);
    rc = memcmp(packed, bytes, len) == 0 ? 0 : -EBADMSG;
    free(packed);
    return rc;
}

int
disclosure_open(const uint8_t *bytes, size_t len, struct leaf *ret, Wici__V1__Delivery **ret_delivery)
{
    Wici__V1__Delivery *delivery;
    int rc;

    if (len > TLOGPROOF_EXTRA_MAX)
        return -EBADMSG;
    delivery = wici__v1__delivery__unpack(NULL, len, bytes);
    if (delivery == NULL)
        return -EBADMSG;
    rc = spelling_check(delivery, bytes, len);
    if (rc == 0)
        rc = disclosure_check(delivery, ret);
    if (rc != 0)
        wici__v1__delivery__free_unpacked(delivery, NULL);
    else
        *ret_delivery = delivery;
    return rc;
}

void
disclosure_leaf_hash(const struct leaf *leaf, uint8_t ret[LEAF_HASH_SIZE])
{
    uint8_t input[LEAF_INPUT_MAX];

    leaf_hash(input, leaf_encode(leaf, input), ret);
}
