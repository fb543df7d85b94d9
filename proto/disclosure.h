/*
 * disclosure - what somebody holds of a record, checked against its leaf
 *
 * A Delivery (wire.proto) gives all digests of a record and, of the parts that its receiver may see, salt and bytes.
 * Each part must give the digest in its slot. The leaf that follows from a disclosure is the record's own only if its
 * hash is in the tree at that place: see tlogproof.h. The delivery's seq, class and time are covered by that, its
 * digests too; that a slot without a part was withheld, or holds nothing, cannot be told.
 *
 * Errors: 0 or -errno. Threads: any.
 */
#ifndef WICI_DISCLOSURE_H
#define WICI_DISCLOSURE_H

#include "proto/leaf.h"
#include "wici/v1/wire.pb-c.h"

#include <stddef.h>

/* Checks a delivery and gives the leaf it speaks of. -EBADMSG: a part does not give the digest of its slot, a slot is
 * there twice, or something is not of its size. */
int disclosure_check(const Wici__V1__Delivery *delivery, struct leaf *ret);

/*
 * The same of packed bytes, of which there is one spelling for each disclosure: fields in ascending order, each once,
 * none unknown, none at its default. So nothing can be changed in them and still pass. *ret_delivery is the caller's to
 * free with wici__v1__delivery__free_unpacked(). -ENOMEM
 */
int disclosure_open(const uint8_t *bytes, size_t len, struct leaf *ret, Wici__V1__Delivery **ret_delivery);

/* The hash of a leaf as it stands in the tree. */
void disclosure_leaf_hash(const struct leaf *leaf, uint8_t ret[LEAF_HASH_SIZE]);

#endif
