/*
 * strict - base64, decimals, UTF-8 and lines, with one spelling for each value
 *
 * What is signed or proven must not be readable in two ways, and a proof that was changed must not pass: so no padding
 * left out or added, no bits behind the last byte, no leading zeros, no carriage returns, no last line without its
 * newline.
 *
 * Errors: 0 or -EBADMSG. Ownership: the caller's bytes throughout; a line points into the text it was taken from.
 * Threads: any.
 */
#ifndef WICI_STRICT_H
#define WICI_STRICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STRICT_BASE64_LEN(len) (((size_t)(len) + 2) / 3 * 4)
#define STRICT_DECIMAL_SIZE    21u /* 20 digits and the NUL */

/* Standard base64 (RFC 4648, section 4), padded. Writes STRICT_BASE64_LEN(len) characters, and no NUL. */
void strict_base64_encode(const uint8_t *data, size_t len, char *ret);

/*
 * Reads all of a base64 text. *ret_len is how many bytes it spells; the first size of them are written to ret. On
 * failure the bytes at ret are undefined and *ret_len is untouched. An empty text spells no bytes.
 */
int strict_base64_decode(const char *text, size_t len, uint8_t *ret, size_t size, size_t *ret_len);

/* Reads a decimal up to UINT64_MAX: digits only, no leading zeros. */
int strict_decimal_parse(const char *text, size_t len, uint64_t *ret);

/* The code point at text[*at], which must be below len, and *at moved behind it; -1: no UTF-8. */
int32_t strict_utf8_next(const char *text, size_t len, size_t *at);

/* Valid UTF-8, and no control characters (below U+0020) but newlines? */
bool strict_text_is_clean(const char *text, size_t len);

struct strict_line {
    const char *text; /* without its newline */
    size_t len;
};

/* Takes the next line off the text *at ... end. -EBADMSG: no newline is left. */
int strict_line_next(const char **at, const char *end, struct strict_line *ret);

/* Does the line begin with the word? Then takes the word off. */
bool strict_line_skip(struct strict_line *line, const char *word);

#endif
