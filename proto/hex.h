/*
 * hex - bytes as lower-case hexadecimal digits
 *
 * Threads: any.
 */
#ifndef WICI_HEX_H
#define WICI_HEX_H

#include <stddef.h>
#include <stdint.h>

/* ret: 2 * len digits and a NUL. */
void hex_format(const uint8_t *bytes, size_t len, char *ret);
/* -EINVAL: text is not 2 * len such digits; upper case is none. ret is then as it was. */
int hex_parse(const char *text, uint8_t *ret, size_t len);

#endif
