/*
 * fuzz_policy - any bytes as the text of a policy
 *
 * A text that is taken gives cells within its ceiling; one that is not is refused with a line.
 */
#include "broker/core/policy.h"
#include "proto/event.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy *policy = NULL;
    struct refusal refusal = {.code = E_NONE};

    if (policy_parse(&policy, (const char *)data, size, &refusal) != 0) {
        must(policy == NULL);
        must(refusal.code == E_POLICY);
        must(memchr(refusal.path, '\0', sizeof refusal.path) != NULL);
        return 0;
    }
    must(strlen(policy_version(policy)) <= size);
    for (uint32_t type = 0; type < 1000; type++)
        for (unsigned role = 0; role < ROLE_COUNT; role++) {
            struct policy_cell cell = policy_cell(policy, type, role);

            must((cell.full & cell.half) == 0);
            must(!cell.conditional || cell.publish);
        }
    policy_destroy(&policy);
    return 0;
}
