#include "test_core_procedure_kit.h"

uint8_t
case_state(struct kit *k, char dossier)
{
    uint8_t id[16];
    uint32_t index;

    assert_int_equal(uuid_parse(kit_id(dossier), id), 0);
    index = dossiers_find(&k->core->dossiers, id);
    assert_true(index != DOSSIER_NONE);
    return k->core->dossiers.at[index].matter.kase;
}

uint8_t
referral_state(struct kit *k, char dossier)
{
    uint8_t id[16];
    uint32_t index;

    assert_int_equal(uuid_parse(kit_id(dossier), id), 0);
    index = dossiers_find(&k->core->dossiers, id);
    assert_true(index != DOSSIER_NONE);
    return k->core->dossiers.at[index].matter.referral;
}

void
open_zz(struct kit *k, char dossier)
{
    KIT_MARKED(k, OK, "fa", "case.opened", dossier, "",
               "0{'openedOn':'2026-03-03'} 1 4{'entitlement':'PREGNANCY'} 6{'path':'ORDINARY'}", NULL, NULL);
}

void
assign_late(struct kit *k, char dossier)
{
    kit_open_case(k, "sw", dossier);
    KIT_SAY(k, "dir", "case.assistant_assigned", dossier, "", "0{'unit':'fa'}", LATE, NULL);
}

void
register_ipus(struct kit *k)
{
    KIT_SAY(k, "ous", "sys.programme_registered", 0, "", "0{'programmeId':'g','gmina':'326101','from':'2010-01-01'}",
            NULL, NULL);
    KIT_SAY(k, "dir", "sys.qualification_registered", 0, "",
            "0{'personRef':'ic-1','kind':'IPUS_COORDINATOR','from':'2020-01-01'}", NULL, NULL);
}

void
open_ipus(struct kit *k, char dossier)
{
    register_ipus(k);
    KIT_SAY(k, "ic", "case.opened", dossier, "", "0 6{'path':'IPUS'}", NULL, NULL);
}
