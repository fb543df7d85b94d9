/*
 * erasedmark - by what an erased dossier is recognised by who still has its id
 *
 * The records of an erasure name no dossier. For each that goes they hold a mark, the first 16 bytes of
 * SHA-256("wici-erased-v1" 0x00 | the id's 16 bytes): who has the id finds the record, and nobody finds the id, which
 * is a random number of 122 bits.
 *
 * Threads: any.
 */
#ifndef WICI_ERASEDMARK_H
#define WICI_ERASEDMARK_H

#include <stdint.h>

#define ERASED_MARK_SIZE      16u
#define ERASED_MARK_TEXT_SIZE 33u /* in hexadecimal digits, as the records have it */

void erased_mark_of(const uint8_t dossier_id[16], uint8_t ret[ERASED_MARK_SIZE]);
void erased_mark_text(const uint8_t dossier_id[16], char ret[ERASED_MARK_TEXT_SIZE]);

#endif
