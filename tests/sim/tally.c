/*
 * tally - see tally.h
 */
#include "tests/sim/tally.h"

#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tally *
tally_create(void)
{
    return must(calloc(1, sizeof(struct tally)));
}

void
tally_sub_end(struct tally_sub *sub)
{
    free(sub->credits);
    memset(sub, 0, sizeof *sub);
}

void
tally_reset(struct tally *tally)
{
    for (size_t i = 0; i < TALLY_SUBS_MAX; i++)
        tally_sub_end(&tally->subs[i]);
    while (tally->publishes != NULL) {
        struct tally_publish *publish = tally->publishes;

        tally->publishes = publish->next;
        free(publish->saids);
        free(publish->owed);
        free(publish);
    }
    while (tally->documents != NULL)
        tally_document_end(tally, tally->documents);
    memset(tally, 0, sizeof *tally);
}

void
tally_destroy(struct tally **tally)
{
    if (*tally == NULL)
        return;
    tally_reset(*tally);
    free(*tally);
    *tally = NULL;
}

struct tally_sub *
tally_sub_find(struct tally *tally, uint32_t number)
{
    for (size_t i = 0; i < TALLY_SUBS_MAX; i++)
        if (tally->subs[i].number == number && number != 0)
            return &tally->subs[i];
    return NULL;
}

struct tally_sub *
tally_sub_add(struct tally *tally, uint32_t number)
{
    for (size_t i = 0; i < TALLY_SUBS_MAX; i++)
        if (tally->subs[i].number == 0) {
            tally->subs[i].number = number;
            return &tally->subs[i];
        }
    return NULL;
}

void
tally_credit_add(struct tally_sub *sub, uint64_t seq, size_t bytes)
{
    if (sub->credit_count == sub->credit_size) {
        sub->credit_size = sub->credit_size == 0 ? 16 : 2 * sub->credit_size;
        sub->credits = must(realloc(sub->credits, sub->credit_size * sizeof *sub->credits));
    }
    sub->credits[sub->credit_count++] = (struct tally_credit){.seq = seq, .bytes = bytes};
    sub->outstanding += bytes;
}

void
tally_credit_ack(struct tally_sub *sub, uint64_t seq)
{
    size_t done = 0;

    while (done < sub->credit_count && sub->credits[done].seq <= seq)
        sub->outstanding -= sub->credits[done++].bytes;
    sub->credit_count -= done;
    if (sub->credit_count > 0)
        memmove(sub->credits, sub->credits + done, sub->credit_count * sizeof *sub->credits);
}

struct tally_read *
tally_read_find(struct tally *tally, uint32_t request)
{
    for (size_t i = 0; i < TALLY_READS_MAX; i++)
        if (tally->reads[i].used && tally->reads[i].request == request)
            return &tally->reads[i];
    return NULL;
}

struct tally_document *
tally_document_add(struct tally *tally, uint32_t request)
{
    struct tally_document *document = must(calloc(1, sizeof *document));

    document->request = request;
    document->next = tally->documents;
    tally->documents = document;
    return document;
}

struct tally_document *
tally_document_find(struct tally *tally, uint32_t request)
{
    struct tally_document *document = tally->documents;

    while (document != NULL && document->request != request)
        document = document->next;
    return document;
}

void
tally_document_end(struct tally *tally, struct tally_document *document)
{
    struct tally_document **at = &tally->documents;

    while (*at != document)
        at = &(*at)->next;
    *at = document->next;
    free(document);
}

void
tally_filter_take(struct tally_filter *ret, char *const *dossiers, size_t dossier_count, char *const *families,
                  size_t family_count)
{
    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; i < dossier_count && i < TALLY_NAMES_MAX; i++)
        (void)uuid_parse(dossiers[i], ret->dossiers[ret->dossier_count++]);
    for (size_t i = 0; i < family_count && i < TALLY_NAMES_MAX; i++)
        (void)snprintf(ret->families[ret->family_count++], sizeof ret->families[0], "%s", families[i]);
}

bool
tally_filter_passes(const struct tally_filter *filter, const struct event *event)
{
    bool family = filter->family_count == 0, dossier = filter->dossier_count == 0;

    for (size_t i = 0; i < filter->family_count; i++) {
        size_t len = strlen(filter->families[i]);

        family = family || (strncmp(event->type->name, filter->families[i], len) == 0 && event->type->name[len] == '.');
    }
    for (size_t i = 0; i < filter->dossier_count && event->has_dossier; i++)
        dossier = dossier || memcmp(filter->dossiers[i], event->dossier_id, 16) == 0;
    return family && dossier;
}
