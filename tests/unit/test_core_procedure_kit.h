/*
 * What the tests of the procedure begin with: cases on each of the three paths, and the bodies that many of them use.
 */
#ifndef TEST_CORE_PROCEDURE_KIT_H
#define TEST_CORE_PROCEDURE_KIT_H

#include "test_core_kit.h"

#include "broker/core/rules.h"
#include "broker/core/state.h"

#define PAPER_OF(who) "+'onBehalfOf':'" who "','channel':'PAPER','receivedOn':'2026-02-27'"
#define LATE          "'lateEntry':true"
#define OK            ""
#define CONSENTED     "'consentRef':'d0000000-0000-7000-8000-000000000063'" /* $c */

/* The body of a first contact with both there; of a section with that document; of a plan with one service. */
#define CONTACT                                                                                                        \
    "0{'meetingId':'$f','heldOn':'2026-03-10'} 6{'kind':'FIRST_CONTACT','attendance':[{'role':'SW','signed':true},"    \
    "{'role':'FA','signed':true}]}"
#define SHA           "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DOCUMENT(sha) "'documents':[{'sha256':'" sha "','size':1,'mediaType':'application/pdf'}]"
#define ROW           "'row':{'serviceRef':'a','programmeId':'g','provider':'svc','place':'x','schedule':'x'}"
#define PLAN(id, version, from, to)                                                                                    \
    "0{'ipusId':'$" id "','version':" version ",'periodFrom':'" from "','periodTo':'" to                               \
    "'} 6{'applicantAgreed':'YES'," ROW "}"

/* The states that the core keeps of a dossier: enum case_state, enum referral_state. */
uint8_t case_state(struct kit *k, char dossier);
uint8_t referral_state(struct kit *k, char dossier);

/* The assistant opens a case under "Za zyciem". */
void open_zz(struct kit *k, char dossier);
/* A case with an assistant, who came before interview and request. */
void assign_late(struct kit *k, char dossier);
/* The programme, and the coordinator's qualification; with a case on the path IPUS. */
void register_ipus(struct kit *k);
void open_ipus(struct kit *k, char dossier);

#endif
