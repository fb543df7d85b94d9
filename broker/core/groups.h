/*
 * groups - dossiers that are one case, or tied to others
 *
 * Merged dossiers are a group, a ring by group_next: they share the changes of their relations, and their acts are
 * folded as one. Other links only say that two belong together.
 *
 * Errors: 0 or -ENOMEM. Threads: one at a time.
 */
#ifndef CORE_GROUPS_H
#define CORE_GROUPS_H

#include "broker/core/relations.h"

/* for (EACH_OF_GROUP(dossiers, member, dossier)): the dossier and those merged with it, by index. */
#define EACH_OF_GROUP(ds, member, dossier)                                                                             \
    uint32_t member = (dossier), member##_first = (dossier), member##_more = 1;                                        \
    member##_more;                                                                                                     \
    member = (ds)->at[member].group_next, member##_more = member != member##_first

bool dossiers_same_group(const struct dossiers *dossiers, uint32_t a, uint32_t b);
uint32_t dossiers_group_size(const struct dossiers *dossiers, uint32_t dossier);
/* Sets DOSSIER_... flags in the whole group. */
void dossiers_flag(struct dossiers *dossiers, uint32_t dossier, uint8_t flags);
/* Merges the groups of two dossiers: each gets the other's open relations from from_seq on. */
int dossiers_merge(struct dossiers *dossiers, struct directory *directory, uint32_t a, uint32_t b, uint64_t from_seq);
/* Copies the open relations of one kind. */
int dossiers_copy(struct dossiers *dossiers, struct directory *directory, uint32_t from, uint32_t to,
                  enum relation_kind kind, uint64_t from_seq);
/* Both ways; once. */
int dossiers_link(struct dossiers *dossiers, uint32_t a, uint32_t b, enum link_kind kind);
/* Takes the link of record linked_seq back, at seq: merged dossiers part, and what they shared ends where it was not
 * their own (but for addressees: addressed_end), and gives nothing any more of the time before the link. Where nobody
 * holds them then, who held them last by themselves holds them again. -ENOMEM */
int dossiers_unlink(struct dossiers *dossiers, uint32_t a, uint32_t b, enum link_kind kind, uint64_t linked_seq,
                    uint64_t seq);

/*
 * Forgets a dossier: its id, relations, acts and things, and that others were linked with it. Its number is not given
 * again; nothing finds it, and what took effect in other dossiers stays until the state is made anew.
 */
void dossiers_forget(struct dossiers *dossiers, struct directory *directory, uint32_t dossier);

const char *link_name(enum link_kind kind);
/* LINK_KIND_COUNT: no such word. */
enum link_kind link_by_name(const char *name);

#endif
