/* script - see script.h */
#include "tests/crash/script.h"

#include "store/compact.h"
#include "store/fault.h"
#include "tests/crash/disk.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARTS      3u
#define SLOTS      8u
#define GHOST      UINT64_C(1000000) /* added to the number of a record that is rolled back */
#define BODY_MAX   (100u << 10)
#define NOTE_LEN   180u /* of one that is only bytes */
#define NOTE_MAX   512u
#define ROOM_BYTES (UINT64_C(20) << 20)

/* One script in so many begins with records for most of a tile of the tree, so that its later steps fill it. */
#define TALL_ONE_IN  4u
#define TALL_RECORDS 240u

bool script_acks_early;
uint64_t script_left_over;

/* ---- the script */

struct dice
dice_of(const struct script *script, uint64_t kind, uint64_t number)
{
    struct dice dice = {.state = script->seed * UINT64_C(0xd1342543de82ef95) + kind * UINT64_C(0x2545f4914f6cdd1d)};

    (void)dice_roll(&dice, 2);
    dice.state ^= number * UINT64_C(0x9fb21c651e98df25);
    return dice;
}

static uint32_t
body_len(struct dice *dice)
{
    uint64_t kind = dice_roll(dice, 200);

    if (kind == 0)
        return (uint32_t)(BODY_MAX / 2 + dice_roll(dice, BODY_MAX / 2));
    if (kind < 20)
        return (uint32_t)(3000 + dice_roll(dice, 6000)); /* pages of its own */
    return (uint32_t)(10 + dice_roll(dice, 300));
}

static void
record_draw(struct script *s, struct model *now, struct dice *dice)
{
    uint64_t kind = dice_roll(dice, 12);
    uint32_t entry = STORE_CLEAR_ENTRY;

    if (now->head == SCRIPT_RECORDS_MAX)
        return;
    if (kind < 2)
        entry = ++now->entries;
    else if (kind < 10 && now->entries > 0)
        entry = 1 + (uint32_t)dice_roll(dice, now->entries);
    if (s->is_doc[entry])
        entry = STORE_CLEAR_ENTRY;
    now->head++;
    s->entry_of[now->head] = entry;
    s->len_of[now->head] = body_len(dice);
}

void
script_make(struct script *s, uint64_t seed)
{
    memset(s, 0, sizeof *s);
    s->seed = seed;
    store_find_small = true; /* its pieces, too, are what a power cut may leave */
    for (unsigned k = 1; k <= SCRIPT_STEPS_MAX; k++) {
        struct dice dice = dice_of(s, 1, k);
        struct model *now = &s->after[k];
        struct step *step = &s->steps[k];
        uint64_t before = s->after[k - 1].head;
        unsigned records = (unsigned)dice_roll(&dice, dice_roll(&dice, 4) == 0 ? 40 : 6);

        if (k == 1 && seed % TALL_ONE_IN == 0)
            records = TALL_RECORDS;

        *now = s->after[k - 1];
        step->ghosts = dice_roll(&dice, 6) == 0 ? 1 + (unsigned)dice_roll(&dice, 4) : 0;
        step->room = dice_roll(&dice, 10) == 0;
        step->flush = dice_roll(&dice, 6) == 0;
        step->reopen = dice_roll(&dice, 8) == 0;
        step->compact = step->reopen && dice_roll(&dice, 4) == 0;
        for (unsigned i = 0; i < records; i++)
            record_draw(s, now, &dice);
        /* A cursor stands at what was committed before; it may go away. */
        for (unsigned i = 0; i < SCRIPT_CURSORS; i++)
            if (before > 0 && dice_roll(&dice, 3) == 0)
                now->cursors[i] = dice_roll(&dice, 6) == 0 ? 0 : 1 + dice_roll(&dice, before);
        for (unsigned i = 0; i < SCRIPT_VALUES; i++)
            if (dice_roll(&dice, 5) == 0)
                now->values[i] = dice_roll(&dice, 4) == 0 ? 0 : 1 + (size_t)dice_roll(&dice, 3000);
        if (before > 0 && dice_roll(&dice, 3) == 0)
            now->checkpoint = before; /* signed after a commit, kept with the next one */
        script_doc_make(s, k);
    }
}

struct record {
    struct store_record record;
    struct leaf_part parts[PARTS];
    uint8_t seed[LEAF_SEED_SIZE], id[16];
    uint8_t bodies[BODY_MAX + 256];
};

void
script_bytes(struct dice *dice, uint8_t *to, size_t len)
{
    uint64_t word = 0;

    for (size_t i = 0; i < len; i++) {
        if (i % 8 == 0)
            word = dice_roll(dice, UINT64_MAX);
        to[i] = (uint8_t)(word >> i % 8 * 8);
    }
}

/* Most ids ascend, as the time in them does; some come late. */
static void
id_draw(const struct script *s, uint64_t number, uint8_t ret[16])
{
    struct dice dice = dice_of(s, 2, number);
    bool late = dice_roll(&dice, 8) == 0;

    script_bytes(&dice, ret, 16);
    for (unsigned i = 0; i < 8 && !late; i++)
        ret[i] = (uint8_t)(number >> (56 - 8 * i));
}

static void
record_fill(const struct script *s, uint64_t number, uint32_t entry, struct record *ret)
{
    struct dice dice = dice_of(s, 3, number);
    uint32_t lens[PARTS] = {40, 7, number > GHOST ? 100 : s->len_of[number]};
    uint8_t *at = ret->bodies;

    id_draw(s, number, ret->id);
    script_bytes(&dice, ret->seed, sizeof ret->seed);
    for (unsigned i = 0; i < PARTS; i++) {
        script_bytes(&dice, at, lens[i]);
        ret->parts[i] = (struct leaf_part){
            .slot = (uint8_t)i, .section_id = (uint16_t)(100 + i), .len = lens[i], .body = at};
        at += lens[i];
    }
    ret->record = (struct store_record){.leaf_class = LEAF_EVENT,
                                        .n = SLOTS,
                                        .ts_ms = 1000 + number % GHOST,
                                        .seed = ret->seed,
                                        .event_id = ret->id,
                                        .entry = entry,
                                        .parts = ret->parts,
                                        .part_count = PARTS};
}

/* ---- randomness */

static struct dice random_dice;

static const char *
random_name(void)
{
    return "seeded";
}

static void
random_buf(void *const to, const size_t len)
{
    script_bytes(&random_dice, to, len);
}

static uint32_t
random_word(void)
{
    return (uint32_t)dice_roll(&random_dice, UINT32_MAX);
}

void
script_randomness(uint64_t seed)
{
    static randombytes_implementation seeded = {
        .implementation_name = random_name, .random = random_word, .buf = random_buf};

    random_dice.state = seed;
    if (randombytes_set_implementation(&seeded) != 0 || sodium_init() < 0)
        abort();
}

/* ---- running it */

void
place_make(struct place *place, const char *dir)
{
    (void)snprintf(place->dir, sizeof place->dir, "%s", dir);
    (void)snprintf(place->data, sizeof place->data, "%s/var/data", place->dir);
    (void)snprintf(place->keys, sizeof place->keys, "%s/vault/keys", place->dir);
    (void)snprintf(place->kek, sizeof place->kek, "%s/etc/kek", place->dir);
    (void)snprintf(place->key_file, sizeof place->key_file, "%s/keys", place->keys);
    (void)snprintf(place->backup_logs, sizeof place->backup_logs, "%s/logs", place->dir);
    (void)snprintf(place->backup_keys, sizeof place->backup_keys, "%s/safe", place->dir);
    (void)snprintf(place->away, sizeof place->away, "%s/away", place->dir);
    place->options = (struct store_options){
        .dir = place->data, .key_dir = place->keys, .kek_path = place->kek, .map_size_max = UINT64_C(1) << 30};
}

int
place_prepare(const struct place *place)
{
    static const char *const names[] = {"", "/var", "/vault", "/etc"};
    char path[320];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s%s", place->dir, names[i]);
        if (mkdir(path, 0700) != 0)
            return -errno;
    }
    return 0;
}

int
script_create(const struct place *place)
{
    struct store_identity identity = {.origin = SCRIPT_ORIGIN, .epoch = 1, .created_ms = 77};
    int rc = store_create(&place->options, &identity);

    if (rc == 0)
        disk_mark(MARK_CREATED, 0);
    return rc;
}

static int
record_append(const struct script *s, struct store *st, uint64_t number, uint32_t entry, uint64_t seq)
{
    static struct record record;
    uint64_t got = 0;
    int rc;

    record_fill(s, number, entry, &record);
    rc = store_append(st, &record.record, &got, NULL);
    return rc == 0 && got != seq ? -EPROTO : rc;
}

static int
ghosts_append(const struct script *s, struct store *st, uint64_t k)
{
    const struct model *before = &s->after[k - 1];
    int rc = 0;

    for (unsigned i = 1; i <= s->steps[k].ghosts && rc == 0; i++)
        rc = record_append(s, st, GHOST + before->head + i,
                           before->entries > 0 && i % 2 == 0 && !s->is_doc[1] ? 1 : STORE_CLEAR_ENTRY,
                           before->head + i);
    store_rollback(st);
    return rc;
}

static int
records_append(const struct script *s, struct store *st, uint64_t k)
{
    uint32_t entries = s->after[k - 1].entries, entry;
    int rc = 0;

    for (uint64_t seq = s->after[k - 1].head + 1; seq <= s->after[k].head && rc == 0; seq++) {
        if (s->entry_of[seq] > entries) {
            rc = store_key_take(st, &entry);
            if (rc == 0 && entry != ++entries)
                rc = -EPROTO; /* entries are given out in order */
        }
        if (rc == 0)
            rc = record_append(s, st, seq, s->entry_of[seq], seq);
    }
    return rc;
}

static int
cursors_put(const struct script *s, struct store *st, uint64_t k)
{
    const struct model *before = &s->after[k - 1], *now = &s->after[k];
    int rc = 0;

    for (unsigned i = 0; i < SCRIPT_CURSORS && rc == 0; i++) {
        struct store_cursor cursor = {.seq = now->cursors[i], .acked_ms = now->cursors[i] + 5};
        char name[] = {'c', (char)('0' + i), '\0'};

        if (now->cursors[i] == before->cursors[i])
            continue;
        rc = now->cursors[i] == 0 ? store_cursor_drop(st, "unit", name) : store_cursor_put(st, "unit", name, &cursor);
    }
    return rc;
}

static void
value_draw(const struct script *s, unsigned i, size_t len, uint8_t *ret)
{
    struct dice dice = dice_of(s, 4 + i, len);

    script_bytes(&dice, ret, len);
}

static int
values_put(const struct script *s, struct store *st, uint64_t k)
{
    const struct model *before = &s->after[k - 1], *now = &s->after[k];
    uint8_t bytes[4096];
    int rc = store_value_put(st, "step", &k, sizeof k);

    for (unsigned i = 0; i < SCRIPT_VALUES && rc == 0; i++) {
        char name[] = {'v', (char)('0' + i), '\0'};

        if (now->values[i] == before->values[i])
            continue;
        value_draw(s, i, now->values[i], bytes);
        rc = now->values[i] == 0 ? store_value_drop(st, name) : store_value_put(st, name, bytes, now->values[i]);
    }
    return rc;
}

const struct note_signer *
script_signer(void)
{
    static const uint8_t seed[NOTE_SEED_SIZE] = {7};
    static struct note_signer signer;

    if (signer.key.name[0] == '\0' && note_signer_make(SCRIPT_ORIGIN, seed, &signer) != 0)
        abort();
    return &signer;
}

/* Returns its length. */
static size_t
note_draw(const struct script *s, uint64_t size, char ret[NOTE_MAX])
{
    struct dice dice = dice_of(s, 4 + SCRIPT_VALUES, size);
    struct note_checkpoint checkpoint = {.origin = SCRIPT_ORIGIN, .size = size};
    char text[NOTE_CHECKPOINT_TEXT_SIZE], *note = NULL;
    size_t len = NOTE_LEN;

    if (!s->signs) {
        script_bytes(&dice, (uint8_t *)ret, len);
        return len;
    }
    script_root(s, size, checkpoint.root);
    if (note_checkpoint_format(&checkpoint, text, &len) != 0 ||
        note_sign(text, len, script_signer(), 1, &note, &len) != 0 || len > NOTE_MAX)
        abort();
    memcpy(ret, note, len);
    free(note);
    return len;
}

static int
checkpoint_put(const struct script *s, struct store *st, uint64_t k)
{
    uint64_t size = s->after[k].checkpoint;
    char note[NOTE_MAX];

    if (size == s->after[k - 1].checkpoint)
        return 0;
    return store_checkpoint_put(st, size, note, note_draw(s, size, note));
}

static int
step_run(const struct script *s, struct store *st, uint64_t k)
{
    const struct step *step = &s->steps[k];
    int rc = store_room(st, 100, step->room ? ROOM_BYTES << k % 3 : 100);

    if (rc == 0)
        rc = ghosts_append(s, st, k);
    if (rc != 0 || (rc = script_doc_destroy(s, st, k)) != 0 || (rc = records_append(s, st, k)) != 0 ||
        (rc = script_doc_run(s, st, k)) != 0 || (rc = cursors_put(s, st, k)) != 0 || (rc = values_put(s, st, k)) != 0 ||
        (rc = checkpoint_put(s, st, k)) != 0)
        return rc;
    disk_mark(MARK_BEGUN, k);
    if (script_acks_early)
        disk_mark(MARK_ACKED, k);
    rc = store_commit(st);
    if (rc != 0)
        return rc;
    disk_mark(MARK_ACKED, k);
    return store_find_flush(st, step->flush);
}

static int
compact(const struct place *place, struct store *st)
{
    struct compact_report report;
    int rc = compact_make(st, place->data, &report);

    return rc == 0 ? compact_place(st, place->data) : rc;
}

static int
steps_run(const struct script *s, const struct place *place, struct store **st, uint64_t from, uint64_t to)
{
    int rc = 0;

    for (uint64_t k = from; k <= to && rc == 0; k++) {
        rc = step_run(s, *st, k);
        if (rc == 0 && s->steps[k].compact)
            rc = compact(place, *st);
        if (rc == 0 && s->steps[k].reopen) {
            store_close(st);
            rc = store_open(st, &place->options);
        }
    }
    return rc;
}

int
script_run(const struct script *s, const struct place *place, uint64_t from, uint64_t to)
{
    struct store *st = NULL;
    int rc = store_open(&st, &place->options);

    if (rc == 0)
        rc = steps_run(s, place, &st, from, to);
    store_close(&st);
    return rc;
}

/* ---- the checkers: each returns false and says what it found */

struct check {
    const struct script *script;
    struct store *st;
    const struct model *want;          /* what the step found must have left */
    uint8_t (*hashes)[LEAF_HASH_SIZE]; /* of the leaves that the script gives, by number - 1 */
    uint64_t step;
    struct finding *finding;
};

bool
found_wrong(struct finding *finding, const char *checker, const char *fmt, ...)
{
    va_list args;

    finding->checker = checker;
    va_start(args, fmt);
    (void)vsnprintf(finding->what, sizeof finding->what, fmt, args);
    va_end(args);
    return false;
}

static int
step_take(void *arg, const char *name, const uint8_t *value, size_t len)
{
    uint64_t *step = arg;

    if (strcmp(name, "step") != 0 || len != sizeof *step)
        return -EPROTO;
    memcpy(step, value, len);
    return 0;
}

static bool
check_step(struct check *c, const struct bounds *bounds)
{
    int rc = store_value_each(c->st, "step", step_take, &c->step);

    if (rc != 0)
        return found_wrong(c->finding, "values", "the step cannot be read: %s", strerror(-rc));
    if (c->step < bounds->acked)
        return found_wrong(c->finding, "acknowledged", "stands at step %" PRIu64 ", acknowledged %" PRIu64, c->step,
                           bounds->acked);
    if (c->step > bounds->begun)
        return found_wrong(c->finding, "invented", "stands at step %" PRIu64 ", begun %" PRIu64, c->step,
                           bounds->begun);
    c->want = &c->script->after[c->step];
    return true;
}

static void
leaf_of(const struct store_record *record, uint64_t seq, struct leaf *ret)
{
    ret->cls = record->leaf_class;
    ret->n = record->n;
    ret->seq = seq;
    ret->ts_ms = record->ts_ms;
    leaf_fill(ret, record->seed, record->parts, record->part_count);
}

static bool
check_row(struct check *c, const struct store_row *row, uint64_t seq)
{
    static struct record want;
    static struct leaf leaf;
    uint8_t input[LEAF_INPUT_MAX];

    record_fill(c->script, seq, c->script->entry_of[seq], &want);
    if (row->erased || row->seq != seq || row->entry != want.record.entry || row->part_count != PARTS ||
        memcmp(row->seed, want.seed, sizeof want.seed) != 0)
        return found_wrong(c->finding, "records", "record %" PRIu64 " is another one", seq);
    for (unsigned i = 0; i < PARTS; i++)
        if (row->parts[i].slot != want.parts[i].slot || row->parts[i].len != want.parts[i].len ||
            row->parts[i].section_id != want.parts[i].section_id ||
            memcmp(row->parts[i].body, want.parts[i].body, want.parts[i].len) != 0)
            return found_wrong(c->finding, "records", "record %" PRIu64 " has another part %u", seq, i);
    leaf_of(&want.record, seq, &leaf);
    if (row->leaf.cls != leaf.cls || row->leaf.n != leaf.n || row->leaf.seq != seq || row->leaf.ts_ms != leaf.ts_ms ||
        memcmp(row->leaf.digests, leaf.digests, leaf.n * (size_t)LEAF_HASH_SIZE) != 0)
        return found_wrong(c->finding, "digests", "record %" PRIu64 " does not fit its leaf", seq);
    leaf_hash(input, leaf_encode(&leaf, input), c->hashes[seq - 1]);
    if (seq == c->want->head) {
        uint8_t head[LEAF_HASH_SIZE];

        store_head_hash(c->st, head);
        if (memcmp(c->hashes[seq - 1], head, sizeof head) != 0)
            return found_wrong(c->finding, "digests", "the head's leaf hash is another one");
    }
    return true;
}

static bool
check_records(struct check *c)
{
    struct store_slice *slice = NULL;
    struct store_row row;
    bool good = true;
    int rc;

    if (store_head(c->st) != c->want->head || store_next(c->st) != c->want->head + 1)
        return found_wrong(c->finding, "gapless", "%" PRIu64 " records, step %" PRIu64 " made %" PRIu64,
                           store_head(c->st), c->step, c->want->head);
    rc = store_slice_begin(c->st, &slice);
    if (rc != 0)
        return found_wrong(c->finding, "records", "no slice: %s", strerror(-rc));
    for (uint64_t seq = 1; good && seq <= c->want->head; seq++) {
        rc = store_read(slice, seq, &row);
        good = rc == 0 ? check_row(c, &row, seq)
                       : found_wrong(c->finding, "records", "record %" PRIu64 ": %s %s", seq, strerror(-rc),
                                     store_damage(c->st));
    }
    if (good && store_read(slice, c->want->head + 1, &row) != -ENOENT)
        good = found_wrong(c->finding, "gapless", "there is a record behind the last");
    store_slice_end(&slice);
    return good;
}

/* RFC 6962 taken literally. */
void
script_tree_hash(const uint8_t (*leaf)[LEAF_HASH_SIZE], uint64_t n, uint8_t ret[LEAF_HASH_SIZE])
{
    uint8_t input[1 + 2 * LEAF_HASH_SIZE] = {1};
    uint64_t k = 1;

    if (n < 2) {
        memcpy(ret, leaf[0], LEAF_HASH_SIZE);
        if (n == 0)
            leaf_sha256("", 0, ret);
        return;
    }
    while (2 * k < n)
        k *= 2;
    script_tree_hash(leaf, k, input + 1);
    script_tree_hash(leaf + k, n - k, input + 1 + LEAF_HASH_SIZE);
    leaf_sha256(input, sizeof input, ret);
}

void
script_root(const struct script *s, uint64_t n, uint8_t ret[LEAF_HASH_SIZE])
{
    static uint8_t hashes[SCRIPT_RECORDS_MAX][LEAF_HASH_SIZE];
    static struct record record;
    static struct leaf leaf;
    uint8_t input[LEAF_INPUT_MAX];

    for (uint64_t seq = 1; seq <= n; seq++) {
        record_fill(s, seq, s->entry_of[seq], &record);
        leaf_of(&record.record, seq, &leaf);
        leaf_hash(input, leaf_encode(&leaf, input), hashes[seq - 1]);
    }
    script_tree_hash((const uint8_t(*)[LEAF_HASH_SIZE])hashes, n, ret);
}

static bool
check_tree(struct check *c)
{
    const uint8_t(*hashes)[LEAF_HASH_SIZE] = (const uint8_t(*)[LEAF_HASH_SIZE])c->hashes;
    uint64_t head = c->want->head, older = head - head / 3, seq = head / 2 + 1;
    uint8_t root[LEAF_HASH_SIZE], want[LEAF_HASH_SIZE], want_older[LEAF_HASH_SIZE];
    struct merkle_proof proof;
    int rc = store_tree_root(c->st, head, root);

    script_tree_hash(hashes, head, want);
    script_tree_hash(hashes, older, want_older);
    if (rc != 0 || memcmp(root, want, sizeof root) != 0)
        return found_wrong(c->finding, "tree", "the root of %" PRIu64 " records is another one: %s", head,
                           strerror(-rc));
    if (head == 0)
        return true;
    if (store_prove_inclusion(c->st, seq, head, &proof) != 0 ||
        merkle_inclusion_check(seq - 1, head, c->hashes[seq - 1], &proof, want) != 0)
        return found_wrong(c->finding, "tree", "record %" PRIu64 " cannot be proven: %s", seq, store_damage(c->st));
    if (store_prove_consistency(c->st, older, head, &proof) != 0 ||
        merkle_consistency_check(older, head, want_older, want, &proof) != 0)
        return found_wrong(c->finding, "tree", "%" PRIu64 " to %" PRIu64 " records cannot be proven: %s", older, head,
                           store_damage(c->st));
    return true;
}

static bool
check_checkpoint(struct check *c)
{
    const char *note = NULL;
    char want[NOTE_MAX];
    uint64_t size = 0;
    size_t len = 0, want_len;
    int rc = store_checkpoint_get(c->st, UINT64_MAX, &size, &note, &len);

    if (c->want->checkpoint == 0)
        return rc == -ENOENT || found_wrong(c->finding, "checkpoints", "there is one of %" PRIu64 " records", size);
    want_len = note_draw(c->script, c->want->checkpoint, want);
    if (rc != 0 || size != c->want->checkpoint || len != want_len || memcmp(note, want, len) != 0)
        return found_wrong(c->finding, "checkpoints", "of %" PRIu64 " records, it was put for %" PRIu64 ": %s", size,
                           c->want->checkpoint, strerror(-rc));
    return true;
}

static bool
check_ids(struct check *c)
{
    uint8_t id[16];

    for (uint64_t number = 1; number <= c->want->head + 8; number++) {
        uint64_t seq = 0;
        int rc;

        id_draw(c->script, number, id);
        rc = store_id_find(c->st, id, &seq);
        if (number <= c->want->head ? rc != 0 || seq != number : rc != -ENOENT)
            return found_wrong(c->finding, "ids", "id of record %" PRIu64 ": %s, record %" PRIu64, number,
                               strerror(-rc), seq);
        id_draw(c->script, GHOST + number, id);
        if (store_id_find(c->st, id, &seq) != -ENOENT)
            return found_wrong(c->finding, "ids", "id of a record that was rolled back leads to %" PRIu64, seq);
    }
    return true;
}

struct cursors_seen {
    uint64_t seq[SCRIPT_CURSORS];
    bool strange;
};

static int
cursor_take(void *arg, const char *unit, const char *name, const struct store_cursor *cursor)
{
    struct cursors_seen *seen = arg;
    unsigned i = (unsigned)(name[0] == 'c' ? name[1] - '0' : -1);

    if (strcmp(unit, "unit") != 0 || i >= SCRIPT_CURSORS || cursor->acked_ms != cursor->seq + 5 ||
        cursor->filter_len != 0)
        seen->strange = true;
    else
        seen->seq[i] = cursor->seq;
    return 0;
}

static bool
check_cursors(struct check *c)
{
    struct cursors_seen seen = {0};
    int rc = store_cursor_each(c->st, NULL, cursor_take, &seen);

    if (rc != 0 || seen.strange)
        return found_wrong(c->finding, "cursors", "a cursor cannot be read: %s", strerror(-rc));
    for (unsigned i = 0; i < SCRIPT_CURSORS; i++)
        if (seen.seq[i] != c->want->cursors[i] || seen.seq[i] > store_head(c->st))
            return found_wrong(c->finding, "cursors", "cursor %u stands at %" PRIu64 ", it was put to %" PRIu64, i,
                               seen.seq[i], c->want->cursors[i]);
    return true;
}

struct values_seen {
    const struct script *script;
    size_t len[SCRIPT_VALUES];
    bool strange;
};

static int
value_take(void *arg, const char *name, const uint8_t *value, size_t len)
{
    struct values_seen *seen = arg;
    unsigned i = (unsigned)(name[1] - '0');
    uint8_t want[4096];

    if (i >= SCRIPT_VALUES || len > sizeof want) {
        seen->strange = true;
        return 0;
    }
    value_draw(seen->script, i, len, want);
    seen->strange |= memcmp(want, value, len) != 0;
    seen->len[i] = len;
    return 0;
}

static bool
check_values(struct check *c)
{
    struct values_seen seen = {.script = c->script};
    int rc = store_value_each(c->st, "v", value_take, &seen);

    if (rc != 0 || seen.strange)
        return found_wrong(c->finding, "values", "a value has other bytes: %s", strerror(-rc));
    for (unsigned i = 0; i < SCRIPT_VALUES; i++)
        if (seen.len[i] != c->want->values[i])
            return found_wrong(c->finding, "values", "value %u has %zu bytes, it was put with %zu", i, seen.len[i],
                               c->want->values[i]);
    return true;
}

static bool
check_found(struct check *c)
{
    static uint64_t seqs[SCRIPT_RECORDS_MAX];

    for (uint32_t entry = 0; entry <= c->want->entries; entry++) {
        size_t count = 0, at = 0;
        int rc = store_find(c->st, entry, 1, seqs, SCRIPT_RECORDS_MAX, &count);

        if (rc != 0)
            return found_wrong(c->finding, "found", "dossier %" PRIu32 ": %s", entry, strerror(-rc));
        for (uint64_t seq = 1; seq <= c->want->head; seq++)
            if (c->script->entry_of[seq] == entry && (at == count || seqs[at++] != seq))
                return found_wrong(c->finding, "found", "dossier %" PRIu32 ": record %" PRIu64 " is missing", entry,
                                   seq);
        if (at != count)
            return found_wrong(c->finding, "found", "dossier %" PRIu32 ": %zu too many", entry, count - at);
    }
    return true;
}

/* The log was not there yet: making it again must work, or be refused before anything was touched. */
static bool
check_left_over(const struct place *place, struct finding *ret)
{
    int rc = script_create(place);

    if (rc == -EEXIST && unlink(place->key_file) == 0) {
        script_left_over++;
        rc = script_create(place);
    }
    return rc == 0 || found_wrong(ret, "left over", "the log cannot be made again: %s", strerror(-rc));
}

bool
script_check(const struct script *script, const struct place *place, const struct bounds *bounds, unsigned more,
             uint64_t *ret_step, struct finding *ret)
{
    static uint8_t hashes[SCRIPT_RECORDS_MAX][LEAF_HASH_SIZE];
    struct check c = {.script = script, .finding = ret, .hashes = hashes};
    uint64_t last;
    bool good;
    int rc;

    ret->checker = NULL;
    rc = store_open(&c.st, &place->options);
    if (rc == -ENOENT && !bounds->created) {
        if (!check_left_over(place, ret))
            return false;
        rc = store_open(&c.st, &place->options);
    }
    if (rc != 0)
        return found_wrong(ret, "opens", "%s %s", strerror(-rc), store_open_damage());

    good = check_step(&c, bounds);
    if (good) {
        disk_mark(MARK_CREATED, 0); /* who opened it may have served it */
        disk_mark(MARK_ACKED, c.step);
        disk_mark(MARK_BEGUN, c.step);
        *ret_step = c.step;
    }
    good = good && check_records(&c) && check_tree(&c) && check_checkpoint(&c) && check_ids(&c) && check_cursors(&c) &&
           check_values(&c) && check_found(&c) && script_doc_check(script, c.st, c.step, ret);
    last = good && c.step + more < SCRIPT_STEPS_MAX ? c.step + more : SCRIPT_STEPS_MAX;
    while (good && more > 0 && last < SCRIPT_STEPS_MAX && script->after[last].head == c.want->head)
        last++; /* one more record at least */
    if (good) {
        rc = steps_run(script, place, &c.st, c.step + 1, last);
        if (rc != 0 || store_head(c.st) != script->after[last].head)
            good = found_wrong(ret, "goes on", "after step %" PRIu64 ": %s %s", c.step, strerror(-rc),
                               c.st != NULL ? store_damage(c.st) : store_open_damage());
    }
    store_close(&c.st);
    return good;
}
