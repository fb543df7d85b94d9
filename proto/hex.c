/* hex - see hex.h */
#include "proto/hex.h"

#include <errno.h>
#include <string.h>

void
hex_format(const uint8_t *bytes, size_t len, char *ret)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        *ret++ = digits[bytes[i] >> 4];
        *ret++ = digits[bytes[i] & 15];
    }
    *ret = '\0';
}

static unsigned
value(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

int
hex_parse(const char *text, uint8_t *ret, size_t len)
{
    if (strspn(text, "0123456789abcdef") != 2 * len || text[2 * len] != '\0')
        return -EINVAL;
    for (size_t i = 0; i < len; i++)
        ret[i] = (uint8_t)(value(text[2 * i]) << 4 | value(text[2 * i + 1]));
    return 0;
}
