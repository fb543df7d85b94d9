/*
 * receipt_file - see receipt_file.h
 */
#include "agents/receipt_file.h"

#include "agents/known.h"
#include "proto/tlogproof.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LATER       ".receipt-e"
#define EPOCHS_BACK 1000u /* as far back proofs are looked for: nobody restores a log more often */

int
receipt_open(const char *text, struct receipt_proof *ret)
{
    size_t size = strlen(text), len;
    struct receipt_proof found = {.epoch = 0};
    uint8_t *extra = malloc(size + 1);
    struct note_checkpoint checkpoint;
    struct tlogproof proof;
    struct note note;
    int rc = extra == NULL ? -ENOMEM : tlogproof_parse(text, size, extra, size, &proof);

    if (rc == 0)
        rc = note_parse(proof.checkpoint, proof.checkpoint_len, &note);
    if (rc == 0)
        rc = note_checkpoint_parse(note.text, note.text_len, &checkpoint);
    if (rc == 0)
        rc = disclosure_open(proof.extra, proof.extra_len, &found.leaf, &found.delivery);
    free(extra);
    if (rc != 0)
        return rc == -ENOMEM ? rc : -EBADMSG;
    found.epoch = known_epoch_of(checkpoint.origin, &len);
    *ret = found;
    return 0;
}

int
receipt_open_file(int dir, const char *name, struct receipt_proof *ret)
{
    char *text = NULL;
    int rc = agent_read(dir, name, TLOGPROOF_SIZE_MAX, &text, NULL);

    if (rc == 0)
        rc = receipt_open(text, ret);
    else if (rc == -EFBIG || rc == -EINVAL)
        rc = -EBADMSG;
    free(text);
    return rc;
}

void
receipt_free(struct receipt_proof *proof)
{
    if (proof->delivery != NULL)
        wici__v1__delivery__free_unpacked(proof->delivery, NULL);
    proof->delivery = NULL;
}

void
receipt_name(const char *stem, size_t stem_len, uint64_t epoch, char ret[RECEIPT_FILE_SIZE])
{
    if (epoch <= 1)
        (void)snprintf(ret, RECEIPT_FILE_SIZE, "%.*s.receipt", (int)stem_len, stem);
    else
        (void)snprintf(ret, RECEIPT_FILE_SIZE, "%.*s" LATER "%llu", (int)stem_len, stem, (unsigned long long)epoch);
}

uint64_t
receipt_name_epoch(const char *name, size_t *ret_stem_len)
{
    size_t head = strlen(name), end = head;

    while (head > 0 && name[head - 1] >= '0' && name[head - 1] <= '9')
        head--;
    if (end == head || end - head > 18 || name[head] == '0' || head < sizeof LATER || name[0] == '.' ||
        strncmp(name + head - (sizeof LATER - 1), LATER, sizeof LATER - 1) != 0)
        return 0;
    *ret_stem_len = head - (sizeof LATER - 1);
    return strtoull(name + head, NULL, 10);
}

uint64_t
receipt_epoch_before(int dir, const char *stem, size_t stem_len, uint64_t epoch)
{
    uint64_t least = epoch > EPOCHS_BACK + 2 ? epoch - EPOCHS_BACK : 2;
    char name[RECEIPT_FILE_SIZE];

    while (epoch-- > least) {
        receipt_name(stem, stem_len, epoch, name);
        if (agent_exists(dir, name))
            return epoch;
    }
    return 0;
}

bool
receipt_may_be_of(int dir, const char *file, const char *event_id)
{
    char name[RECEIPT_FILE_SIZE];
    json_t *answer;
    const char *id;
    bool may;

    (void)snprintf(name, sizeof name, "%.*s.receipt.json", (int)(strlen(file) - strlen(".json")), file);
    answer = agent_read_json(dir, name, TLOGPROOF_EXTRA_MAX);
    id = json_string_value(json_object_get(answer, "eventId"));
    may = id == NULL || strcmp(id, event_id) == 0;
    json_decref(answer);
    return may;
}
