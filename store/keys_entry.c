/* keys_entry - see keys_entry.h; keys.h gives the layout */
#include "store/keys_entry.h"

#include "store/be.h"
#include "proto/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Places in the header */
enum { AT_MAGIC = 0, AT_VERSION = 8, AT_CHECK_NONCE = 16, AT_CHECK = 40 };

static_assert(AT_SEALED + KEY_SIZE + TAG_SIZE == KEYS_ENTRY_SIZE, "an entry is 80 bytes");
static_assert(AT_CHECK + KEYS_PAIR_SIZE + TAG_SIZE <= KEYS_ENTRY_SIZE, "the header is one entry");

static const uint8_t magic[8] = "WICIKEYS";
static const uint8_t header_label[] = "wici-keystore-v1";
static const uint8_t entry_label[] = "wici-key-v1";

#define ENTRY_AD_SIZE (sizeof entry_label + 8u)

static void
entry_ad(uint8_t ad[ENTRY_AD_SIZE], uint32_t entry, uint32_t generation)
{
    memcpy(ad, entry_label, sizeof entry_label);
    be32_put(ad + sizeof entry_label, entry);
    be32_put(ad + sizeof entry_label + 4, generation);
}

int
keys_entry_unwrap(const uint8_t kek[KEY_SIZE], const uint8_t *bytes, uint32_t entry, uint8_t ret_key[KEY_SIZE])
{
    uint8_t ad[ENTRY_AD_SIZE];

    entry_ad(ad, entry, be32_get(bytes + AT_GENERATION));
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(ret_key, NULL, NULL, bytes + AT_SEALED, KEY_SIZE + TAG_SIZE, ad,
                                                   sizeof ad, bytes + AT_NONCE, kek) != 0)
        return -EBADMSG;
    return 0;
}

void
keys_entry_wrap(const uint8_t kek[KEY_SIZE], uint8_t *bytes, uint32_t entry, const uint8_t key[KEY_SIZE])
{
    uint8_t ad[ENTRY_AD_SIZE];

    entry_ad(ad, entry, be32_get(bytes + AT_GENERATION));
    crypto_aead_xchacha20poly1305_ietf_encrypt(bytes + AT_SEALED, NULL, key, KEY_SIZE, ad, sizeof ad, NULL,
                                               bytes + AT_NONCE, kek);
}

void
keys_header_make(const uint8_t kek[KEY_SIZE], const uint8_t pair[KEYS_PAIR_SIZE], uint8_t ret[KEYS_ENTRY_SIZE])
{
    memset(ret, 0, KEYS_ENTRY_SIZE);
    memcpy(ret + AT_MAGIC, magic, sizeof magic);
    be32_put(ret + AT_VERSION, 1);
    randombytes_buf(ret + AT_CHECK_NONCE, NONCE_SIZE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(ret + AT_CHECK, NULL, pair, KEYS_PAIR_SIZE, header_label,
                                               sizeof header_label, NULL, ret + AT_CHECK_NONCE, kek);
}

int
keys_header_open(const uint8_t kek[KEY_SIZE], const uint8_t header[KEYS_ENTRY_SIZE], uint8_t ret_pair[KEYS_PAIR_SIZE])
{
    if (memcmp(header + AT_MAGIC, magic, sizeof magic) != 0 || be32_get(header + AT_VERSION) != 1)
        return -EBADMSG;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(ret_pair, NULL, NULL, header + AT_CHECK, KEYS_PAIR_SIZE + TAG_SIZE,
                                                   header_label, sizeof header_label, header + AT_CHECK_NONCE,
                                                   kek) != 0)
        return -EPERM;
    return 0;
}

int
keys_kek_read(const char *path, uint8_t ret[KEY_SIZE])
{
    uint8_t more;
    struct stat sb;
    size_t had = 0, beyond = 0;
    int fd, rc = 0;

    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -EPERM : -errno;
    if (fstat(fd, &sb) != 0)
        rc = -errno;
    else if (!S_ISREG(sb.st_mode) || (sb.st_mode & (S_IRWXG | S_IRWXO)) != 0 ||
             (sb.st_uid != geteuid() && sb.st_uid != 0 && geteuid() != 0))
        rc = -EPERM;
    if (rc == 0)
        rc = file_read_at(fd, ret, KEY_SIZE, 0, &had);
    if (rc == 0)
        rc = file_read_at(fd, &more, 1, KEY_SIZE, &beyond);
    if (rc == 0 && (had != KEY_SIZE || beyond != 0))
        rc = -EPERM;
    close(fd);
    return rc;
}
