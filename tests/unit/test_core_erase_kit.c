#include "test_core_erase_kit.h"

#include <stdio.h>
#include <string.h>

size_t
kit_erase(struct kit *k, const uint8_t dossier_id[16], const char *const *told, size_t told_count,
          struct core_erase_member *ret, size_t max)
{
    char keys[4096] = "", body[5120], mark[CORE_MARK_TEXT_SIZE];
    size_t count, len = 0;
    uint64_t seq = k->count + 1;

    count = core_erase_group(k->core, dossier_id, ret, max);
    assert_true(count > 0 && count <= max);
    for (size_t i = 0; i < count; i++) {
        if (!ret[i].goes)
            continue;
        core_erased_mark(ret[i].dossier_id, mark);
        assert_true(len + 100 < sizeof keys);
        len += (size_t)snprintf(keys + len, sizeof keys - len, "%s{'entry':%u,'generation':1,'mark':'%s'}",
                                len > 0 ? "," : "", ret[i].entry, mark);
    }
    (void)snprintf(body, sizeof body,
                   "0{'reason':'COURT_ORDER','orderSha256':'%064d','orderedBy':'adm','keys':[%s],'part':1,'parts':1}",
                   0, keys);
    (void)kit_own(k, "sys.erasure_intended", body);
    for (size_t i = 0; i < told_count; i++) {
        (void)snprintf(
            body, sizeof body,
            "0{'intendedSeq':'%zu','unit':'%s','reason':'COURT_ORDER','ranges':[{'fromSeq':'1','toSeq':'2'}]}",
            (size_t)seq, told[i]);
        (void)kit_own(k, "sys.erasure_notified", body);
    }
    return count;
}

bool
kit_goes(const struct core_erase_member *members, size_t count, uint32_t entry)
{
    for (size_t i = 0; i < count; i++)
        if (members[i].goes && members[i].entry == entry)
            return true;
    return false;
}

struct core *
kit_fold_but(const struct kit *k, const bool *gone)
{
    struct core *core;

    assert_int_equal(core_create(&core), 0);
    for (size_t i = 0; i < k->count; i++)
        if (!gone[i])
            assert_int_equal(core_apply(core, &k->records[i].record), 0);
    return core;
}
