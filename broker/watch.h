/*
 * watch - what peers have sent and nobody has taken yet
 *
 * libzmq reads what arrives into memory and keeps it there until it is taken. It counts whole messages only: the frames
 * of a message that does not end are bounded by nothing, nor are a thousand messages of the largest size, nor what is
 * sent by a connection whose routing id another one has. So the bytes are counted: the kernel knows how many came over
 * a connection, the front says how many it took. The difference waits in our memory.
 *
 *     more than WATCH_PEER_MAX of one connection, or more than WATCH_ALL_MAX of all together:
 *     those with the most are cut off, until it is less
 *
 * Cut off means shutdown(2). libzmq then finds that the connection has ended, and frees what it kept of it. Its client
 * connects again and sends again what was not answered. No honest one comes so far, unless it sends without ever
 * waiting for answers.
 *
 * Whose turn it is does not wait for the broker's loop, which may wait for the disk: a thread looks, every
 * WATCH_EVERY_MS when memory has grown, else once a second.
 *
 * Errors: 0 or -errno. Threads: any one may call; the watch has one of its own, which ends with watch_destroy.
 */
#ifndef BROKER_WATCH_H
#define BROKER_WATCH_H

#include <stddef.h>
#include <stdint.h>

#define WATCH_PEER_MAX (32u << 20)  /* bytes of one connection that wait to be taken */
#define WATCH_ALL_MAX  (128u << 20) /* of all connections */
#define WATCH_EVERY_MS 50

struct watch;

/* Watches the connections that were accepted on this TCP port, of this process. -ENOENT: /proc cannot be read. */
int watch_create(struct watch **ret, uint16_t port);
void watch_destroy(struct watch **watch);

/*
 * A frame of so many bytes was taken from the connection with this descriptor. `who` is a number of the connection's
 * own: another one with the same descriptor is another connection. fd -1: not known, nothing is counted.
 */
void watch_took(struct watch *watch, int fd, uint64_t who, size_t bytes);

/* How many connections were cut off so far. */
uint64_t watch_cut_count(struct watch *watch);

#endif
