/*
 * check - one message against the registry, field by field (inside proto/: event.h is the public face)
 *
 * Errors: 0, or -EBADMSG and *refusal says which field and why. Ownership: names in a path are borrowed. Threads: any.
 */
#ifndef WICI_CHECK_H
#define WICI_CHECK_H

#include "event.h"

/*
 * Where a walk through a message stands. Steps are kept, and spelt only for a refusal: a walk takes a step for each
 * field. Names are borrowed.
 */
#define CHECK_STEPS_MAX 24u /* beyond EVENT_DEPTH_MAX, since each message is one step further down */
struct check_path {
    struct {
        const char *name;
        long index; /* -1: none */
    } steps[CHECK_STEPS_MAX];
    unsigned depth;
};

/* Starts at a path that was spelt already; "" is the message as a whole. */
void check_path_set(struct check_path *path, const char *text);

/* One step down, and one up again. */
void check_path_push(struct check_path *path, const char *name, long index);
void check_path_pop(struct check_path *path);

/* Fills *refusal and returns -EBADMSG. A path that is too long is cut after a whole character. */
int check_refuse(struct refusal *refusal, enum error_code code, const char *path);
int check_refuse_at(struct refusal *refusal, enum error_code code, const struct check_path *path);

/* Is the field set: text not empty, number not 0, list not empty, message there? */
bool check_present(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* Bytes of one value of the field in protobuf-c's structures. */
size_t check_value_size(const ProtobufCFieldDescriptor *field);

/* Is there a run of digits as long as a PESEL? */
bool check_has_personal_number(const char *text);

/*
 * Checks all fields of a message, nested ones too; mandatory ones of the message itself only when `required`.
 * info must be message_info(message->descriptor).
 */
int check_message(const ProtobufCMessage *message, const struct message_info *info, bool required,
                  struct check_path *path, struct refusal *refusal);

/* Checks the one field that stands at `place` in the descriptor. */
int check_field(const ProtobufCMessage *message, const struct message_info *info, unsigned place,
                struct check_path *path, struct refusal *refusal);

/* Valid UTF-8 throughout? A NUL is. */
bool check_is_utf8(const uint8_t *text, size_t len);

/* Takes off the character at the end of a UTF-8 text that was cut in the middle. */
void check_utf8_cut(char *text);

/* Valid UTF-8 in one line: no control characters, those from U+0080 on (which command a terminal too) among them? */
bool check_is_line(const char *text);

#endif
