/*
 * Two events of one type, one with and one without a section: what of them is in the log's leaf, and what each other
 * part is disclosed with, tells nothing of it.
 */
#include "proto/disclosure.h"
#include "proto/event.h"
#include "proto/leaf.h"
#include "proto/types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PARTS_MAX (2u + 2u * TYPE_CLASSES)
#define BODY_SIZE 16u

/* One event: header, note and sections, each with a body of its own. */
struct shape {
    struct leaf leaf;
    struct leaf_part parts[PARTS_MAX];
    uint8_t bodies[PARTS_MAX][BODY_SIZE], seed[LEAF_SEED_SIZE];
    size_t count;
};

static void
part_add(struct shape *s, uint8_t slot, uint16_t id)
{
    uint8_t *body = s->bodies[s->count];

    memset(body, (int)(id % 251), BODY_SIZE);
    s->parts[s->count++] = (struct leaf_part){.slot = slot, .section_id = id, .len = BODY_SIZE, .body = body};
}

/* Sections of these classes of the type, as the broker puts them into a leaf. */
static void
shape_make(const struct type_info *type, const uint8_t *classes, size_t count, struct shape *ret)
{
    uint16_t ids[EVENT_SECTIONS_MAX] = {0};
    uint8_t slots[EVENT_SECTIONS_MAX];

    memset(ret, 0, sizeof *ret);
    memset(ret->seed, (int)(type->number % 256), sizeof ret->seed);
    for (size_t i = 0; i < count; i++)
        ids[i] = section_id(type->number, classes[i]);
    assert_int_equal(event_slots(type, ids, count, ret->seed, slots), 0);
    part_add(ret, TYPE_SLOT_HEADER, section_id(type->number, TYPE_CLASS_HEADER));
    part_add(ret, TYPE_SLOT_NOTE, section_id(type->number, TYPE_CLASS_NOTE));
    for (size_t i = 0; i < count; i++)
        part_add(ret, slots[i], ids[i]);
    ret->leaf = (struct leaf){.cls = LEAF_EVENT, .n = type->slots, .seq = 7, .ts_ms = 1795443995034};
    leaf_fill(&ret->leaf, ret->seed, ret->parts, ret->count);
}

/* What is handed out of one part: packed into ret; returns how long. */
static size_t
disclose(const struct shape *s, size_t part, uint8_t *ret)
{
    uint8_t salt[LEAF_HASH_SIZE];
    Wici__V1__Delivery delivery;
    Wici__V1__Slot slot;
    Wici__V1__Disclosed one;
    Wici__V1__Disclosed *list[] = {&one};

    wici__v1__delivery__init(&delivery);
    wici__v1__disclosed__init(&one);
    wici__v1__slot__init(&slot);
    leaf_salt(s->seed, s->parts[part].slot, salt);
    slot.slot = s->parts[part].slot;
    slot.section_id = s->parts[part].section_id;
    slot.salt = (ProtobufCBinaryData){.len = sizeof salt, .data = salt};
    one.slot = &slot;
    one.body = (ProtobufCBinaryData){.len = BODY_SIZE, .data = (uint8_t *)(uintptr_t)s->parts[part].body};
    delivery.seq = s->leaf.seq;
    delivery.ts_ms = s->leaf.ts_ms;
    delivery.parts = list;
    delivery.n_parts = 1;
    return wici__v1__delivery__pack(&delivery, ret);
}

static size_t
part_find(const struct shape *s, uint16_t id, size_t nth)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->parts[i].section_id == id && nth-- == 0)
            return i;
    fail_msg("section %u is not there", id);
    return 0;
}

/* The leaves are as long as each other and differ in one digest; each other part is disclosed by the same bytes. */
static void
assert_same_but(const struct shape *with, const struct shape *without, uint16_t id)
{
    uint8_t a[LEAF_INPUT_MAX], b[LEAF_INPUT_MAX];
    size_t differ = 0;

    assert_int_equal(leaf_encode(&with->leaf, a), leaf_encode(&without->leaf, b));
    for (size_t slot = 0; slot < with->leaf.n; slot++)
        differ += memcmp(with->leaf.digests[slot], without->leaf.digests[slot], LEAF_HASH_SIZE) != 0;
    assert_int_equal(differ, 1);
    assert_memory_not_equal(with->leaf.digests[with->parts[part_find(with, id, 0)].slot],
                            without->leaf.digests[with->parts[part_find(with, id, 0)].slot], LEAF_HASH_SIZE);
    for (size_t i = 0; i < without->count; i++) {
        size_t twin = part_find(with, without->parts[i].section_id, 0), len = disclose(without, i, a);

        assert_int_equal(disclose(with, twin, b), len);
        assert_memory_equal(a, b, len);
    }
}

/* Of each type of the registry, each declared class there and not there. */
static void
no_leaf_and_no_other_part_tells_whether_a_section_is_there(void **state)
{
    size_t compared = 0;

    (void)state;
    for (size_t t = 0; t < type_count(); t++) {
        const struct type_info *type = type_at(t);

        for (uint8_t left_out = 0; left_out < TYPE_CLASSES; left_out++) {
            uint8_t all[TYPE_CLASSES], fewer[TYPE_CLASSES];
            size_t all_count = 0, fewer_count = 0;
            struct shape with, without;

            if ((type->classes >> left_out & 1u) == 0)
                continue;
            for (uint8_t cls = 0; cls < TYPE_CLASSES; cls++) {
                if ((type->classes >> cls & 1u) == 0)
                    continue;
                all[all_count++] = cls;
                if (cls != left_out)
                    fewer[fewer_count++] = cls;
            }
            shape_make(type, all, all_count, &with);
            shape_make(type, fewer, fewer_count, &without);
            assert_same_but(&with, &without, section_id(type->number, left_out));
            compared++;
        }
    }
    assert_true(compared > 2 * type_count()); /* most types have several classes */
}

/* Further rows of a class lie in tail slots, whose order the seed draws; however many there are, the leaf is as long.
 */
static void
no_leaf_tells_how_many_rows_a_class_has(void **state)
{
    (void)state;
    for (size_t t = 0; t < type_count(); t++) {
        const struct type_info *type = type_at(t);
        uint8_t first = 0, classes[TYPE_CLASSES] = {0}, bytes[LEAF_INPUT_MAX];
        size_t lengths[2], tail = type->slots - 2u;
        struct shape shape;

        if (type->number > TYPE_SYS_FIRST)
            continue;
        for (uint8_t cls = 0; cls < TYPE_CLASSES; cls++)
            tail -= type->classes >> cls & 1u;
        while ((type->classes >> first & 1u) == 0)
            first++;
        memset(classes, first, sizeof classes);
        for (size_t i = 0; i < 2; i++) {
            shape_make(type, classes, i == 0 ? 1 : 1 + (tail < TYPE_CLASSES - 1 ? tail : TYPE_CLASSES - 1), &shape);
            lengths[i] = leaf_encode(&shape.leaf, bytes);
        }
        assert_int_equal(lengths[0], lengths[1]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_leaf_and_no_other_part_tells_whether_a_section_is_there),
        cmocka_unit_test(no_leaf_tells_how_many_rows_a_class_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
