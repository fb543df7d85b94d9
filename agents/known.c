/*
 * known - see known.h
 */
#include "agents/known.h"

#include "proto/endorse.h"
#include "proto/strict.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHECKPOINT_FILE "checkpoint"
#define KEYS_FILE       "log.keys"
#define NOTE_FILE_MAX   NOTE_SIZE_MAX

/* ---- what is caught */

int
known_caught(struct known *k, const char *what, uint64_t seq, const char *note, size_t note_len)
{
    json_t *json = json_pack("{s:s, s:I, s:I}", "what", what, "record", (json_int_t)seq, "at", (json_int_t)time(NULL));
    char *text = json == NULL ? NULL : json_dumps(json, JSON_INDENT(2));
    int rc = 0;

    agent_log(AGENT_ERROR, "the broker's log does not hold: %s (record %" PRIu64 ")", what, seq);
    agent_log(AGENT_ERROR,
              "stopped; call the administrator (state/alarm.json says what; remove it when that is settled)");
    if (text == NULL)
        rc = -ENOMEM;
    if (rc == 0 && note != NULL)
        rc = agent_write(k->dirs->state, "alarm.note", note, note_len);
    if (rc == 0)
        rc = agent_write(k->dirs->state, KNOWN_ALARM_FILE, text, strlen(text));
    free(text);
    json_decref(json);
    return rc == 0 ? -ENOTRECOVERABLE : rc;
}

/* ---- keys */

/* Takes the verifier keys of a text, one a word. -EBADMSG */
static int
keys_parse(const char *text, struct note_key *ret, size_t *ret_count)
{
    *ret_count = 0;
    while (*(text += strspn(text, " \t\r\n")) != '\0') {
        size_t len = strcspn(text, " \t\r\n");

        if (*ret_count == NOTE_KEYS_MAX || note_key_parse(text, len, &ret[*ret_count]) != 0)
            return -EBADMSG;
        ++*ret_count;
        text += len;
    }
    return 0;
}

static int
keys_load(struct known *k)
{
    char *text = NULL;
    int rc = 0;

    if (k->config->log_key[0] != '\0') {
        k->keys_fixed = true;
        return keys_parse(k->config->log_key, k->keys, &k->key_count);
    }
    if (agent_read(k->dirs->state, KEYS_FILE, NOTE_KEYS_MAX * NOTE_KEY_TEXT_SIZE, &text, NULL) == 0)
        rc = keys_parse(text, k->keys, &k->key_count);
    free(text);
    return rc;
}

static int
keys_write(struct known *k)
{
    char text[NOTE_KEYS_MAX * (NOTE_KEY_TEXT_SIZE + 1)];
    size_t len = 0;

    for (size_t i = 0; i < k->key_count; i++) {
        note_key_format(&k->keys[i], text + len);
        len += strlen(text + len);
        text[len++] = '\n';
    }
    return agent_write(k->dirs->state, KEYS_FILE, text, len);
}

int
known_ask(struct known *k, json_t *request, const char *result, json_t **ret)
{
    char *asked = request == NULL ? NULL : json_dumps(request, JSON_COMPACT), *answer = NULL;
    json_t *all;
    int rc = asked == NULL ? -ENOMEM : k->link->query(k->link->arg, asked, &answer);

    free(asked);
    json_decref(request);
    if (rc != 0)
        return rc == -ENOMEM ? rc : -EAGAIN;
    all = json_loads(answer, 0, NULL);
    free(answer);
    *ret = json_incref(json_object_get(all, result));
    json_decref(all);
    return *ret == NULL ? -EAGAIN : 0;
}

/* The keys that the log has announced, in that order. */
struct announced {
    struct note_key keys[NOTE_KEYS_MAX];
    char endorsed[NOTE_KEYS_MAX][ENDORSE_SIZE_MAX]; /* "": no key vouches for it */
    size_t count;
};

static int
keys_ask(struct known *k, struct announced *ret)
{
    json_t *checkpoint = NULL, *key;
    size_t i;
    int rc = known_ask(k, json_pack("{s:{}}", "checkpoint"), "checkpoint", &checkpoint);

    if (rc != 0)
        return rc;
    ret->count = 0;
    json_array_foreach(json_object_get(checkpoint, "keys"), i, key)
    {
        const char *vkey = json_string_value(json_object_get(key, "vkey"));
        const char *endorsed = json_string_value(json_object_get(key, "endorsed"));

        if (vkey == NULL || ret->count == NOTE_KEYS_MAX ||
            note_key_parse(vkey, strlen(vkey), &ret->keys[ret->count]) != 0)
            continue;
        if (endorsed == NULL || strlen(endorsed) >= ENDORSE_SIZE_MAX)
            endorsed = "";
        memcpy(ret->endorsed[ret->count++], endorsed, strlen(endorsed) + 1);
    }
    json_decref(checkpoint);
    return ret->count == 0 ? -EAGAIN : 0;
}

static bool
key_is_trusted(const struct known *k, const struct note_key *key)
{
    for (size_t i = 0; i < k->key_count; i++)
        if (strcmp(k->keys[i].name, key->name) == 0 &&
            memcmp(k->keys[i].public_key, key->public_key, sizeof key->public_key) == 0)
            return true;
    return false;
}

/* Takes those that a trusted one vouches for. */
static void
keys_follow(struct known *k, const struct announced *announced)
{
    char text[NOTE_KEY_TEXT_SIZE];

    for (size_t i = 0; i < announced->count && k->key_count < NOTE_KEYS_MAX; i++) {
        const struct note_key *key = &announced->keys[i];

        if (key_is_trusted(k, key) || endorse_check(announced->endorsed[i], key, k->keys, k->key_count) != 0)
            continue;
        k->keys[k->key_count++] = *key;
        note_key_format(key, text);
        agent_log(AGENT_WARN, "the log has a new key, and one that log_key names vouches for it: add it to log_key: %s",
                  text);
    }
}

/* Takes them over and says which. */
static int
keys_take(struct known *k, const struct note_key *keys, size_t count)
{
    bool first = k->key_count == 0;
    char text[NOTE_KEY_TEXT_SIZE];

    memcpy(k->keys, keys, count * sizeof *keys);
    k->key_count = count;
    note_key_format(&keys[count - 1], text);
    if (first)
        agent_log(AGENT_INFO, "the log is signed by %s: compare it with what the administrator gave you", text);
    else
        agent_log(AGENT_WARN, "the log is signed by a new key now, %s: compare it with what the administrator says",
                  text);
    return keys_write(k);
}

/* ---- the checkpoint that we know */

unsigned long
known_epoch_of(const char *origin, size_t *ret_len)
{
    const char *at = strrchr(origin, '-');
    char *end;
    unsigned long epoch = at != NULL && at[1] == 'e' && at[2] >= '1' && at[2] <= '9' ? strtoul(at + 2, &end, 10) : 0;

    if (epoch == 0 || *end != '\0') {
        *ret_len = strlen(origin);
        return 1;
    }
    *ret_len = (size_t)(at - origin);
    return epoch;
}

static int
checkpoint_load(struct known *k)
{
    char *text = NULL;
    struct note note;
    size_t len;
    int rc = agent_read(k->dirs->state, CHECKPOINT_FILE, NOTE_FILE_MAX, &text, &len);

    if (rc == 0)
        rc = note_parse(text, len, &note);
    if (rc == 0)
        rc = note_checkpoint_parse(note.text, note.text_len, &k->checkpoint);
    free(text);
    k->has_checkpoint = rc == 0;
    return rc == -ENOENT ? 0 : rc;
}

static int
checkpoint_keep(struct known *k, const struct note_checkpoint *checkpoint, const char *note, size_t len)
{
    k->checkpoint = *checkpoint;
    k->has_checkpoint = true;
    return agent_write(k->dirs->state, CHECKPOINT_FILE, note, len);
}

int
known_hashes_take(const json_t *hashes, struct merkle_proof *ret)
{
    const json_t *hash;
    size_t i;

    *ret = (struct merkle_proof){.count = 0};
    json_array_foreach(hashes, i, hash)
    {
        const char *base64 = json_string_value(hash);
        uint8_t bytes[MERKLE_HASH_SIZE];
        size_t len;

        if (base64 == NULL || strict_base64_decode(base64, strlen(base64), bytes, sizeof bytes, &len) != 0 ||
            merkle_proof_add(ret, bytes, len) != 0)
            return -EBADMSG;
    }
    return 0;
}

/* Does this checkpoint contain what we know? 0, -EBADMSG: no; -EAGAIN: there is no answer now. */
static int
is_in(struct known *k, const struct note_checkpoint *checkpoint)
{
    const struct note_checkpoint *known = &k->checkpoint;
    struct merkle_proof proof;
    json_t *answer = NULL;
    int rc;

    if (!k->has_checkpoint || known->size == 0)
        return 0;
    if (checkpoint->size < known->size)
        return -EBADMSG;
    if (checkpoint->size == known->size)
        return memcmp(checkpoint->root, known->root, sizeof known->root) == 0 ? 0 : -EBADMSG;
    rc = known_ask(k,
                   json_pack("{s:{s:I,s:I}}", "consistency", "oldSize", (json_int_t)known->size, "newSize",
                             (json_int_t)checkpoint->size),
                   "consistency", &answer);
    if (rc != 0)
        return rc;
    rc = known_hashes_take(json_object_get(answer, "hashes"), &proof);
    if (rc == 0)
        rc = merkle_consistency_check(known->size, checkpoint->size, known->root, checkpoint->root, &proof);
    json_decref(answer);
    return rc;
}

/* An older copy took the log's place, by the administrator's command, and does not hold all that we know. */
static int
epoch_follow(struct known *k, const struct note_checkpoint *checkpoint)
{
    char name[64], *old = NULL;
    size_t len, old_len;
    int rc = agent_read(k->dirs->state, CHECKPOINT_FILE, NOTE_FILE_MAX, &old, &len);

    agent_log(AGENT_WARN,
              "the log goes on as %s from an older copy: records of %s up to %" PRIu64
              " may be missing; the proof that they were there is kept",
              checkpoint->origin, k->checkpoint.origin, k->checkpoint.size);
    (void)snprintf(name, sizeof name, CHECKPOINT_FILE ".e%lu", known_epoch_of(k->checkpoint.origin, &old_len));
    if (rc == 0)
        rc = agent_write(k->dirs->state, name, old, len);
    free(old);
    return rc == -ENOENT ? 0 : rc;
}

/* The checkpoint says another name than the one we know. 0: it is to be followed. */
static int
epoch_check(struct known *k, const struct note_checkpoint *checkpoint, const char *note, size_t len)
{
    size_t known_len, len_now;
    unsigned long known = known_epoch_of(k->checkpoint.origin, &known_len),
                  now = known_epoch_of(checkpoint->origin, &len_now);
    int rc;

    if (known_len != len_now || memcmp(k->checkpoint.origin, checkpoint->origin, len_now) != 0)
        return known_caught(k, "another log", checkpoint->size, note, len);
    if (now <= known)
        return known_caught(k, "rollback", checkpoint->size, note, len);
    rc = is_in(k, checkpoint);
    return rc == -EBADMSG ? epoch_follow(k, checkpoint) : rc;
}

/*
 * A key that we do not know signed it: what the broker says of its keys is asked. ret->count 0: nothing is to be taken
 * over. -ENOKEY: nothing makes it a key of this log.
 */
static int
note_open_announced(struct known *k, const char *note, size_t len, struct note_checkpoint *ret,
                    struct announced *announced)
{
    uint32_t by;
    int rc = keys_ask(k, announced);

    if (rc != 0)
        return rc;
    if (!k->keys_fixed)
        return note_checkpoint_open(note, len, announced->keys, announced->count, ret, &by);
    keys_follow(k, announced);
    announced->count = 0;
    return note_checkpoint_open(note, len, k->keys, k->key_count, ret, &by);
}

/* It is signed: what we know must be in it. Then it is what we know. */
static int
note_compare(struct known *k, const char *note, size_t len, const struct note_checkpoint *checkpoint,
             const struct announced *announced)
{
    bool same_name = !k->has_checkpoint || strcmp(checkpoint->origin, k->checkpoint.origin) == 0;
    int rc;

    if (!same_name)
        rc = epoch_check(k, checkpoint, note, len);
    else if ((rc = is_in(k, checkpoint)) == -EBADMSG)
        return known_caught(k, checkpoint->size < k->checkpoint.size ? "rollback" : "fork", checkpoint->size, note,
                            len);
    if (rc == 0 && announced->count > 0)
        rc = keys_take(k, announced->keys, announced->count);
    if (rc == 0 && (!k->has_checkpoint || checkpoint->size != k->checkpoint.size || !same_name))
        rc = checkpoint_keep(k, checkpoint, note, len);
    return rc;
}

int
known_take(struct known *k, const char *note, size_t len, struct note_checkpoint *ret)
{
    struct announced *announced = calloc(1, sizeof *announced);
    uint32_t by;
    int rc = announced == NULL   ? -ENOMEM
             : k->key_count == 0 ? -ENOKEY
                                 : note_checkpoint_open(note, len, k->keys, k->key_count, ret, &by);

    if (rc == -ENOKEY)
        rc = note_open_announced(k, note, len, ret, announced);
    if (rc == -ENOKEY && k->keys_fixed)
        rc = known_caught(k, "key", 0, note, len);
    else if (rc == 0)
        rc = note_compare(k, note, len, ret, announced);
    else if (rc != -EAGAIN && rc != -ENOMEM)
        rc = known_caught(k, "signature", 0, note, len);
    free(announced);
    return rc;
}

/* ---- opening */

int
known_open(struct known *k, const struct agent_dirs *dirs, const struct agent_link *link,
           const struct agent_config *config)
{
    int rc;

    *k = (struct known){.dirs = dirs, .link = link, .config = config};
    if (agent_exists(dirs->state, KNOWN_ALARM_FILE)) {
        agent_log(AGENT_ERROR, "the broker was caught earlier: state/alarm.json says with what. Remove it when that is "
                               "settled with the administrator");
        return -ENOTRECOVERABLE;
    }
    rc = keys_load(k);
    if (rc == -EBADMSG)
        agent_log(AGENT_ERROR, "log_key, or state/log.keys: not a verifier key");
    if (rc == 0 && (rc = checkpoint_load(k)) == -EBADMSG)
        agent_log(AGENT_ERROR,
                  "state/checkpoint is damaged: it cannot be seen any more whether the log holds what it held. "
                  "Put it back, or remove it when the administrator says that the log is whole");
    return rc;
}
