/*
 * town - the institutions of a run: agencies, units with their roles and keys
 *
 * What is written here is the plan; who is enrolled, suspended or has which key follows from the log alone.
 */
#ifndef SIM_TOWN_H
#define SIM_TOWN_H

#include "broker/front.h"
#include "proto/event.h"

#include <stdbool.h>
#include <stddef.h>

struct town_unit {
    const char *id, *agency, *roles; /* roles: "SW INT" */
    bool late;                       /* enrolled while the run goes on */
    char key[FRONT_KEY_SIZE];        /* the newest, and the one before: a command to change keys may be refused */
    char old_key[FRONT_KEY_SIZE];
};

struct town_agency {
    const char *id, *kind;
    bool late;
};

size_t town_unit_count(void);
struct town_unit *town_unit(size_t index); /* 0: the administrator */
size_t town_agency_count(void);
const struct town_agency *town_agency(size_t index); /* 0: the operator's, which init enrols */

/* Draws keys for all but the administrator, whose key init made. */
void town_start(const char *admin_key);
void town_key(char ret[FRONT_KEY_SIZE]);
/* The index-th role of the unit; drawn. */
unsigned town_role(const struct town_unit *unit);

#endif
