/*
 * report_services - what became of the services of plans (IPUS), for report.h
 *
 * A service is a row of a plan; how it goes, its provider reports. Services are kept in a JSON object that serves as a
 * map, one for each plan and service: {"plan", "unit", "status", "day", "removed"}. unit: the provider as the plan
 * names it, or who reported where no row was given. day: of the newest report.
 *
 * Errors: -ENOMEM. Ownership: what is handed out is the caller's, but texts within an object. Threads: any.
 */
#ifndef WICI_REPORT_SERVICES_H
#define WICI_REPORT_SERVICES_H

#include <jansson.h>
#include <stdint.h>

/* The rows of an event that makes or updates a plan, as far as they were given; NULL: none. To be freed. */
int services_rows(const json_t *event, char **ret);
/* The plan has these rows now; a row that is not among them stays as it is. rows may be NULL. */
int services_agree(json_t *services, const char *plan, const char *rows);
/* The unit reported of the service on that day. Of two reports the one of the later day counts, or the later. */
int services_report(json_t *services, const char *plan, const char *service, const char *status, const char *unit,
                    int32_t day);
/* "NOT_REPORTED", the status that was reported, or "REMOVED" from the plan. Borrowed. */
const char *services_status(const json_t *service);

#endif
