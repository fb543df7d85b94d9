/*
 * curve - see curve.h
 */
#include "tests/support/curve.h"
#include "tests/support/raw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#define PATIENCE_MS  60000
#define NAME_COMMAND 0x04
#define LONG         0x02
#define HELLO_LEN    200u
#define WELCOME_LEN  168u
#define COOKIE_LEN   96u
#define VOUCH_LEN    80u

size_t
curve_property(uint8_t *ret, const char *name, const void *value, size_t len)
{
    size_t name_len = strlen(name), at = 0;

    assert_true(name_len <= 255);
    ret[at++] = (uint8_t)name_len;
    memcpy(ret + at, name, name_len);
    at += name_len;
    for (int shift = 24; shift >= 0; shift -= 8)
        ret[at++] = (uint8_t)(len >> shift);
    memcpy(ret + at, value, len);
    return at + len;
}

static bool
receive_exact(int fd, void *ret, size_t len)
{
    uint8_t *at = ret;

    while (len > 0) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t got;

        if (poll(&p, 1, PATIENCE_MS) <= 0)
            return false;
        got = recv(fd, at, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        len -= (size_t)got;
    }
    return true;
}

static bool
frame_send(int fd, uint8_t flags, const uint8_t *data, size_t len)
{
    uint8_t head[9] = {flags};
    size_t head_len = 2;

    if (len > 255) {
        head[0] |= LONG;
        for (unsigned i = 0; i < 8; i++)
            head[1 + i] = (uint8_t)(len >> 8 * (7 - i));
        head_len = 9;
    } else {
        head[1] = (uint8_t)len;
    }
    return raw_send(fd, head, head_len) && raw_send(fd, data, len);
}

/* A short command, as the broker's are in a handshake. */
static bool
command_receive(int fd, uint8_t ret[255], size_t *ret_len)
{
    uint8_t head[2];

    if (!receive_exact(fd, head, 2) || head[0] != NAME_COMMAND)
        return false;
    *ret_len = head[1];
    return receive_exact(fd, ret, head[1]);
}

static void
nonce_make(uint8_t ret[24], const char prefix[static 16], uint64_t number)
{
    memcpy(ret, prefix, 16);
    for (unsigned i = 0; i < 8; i++)
        ret[16 + i] = (uint8_t)(number >> 8 * (7 - i));
}

static void
random_nonce_make(uint8_t ret[24], const char prefix[static 8])
{
    memcpy(ret, prefix, 8);
    randombytes_buf(ret + 8, 16);
}

struct keys {
    uint8_t own_public[32], own_secret[32], server[32];
    uint8_t short_public[32], short_secret[32], server_short[32];
};

static bool
hello_say(struct curve *c, const struct keys *k)
{
    uint8_t hello[HELLO_LEN] = "\x05HELLO\x01", nonce[24], zeros[64] = {0};

    memcpy(hello + 80, k->short_public, 32);
    nonce_make(nonce, "CurveZMQHELLO---", ++c->nonce);
    memcpy(hello + 112, nonce + 16, 8);
    assert_int_equal(crypto_box_easy(hello + 120, zeros, sizeof zeros, nonce, k->server, k->short_secret), 0);
    return frame_send(c->fd, NAME_COMMAND, hello, sizeof hello);
}

static bool
welcome_hear(struct curve *c, struct keys *k, uint8_t ret_cookie[COOKIE_LEN])
{
    uint8_t command[255], nonce[24], plain[128];
    size_t len;

    if (!command_receive(c->fd, command, &len) || len != WELCOME_LEN || memcmp(command, "\x07WELCOME", 8) != 0)
        return false;
    memcpy(nonce, "WELCOME-", 8);
    memcpy(nonce + 8, command + 8, 16);
    if (crypto_box_open_easy(plain, command + 24, 144, nonce, k->server, k->short_secret) != 0)
        return false;
    memcpy(k->server_short, plain, 32);
    memcpy(ret_cookie, plain + 32, COOKIE_LEN);
    return true;
}

static bool
initiate_say(struct curve *c, const struct keys *k, const uint8_t cookie[COOKIE_LEN], const uint8_t *metadata,
             size_t metadata_len)
{
    size_t plain_len = 32 + 16 + VOUCH_LEN + metadata_len, len = 9 + COOKIE_LEN + 8 + 16 + plain_len;
    uint8_t *initiate = malloc(len), *plain = malloc(plain_len), nonce[24], vouch[64];
    bool sent;

    assert_non_null(initiate);
    assert_non_null(plain);
    memcpy(plain, k->own_public, 32);
    random_nonce_make(nonce, "VOUCH---");
    memcpy(plain + 32, nonce + 8, 16);
    memcpy(vouch, k->short_public, 32);
    memcpy(vouch + 32, k->server, 32);
    assert_int_equal(crypto_box_easy(plain + 48, vouch, sizeof vouch, nonce, k->server_short, k->own_secret), 0);
    memcpy(plain + 48 + VOUCH_LEN, metadata, metadata_len);

    memcpy(initiate, "\x08INITIATE", 9);
    memcpy(initiate + 9, cookie, COOKIE_LEN);
    nonce_make(nonce, "CurveZMQINITIATE", ++c->nonce);
    memcpy(initiate + 9 + COOKIE_LEN, nonce + 16, 8);
    assert_int_equal(
        crypto_box_easy(initiate + 17 + COOKIE_LEN, plain, plain_len, nonce, k->server_short, k->short_secret), 0);
    sent = frame_send(c->fd, NAME_COMMAND, initiate, len);
    free(initiate);
    free(plain);
    return sent;
}

static bool
handshake(struct curve *c, const struct keyfile *key, const char *server_key, const uint8_t *metadata, size_t len)
{
    uint8_t greeting[RAW_GREETING], theirs[RAW_GREETING], cookie[COOKIE_LEN], command[255];
    struct keys k;
    size_t command_len;

    assert_non_null(zmq_z85_decode(k.own_public, key->public_key));
    assert_non_null(zmq_z85_decode(k.own_secret, key->secret_key));
    assert_non_null(zmq_z85_decode(k.server, server_key));
    assert_int_equal(crypto_box_keypair(k.short_public, k.short_secret), 0);
    raw_greeting(greeting, "CURVE");
    if (!raw_send(c->fd, greeting, sizeof greeting) || !receive_exact(c->fd, theirs, sizeof theirs) ||
        !hello_say(c, &k) || !welcome_hear(c, &k, cookie) || !initiate_say(c, &k, cookie, metadata, len) ||
        !command_receive(c->fd, command, &command_len) || memcmp(command, "\x05READY", 6) != 0)
        return false;
    assert_int_equal(crypto_box_beforenm(c->shared, k.server_short, k.short_secret), 0);
    return true;
}

static bool
open_on(int fd, struct curve *ret, const struct daemon *d, const struct keyfile *key, const uint8_t *metadata,
        size_t len)
{
    assert_true(sodium_init() >= 0);
    memset(ret, 0, sizeof *ret);
    ret->fd = fd;
    if (handshake(ret, key, d->server_key, metadata, len))
        return true;
    curve_close(ret);
    return false;
}

bool
curve_open(struct curve *ret, const struct daemon *d, const struct keyfile *key, const uint8_t *metadata, size_t len)
{
    return open_on(raw_connect(d), ret, d, key, metadata, len);
}

bool
curve_open_narrow(struct curve *ret, const struct daemon *d, const struct keyfile *key, const uint8_t *metadata,
                  size_t len)
{
    return open_on(raw_connect_narrow(d), ret, d, key, metadata, len);
}

bool
curve_send(struct curve *curve, uint8_t flags, const void *data, size_t len)
{
    size_t sealed_len = 16 + 16 + 1 + len;
    uint8_t *sealed = malloc(sealed_len), *plain = malloc(1 + len), nonce[24];
    bool sent;

    assert_non_null(sealed);
    assert_non_null(plain);
    plain[0] = flags;
    memcpy(plain + 1, data, len);
    memcpy(sealed, "\x07MESSAGE", 8);
    nonce_make(nonce, "CurveZMQMESSAGEC", ++curve->nonce);
    memcpy(sealed + 8, nonce + 16, 8);
    assert_int_equal(crypto_box_easy_afternm(sealed + 16, plain, 1 + len, nonce, curve->shared), 0);
    sent = frame_send(curve->fd, 0, sealed, sealed_len);
    free(sealed);
    free(plain);
    return sent;
}

bool
curve_receive(struct curve *curve, uint8_t **ret, size_t *ret_len)
{
    for (;;) {
        uint8_t head[9], nonce[24], *sealed, *plain;
        uint64_t len = 0;
        bool opened, command;

        if (!receive_exact(curve->fd, head, 2))
            return false;
        len = head[1];
        if ((head[0] & LONG) != 0) {
            if (!receive_exact(curve->fd, head + 2, 7))
                return false;
            for (unsigned i = 0; i < 8; i++)
                len = len << 8 | head[1 + i];
        }
        assert_true(len >= 33 && len <= (2u << 20));
        sealed = malloc(len);
        plain = malloc(len);
        assert_non_null(sealed);
        assert_non_null(plain);
        opened = receive_exact(curve->fd, sealed, len) && memcmp(sealed, "\x07MESSAGE", 8) == 0;
        nonce_make(nonce, "CurveZMQMESSAGES", 0);
        memcpy(nonce + 16, sealed + 8, 8);
        opened = opened && crypto_box_open_easy_afternm(plain, sealed + 16, len - 16, nonce, curve->shared) == 0;
        free(sealed);
        command = opened && (plain[0] & CURVE_COMMAND) != 0;
        if (opened && !command) {
            *ret_len = len - 33;
            memmove(plain, plain + 1, *ret_len);
            *ret = plain;
            return true;
        }
        free(plain);
        if (!opened)
            return false;
    }
}

void
curve_close(struct curve *curve)
{
    if (curve->fd > 0)
        (void)close(curve->fd);
    sodium_memzero(curve, sizeof *curve);
}
