/* strict - every reader below accepts exactly what the writer beside it writes */
#include "strict.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
strict_base64_encode(const uint8_t *data, size_t len, char *ret)
{
    for (size_t i = 0; i < len; i += 3) {
        uint32_t group = (uint32_t)data[i] << 16 | (i + 1 < len ? (uint32_t)data[i + 1] << 8 : 0) |
                         (i + 2 < len ? data[i + 2] : 0);

        *ret++ = digits[group >> 18];
        *ret++ = digits[(group >> 12) & 63];
        *ret++ = i + 1 < len ? digits[(group >> 6) & 63] : '=';
        *ret++ = i + 2 < len ? digits[group & 63] : '=';
    }
}

static int
digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int
strict_base64_decode(const char *text, size_t len, uint8_t *ret, size_t size, size_t *ret_len)
{
    uint32_t group = 0;
    unsigned bits = 0;
    size_t out = 0, padding = 0;

    if (len % 4 != 0)
        return -EBADMSG;
    while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < len - padding; i++) {
        int value = digit_value(text[i]);

        if (value < 0)
            return -EBADMSG;
        group = (group << 6 | (uint32_t)value) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            if (out < size)
                ret[out] = (uint8_t)(group >> bits);
            out++;
        }
    }
    if ((group & ((1u << bits) - 1)) != 0)
        return -EBADMSG; /* bits that belong to no byte: there would be two texts for the same bytes */
    *ret_len = out;
    return 0;
}

int
strict_decimal_parse(const char *text, size_t len, uint64_t *ret)
{
    uint64_t value = 0;

    if (len == 0 || len >= STRICT_DECIMAL_SIZE || (len > 1 && text[0] == '0'))
        return -EBADMSG;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)((unsigned char)text[i] - (unsigned char)'0');

        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return -EBADMSG;
        value = value * 10 + digit;
    }
    *ret = value;
    return 0;
}

int32_t
strict_utf8_next(const char *text, size_t len, size_t *at)
{
    static const int32_t smallest[] = {0, 0x80, 0x800, 0x10000}; /* that need so many continuations */
    unsigned char lead;
    size_t more, from = *at;
    int32_t point;

    assert(from < len);
    lead = (unsigned char)text[from++];
    if (lead < 0x80) {
        *at = from;
        return lead;
    }
    if (lead < 0xc0 || lead > 0xf7)
        return -1;
    more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if (len - from < more)
        return -1;
    point = lead & (0x3f >> more);
    for (size_t i = 0; i < more; i++) {
        unsigned char next = (unsigned char)text[from++];

        if ((next & 0xc0) != 0x80)
            return -1;
        point = point * 64 + (next & 0x3f);
    }
    if (point < smallest[more] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return -1;
    *at = from;
    return point;
}

bool
strict_text_is_clean(const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        int32_t point = strict_utf8_next(text, len, &at);

        if (point < 0x20 && point != '\n')
            return false;
    }
    return true;
}

int
strict_line_next(const char **at, const char *end, struct strict_line *ret)
{
    const char *newline;

    assert(*at <= end);
    newline = *at == end ? NULL : memchr(*at, '\n', (size_t)(end - *at));
    if (newline == NULL)
        return -EBADMSG;
    *ret = (struct strict_line){.text = *at, .len = (size_t)(newline - *at)};
    *at = newline + 1;
    return 0;
}

bool
strict_line_skip(struct strict_line *line, const char *word)
{
    size_t len = strlen(word);

    if (line->len < len || memcmp(line->text, word, len) != 0)
        return false;
    line->text += len;
    line->len -= len;
    return true;
}
