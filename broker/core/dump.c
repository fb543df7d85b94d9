/* The state as bytes: what it says, in an order that only the records decide; not how its tables happen to lie. */
#include "broker/core/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct dump {
    uint8_t *bytes;
    size_t len, cap;
    int rc;
};

static void
put(struct dump *dump, const void *data, size_t len)
{
    if (dump->rc != 0)
        return;
    if (dump->cap - dump->len < len) {
        size_t cap = (dump->cap + len) * 2;
        uint8_t *grown = realloc(dump->bytes, cap);

        if (grown == NULL) {
            dump->rc = -ENOMEM;
            return;
        }
        dump->bytes = grown;
        dump->cap = cap;
    }
    if (len > 0)
        memcpy(dump->bytes + dump->len, data, len);
    dump->len += len;
}

static void
put_number(struct dump *dump, uint64_t number)
{
    put(dump, &number, sizeof number);
}

static void
put_text(struct dump *dump, const char *text)
{
    put(dump, text, strlen(text) + 1);
}

static void
put_message(struct dump *dump, const ProtobufCMessage *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = malloc(len > 0 ? len : 1);

    if (bytes == NULL) {
        dump->rc = -ENOMEM;
        return;
    }
    protobuf_c_message_pack(message, bytes);
    put_number(dump, len);
    put(dump, bytes, len);
    free(bytes);
}

/* Lists are sorted when they are asked for, which changes nothing that they say. */
static void
put_numbers(struct dump *dump, const struct numbers *numbers)
{
    struct numbers sorted = {0};
    int rc = 0;

    for (uint32_t i = 0; i < numbers->count && rc == 0; i++)
        rc = numbers_add(&sorted, numbers->at[i]);
    if (rc != 0)
        dump->rc = rc;
    numbers_sort(&sorted);
    put_number(dump, sorted.count);
    put(dump, sorted.at, sorted.count * sizeof *sorted.at);
    numbers_clear(&sorted);
}

static void
put_directory(struct dump *dump, const struct directory *directory)
{
    put_number(dump, directory->agency_count);
    for (uint32_t i = 0; i < directory->agency_count; i++) {
        const struct agency *agency = &directory->agencies[i];

        put_message(dump, agency->external != NULL ? &agency->external->base : &agency->enrolled->base);
        put_numbers(dump, &agency->units);
        put_numbers(dump, &agency->entries);
    }
    put_number(dump, directory->unit_count);
    for (uint32_t i = 0; i < directory->unit_count; i++) {
        put_message(dump, &directory->units[i].enrolled->base);
        put_number(dump, directory->units[i].roles);
        put_number(dump, directory->units[i].suspended);
        put_numbers(dump, &directory->units[i].entries);
        put_numbers(dump, &directory->units[i].told);
        for (size_t j = 0; j < KEYS_PER_UNIT_MAX; j++)
            put_number(dump, directory->units[i].keys[j]);
    }
    put_number(dump, directory->key_text.count);
    for (uint32_t i = 0; i < directory->key_text.count; i++) {
        put_text(dump, strings_at(&directory->key_text, i));
        put_number(dump, directory->keys[i].unit);
        put_number(dump, directory->keys[i].until_ms);
    }
    put_number(dump, directory->version);
}

static void
put_relation(struct dump *dump, const struct dossiers *dossiers, const struct relation *relation)
{
    put_number(dump, relation->kind);
    put_number(dump, relation->flags);
    put_number(dump, relation->left);
    put_number(dump, relation->who);
    put_number(dump, relation->from_seq);
    put_number(dump, relation->until_seq);
    put(dump, dossiers->extras[relation->extra].ref, 16);
    put_number(dump, dossiers->extras[relation->extra].until_ms);
    put_number(dump, dossiers->extras[relation->extra].opened_seq);
    put_number(dump, dossiers->extras[relation->extra].taken_back);
    put_number(dump, dossiers->about[relation->about]);
    for (uint32_t i = 0; i < dossiers->about[relation->about]; i++)
        put_text(dump, strings_at(&dossiers->persons, dossiers->about[relation->about + 1 + i]));
}

static void
put_thing(struct dump *dump, const struct dossiers *dossiers, const struct thing *thing)
{
    put(dump, thing->ref, sizeof thing->ref);
    put_number(dump, thing->machine);
    put_number(dump, thing->state);
    put_number(dump, thing->before);
    put_number(dump, thing->flags);
    put_number(dump, thing->number);
    put_number(dump, (uint32_t)thing->day);
    put_number(dump, (uint32_t)thing->until);
    put_text(dump, thing->who == STRINGS_NONE ? "" : strings_at(&dossiers->persons, thing->who));
    put_number(dump, dossiers->about[thing->scope]);
    for (uint32_t i = 0; i < dossiers->about[thing->scope]; i++)
        put_text(dump, strings_at(&dossiers->persons, dossiers->about[thing->scope + 1 + i]));
}

static void
put_procedure(struct dump *dump, const struct dossiers *dossiers, const struct dossier *dossier)
{
    put_number(dump, dossier->matter.referral);
    put_number(dump, dossier->matter.referral_before);
    put_number(dump, dossier->matter.kase);
    put_number(dump, dossier->matter.case_before);
    put_number(dump, dossier->matter.flags);
    put_number(dump, dossier->matter.monitor_until);
    put_number(dump, dossier->act_count);
    for (uint32_t i = 0; i < dossier->act_count; i++) {
        const struct act *act = &dossier->acts[i];

        put_number(dump, act_seq(act));
        put_number(dump, act->input);
        put_number(dump, act->flags);
        put_number(dump, act->code);
        put_number(dump, (uint32_t)act->day);
        put_number(dump, act->thing);
        put_number(dump, act->number);
    }
    put_number(dump, dossier->marks.count);
    put(dump, dossier->marks.at, dossier->marks.count * sizeof *dossier->marks.at);
    for (uint32_t i = dossier->things; i != THING_NONE; i = dossiers->things.at[i].next)
        put_thing(dump, dossiers, &dossiers->things.at[i]);
}

static void
put_dossier(struct dump *dump, const struct dossiers *dossiers, const struct dossier *dossier)
{
    put(dump, dossier->id, sizeof dossier->id);
    put_number(dump, dossier->kind);
    put_number(dump, dossier->flags);
    put_number(dump, dossier->entry);
    put_number(dump, dossier->opener);
    put_number(dump, dossier->opened_seq);
    put_number(dump, dossier->opened_ms);
    put_number(dump, dossier->group_next);
    put_number(dump, dossier->link_count);
    for (uint32_t i = 0; i < dossier->link_count; i++) {
        put_number(dump, dossier->links[i].other);
        put_number(dump, dossier->links[i].kind);
    }
    put_number(dump, dossier->relation_count);
    for (uint32_t i = 0; i < dossier->relation_count; i++)
        put_relation(dump, dossiers, &dossier->relations[i]);
    put_procedure(dump, dossiers, dossier);
}

static void
put_entry(struct dump *dump, const struct registers *registers, const struct register_entry *entry)
{
    put_number(dump, entry->kind);
    put_number(dump, entry->holds);
    put_number(dump, entry->agency);
    put_number(dump, (uint32_t)entry->from);
    put_number(dump, (uint32_t)entry->to);
    put_text(dump, strings_at(&registers->names, entry->name));
    put_text(dump, entry->gmina);
}

static void
put_registers(struct dump *dump, const struct registers *registers)
{
    put_number(dump, registers->count);
    for (uint32_t i = 0; i < registers->count; i++)
        put_entry(dump, registers, &registers->at[i]);
}

static void
put_agency_clocks(struct dump *dump, const struct agency_clocks *clocks)
{
    for (uint32_t i = 0; i < clocks->count; i++) {
        if (clocks->at[i].count == 0)
            continue; /* as if it had never had one */
        put_number(dump, i);
        put_number(dump, clocks->at[i].count);
        put(dump, clocks->at[i].at, clocks->at[i].count * sizeof *clocks->at[i].at);
    }
}

static void
put_told(struct dump *dump, const struct erased_told *told)
{
    put_number(dump, told->unit);
    put_number(dump, told->seq);
    put_number(dump, told->ts_ms);
    put_number(dump, told->records);
    put_number(dump, told->from_seq);
    put_number(dump, told->to_seq);
    put_number(dump, told->said_seq);
    put_number(dump, told->said_ms);
    put_text(dump, told->said_on);
    put_text(dump, told->law == NULL ? "" : told->law);
}

static void
put_erased(struct dump *dump, const struct erased *erased)
{
    put_number(dump, erased->count);
    for (uint32_t i = 0; i < erased->count; i++) {
        put_number(dump, erased->at[i].seq);
        put_number(dump, erased->at[i].ts_ms);
        put_number(dump, erased->at[i].done_seq);
        put_text(dump, erased->at[i].reason);
        put_numbers(dump, &erased->at[i].entries);
        for (uint32_t k = 0; k < erased->at[i].told_count; k++)
            put_told(dump, &erased->at[i].told[k]);
    }
    put_number(dump, erased->mark_count);
    for (uint32_t i = 0; i < erased->mark_count; i++) {
        put(dump, erased->marks[i].mark, ERASED_MARK_SIZE);
        put_number(dump, erased->marks[i].erasure);
    }
}

int
core_dump(const struct core *core, uint8_t **ret, size_t *ret_len)
{
    struct dump dump = {0};

    put_directory(&dump, &core->directory);
    put_number(&dump, core->policy_seq);
    put_text(&dump, core->policy_text != NULL ? core->policy_text : "");
    put_number(&dump, core->past.count);
    for (uint32_t i = 0; i < core->past.count; i++)
        put_number(&dump, core->past.until_seq[i]);
    put_number(&dump, core->latest_ms);
    put_registers(&dump, &core->registers);
    put_erased(&dump, &core->erased);
    put_agency_clocks(&dump, &core->agency_clocks);
    put_number(&dump, core->dossiers.count);
    for (uint32_t i = 0; i < core->dossiers.count; i++)
        put_dossier(&dump, &core->dossiers, &core->dossiers.at[i]);
    if (dump.rc != 0) {
        free(dump.bytes);
        return dump.rc;
    }
    *ret = dump.bytes;
    *ret_len = dump.len;
    return 0;
}
