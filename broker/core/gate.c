/* "Now" is the time of the newest record: the core reads no clock, and a replay must give what a read of that moment
 * gave. */
#include "broker/core/gate.h"

#include "broker/core/facts.h"
#include "broker/core/rules.h"
#include "proto/date.h"

#include <string.h>

bool
gate_recalled(const struct dossier *dossier, uint64_t seq)
{
    for (uint32_t i = 0; i < dossier->act_count; i++) {
        const struct act *act = &dossier->acts[i];

        /* The fact that says so: what a record said before it was amended is recalled as well. */
        if (act->input == IN_NONE && act->code == ACT_CODE_RECALL && act_seq(act) == seq)
            return true;
    }
    return false;
}

bool
gate_closed(const struct core_record *record, const struct dossier *dossier)
{
    const Wici__V1__BrokerNote *note = record->note;

    if (dossier == NULL || (dossier->flags & DOSSIER_RECALLS) == 0 || facts_is_recall(record->event))
        return false;
    /* What amended it says the same thing. */
    return gate_recalled(dossier, note != NULL && note->corrects_seq != 0 ? note->corrects_seq : record->seq);
}

static const Wici__V1__Ground *
ground_of(const struct event *event, size_t section)
{
    const ProtobufCMessage *body = event->sections[section].body;
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(body->descriptor, "ground");
    const Wici__V1__Ground *const *at;

    if (field == NULL || field->descriptor != &wici__v1__ground__descriptor ||
        field->label == PROTOBUF_C_LABEL_REPEATED)
        return NULL;
    at = (const void *)((const char *)body + field->offset);
    return *at;
}

/* The ground that the section names; "": none. */
static const char *
basis_of(const struct event *event, size_t section)
{
    const Wici__V1__Ground *ground = event->sections[section].cls == 6 && facts_section_known(event, section)
                                         ? ground_of(event, section)
                                         : NULL;

    return ground == NULL ? "" : ground->basis;
}

bool
gate_names_consent(const struct event *event, size_t section)
{
    return facts_same(basis_of(event, section), "CONSENT");
}

bool
gate_names_ground(const struct event *event)
{
    bool named = event->header->consent_ref[0] != '\0';

    for (size_t i = 0; i < event->section_count && !named; i++)
        named = basis_of(event, i)[0] != '\0';
    return named;
}

/* What of the event would go with the consent that its header names. */
static enum gate_stop
rests_on_consent(const struct event *event, uint8_t ret_consent[16])
{
    bool named = false, others = false;

    if (event->header->consent_ref[0] == '\0' || uuid_parse(event->header->consent_ref, ret_consent) != 0)
        return STOPS_NOTHING;
    for (size_t i = 0; i < event->section_count; i++) {
        const char *basis = basis_of(event, i);

        /* A statute, a court or a vital interest is never gated by a consent. */
        others = others || (basis[0] != '\0' && !facts_same(basis, "CONSENT"));
        named = named || facts_same(basis, "CONSENT");
    }
    return !others ? STOPS_ALL : named ? STOPS_NAMED : STOPS_NOTHING;
}

/* It was entered, and its dossier is there. */
static bool
is_entered(const struct dossiers *ds, uint32_t thing)
{
    return thing != THING_NONE && ds->things.at[thing].state != CONSENT_NONE &&
           ds->at[ds->things.at[thing].dossier].entry != 0;
}

/* What the record itself was found to rest on when it came; THING_NONE: nothing that is still there. */
static uint32_t
found_then(const struct dossiers *ds, const struct core_record *record, const struct dossier *dossier,
           const uint8_t ref[16])
{
    for (uint32_t i = 0; i < dossier->act_count; i++) {
        const struct act *act = &dossier->acts[i];

        if (act->input == IN_NONE && act->code == ACT_CODE_GATED && act_seq(act) == record->seq)
            return ds->things.at[act->thing].dossier != (uint32_t)(dossier - ds->at) &&
                           memcmp(ds->things.at[act->thing].ref, ref, 16) == 0
                       ? act->thing
                       : THING_NONE;
    }
    return THING_NONE;
}

bool
gate_is_elsewhere(const struct core *core, const struct event *event, uint32_t dossier)
{
    const struct dossiers *ds = &core->dossiers;
    uint8_t ref[16];
    uint32_t thing;

    if (dossier == DOSSIER_NONE || event->header->consent_ref[0] == '\0' ||
        uuid_parse(event->header->consent_ref, ref) != 0)
        return false;
    thing = rules_thing(ds, dossier, MACHINE_CONSENT, ref);
    return is_entered(ds, thing) && ds->things.at[thing].dossier != dossier;
}

static bool
holds(const struct core *core, const struct thing *consent)
{
    if (consent->state == CONSENT_IS_WITHDRAWN || consent->state == CONSENT_IS_REFUSED)
        return false;
    return consent->state != CONSENT_ACTIVE || consent->until == DATE_NONE ||
           consent->until >= date_of_moment(core->latest_ms);
}

enum gate_stop
gate_stopped(const struct core *core, const struct core_record *record, const struct dossier *dossier)
{
    const struct dossiers *ds = &core->dossiers;
    enum gate_stop rests;
    uint8_t ref[16];
    uint32_t thing;

    rests = dossier == NULL ? STOPS_NOTHING : rests_on_consent(record->event, ref);
    if (rests == STOPS_NOTHING)
        return STOPS_NOTHING;
    thing = rules_thing(ds, (uint32_t)(dossier - ds->at), MACHINE_CONSENT, ref);
    if (!is_entered(ds, thing)) {
        thing = found_then(ds, record, dossier, ref);
        if (thing == THING_NONE) /* else not entered here: the author vouches for it */
            return record->note != NULL && record->note->consent_elsewhere ? rests : STOPS_NOTHING;
    }
    return holds(core, &ds->things.at[thing]) ? STOPS_NOTHING : rests;
}
