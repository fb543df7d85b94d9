/*
 * media - media types of the files that offices send, and the ends of their names
 *
 * Threads: any.
 */
#ifndef WICI_MEDIA_H
#define WICI_MEDIA_H

/* By the end of the name, in any case of letters; "application/octet-stream" when it is not known. Constant. */
const char *media_type_of(const char *file_name);
/* ".pdf"; ".bin" when it is not known. Constant. */
const char *media_suffix_of(const char *media_type);

#endif
