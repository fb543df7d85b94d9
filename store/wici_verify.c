/*
 * wici-verify - checks what a log has handed out, where there is no broker and no network
 *
 *     wici-verify --vkey KEY [--checkpoint FILE] FILE|DIR
 *
 * FILE is a receipt, a consistency file or a checkpoint; DIR an export (tlog-tiles) or a copy of the data directory.
 * What it is follows from its first bytes, or from what lies in it. `wici verify` runs this program; it is one of its
 * own because it knows how the log lies on disk, which no client does.
 *
 * Exit codes: 0 it holds, 2 usage, 3 invalid, 4 diverged (valid, but it contradicts the known checkpoint), 5 content is
 * missing and no record says that it was erased. Reading a copy may kill the process that does it (LMDB trusts its
 * pages): a child does it, and its death is an answer.
 */
#include "proto/consistency.h"
#include "proto/disclosure.h"
#include "proto/language.h"
#include "proto/nodump.h"
#include "proto/strict.h"
#include "proto/tiledir.h"
#include "proto/tlogproof.h"
#include "store/verify.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HOLDS = 0, USAGE = 2, INVALID = 3, DIVERGED = 4, MISSING = 5 };

struct verifier {
    struct note_key keys[NOTE_KEYS_MAX];
    size_t key_count;
    const char *checkpoint, *key_dir, *kek, *erased, *what;
    struct note_checkpoint trusted;
    bool has_trusted;
};

static int __attribute__((format(printf, 2, 3))) say(int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vfprintf(code == HOLDS ? stdout : stderr, format, args);
    va_end(args);
    (void)fputc('\n', code == HOLDS ? stdout : stderr);
    return code;
}

/* ---- files */

/* All of a file of at most size_max bytes, with a NUL behind; malloc'd. NULL: said why. */
static char *
file_read(const char *path, size_t size_max, size_t *ret_len)
{
    char *bytes = malloc(size_max + 2);
    FILE *in = fopen(path, "re");

    if (in == NULL || bytes == NULL) {
        (void)say(INVALID, "%s: %s", path, strerror(errno));
        free(bytes);
        if (in != NULL)
            (void)fclose(in);
        return NULL;
    }
    *ret_len = fread(bytes, 1, size_max + 1, in);
    bytes[*ret_len] = '\0';
    if (ferror(in) != 0 || *ret_len > size_max) {
        (void)say(INVALID, _("%s: cannot be read, or is too large for what it is"), path);
        free(bytes);
        bytes = NULL;
    }
    (void)fclose(in);
    return bytes;
}

/* ---- checkpoints */

static const char *
signature_text(int rc)
{
    switch (rc) {
    case -ENOKEY: return _("none of the given keys signed it");
    case -EKEYREJECTED: return _("a signature is wrong");
    default: return _("it is no signed checkpoint");
    }
}

/* The checkpoint is of the log that one of its signers' keys is named after. */
static bool
origin_is_signers(const struct verifier *v, const struct note_checkpoint *checkpoint, uint32_t keys_signed)
{
    for (size_t i = 0; i < v->key_count; i++)
        if ((keys_signed >> i & 1u) != 0 && strcmp(v->keys[i].name, checkpoint->origin) == 0)
            return true;
    return false;
}

static int
checkpoint_open(const struct verifier *v, const char *path, const char *note, size_t len, struct note_checkpoint *ret)
{
    uint32_t keys_signed = 0;
    int rc = note_checkpoint_open(note, len, v->keys, v->key_count, ret, &keys_signed);

    if (rc != 0)
        return say(INVALID, _("%s: the checkpoint: %s"), path, signature_text(rc));
    if (!origin_is_signers(v, ret, keys_signed))
        return say(INVALID, _("%s: the checkpoint is of another log: %s"), path, ret->origin);
    return HOLDS;
}

/* Where a checkpoint of the trusted one's size says something else. */
static int
trusted_compare(const struct verifier *v, const char *path, const struct note_checkpoint *checkpoint)
{
    if (!v->has_trusted)
        return HOLDS;
    if (strcmp(checkpoint->origin, v->trusted.origin) != 0)
        return say(INVALID, _("%s: the checkpoint is of another log: %s"), path, checkpoint->origin);
    if (checkpoint->size == v->trusted.size && memcmp(checkpoint->root, v->trusted.root, MERKLE_HASH_SIZE) != 0)
        return say(DIVERGED, _("%s: contradicts the known checkpoint: both say %" PRIu64 " records, and other roots"),
                   path, checkpoint->size);
    return HOLDS;
}

static int
checkpoint_verify(const struct verifier *v, const char *path, const char *bytes, size_t len)
{
    struct note_checkpoint checkpoint;
    int rc = checkpoint_open(v, path, bytes, len, &checkpoint);

    if (rc == HOLDS)
        rc = trusted_compare(v, path, &checkpoint);
    if (rc != HOLDS)
        return rc;
    return say(HOLDS, _("%s: holds: checkpoint of %s, %" PRIu64 " records"), path, checkpoint.origin, checkpoint.size);
}

/* ---- receipts */

static int
receipt_verify(const struct verifier *v, const char *path, const char *bytes, size_t len)
{
    uint8_t hash[LEAF_HASH_SIZE], *extra = malloc(TLOGPROOF_EXTRA_MAX);
    struct note_checkpoint checkpoint = {.size = 0};
    Wici__V1__Delivery *delivery = NULL;
    struct tlogproof proof;
    struct leaf leaf;
    uint32_t keys_signed = 0;
    int rc;

    if (extra == NULL)
        return say(INVALID, "%s", strerror(ENOMEM));
    if (tlogproof_parse(bytes, len, extra, TLOGPROOF_EXTRA_MAX, &proof) != 0) {
        rc = say(INVALID, _("%s: not a receipt, or a damaged one"), path);
        goto out;
    }
    if (disclosure_open(proof.extra, proof.extra_len, &leaf, &delivery) != 0) {
        rc = say(INVALID, _("%s: a part of the record does not give its digest"), path);
        goto out;
    }
    if (leaf.seq == 0 || leaf.seq - 1 != proof.index) {
        rc = say(INVALID, _("%s: the record says that it is number %" PRIu64 ", the proof is for %" PRIu64), path,
                 leaf.seq, proof.index + 1);
        goto out;
    }
    disclosure_leaf_hash(&leaf, hash);
    rc = checkpoint_open(v, path, proof.checkpoint, proof.checkpoint_len, &checkpoint);
    if (rc == HOLDS && tlogproof_verify(&proof, hash, v->keys, v->key_count, &checkpoint, &keys_signed) != 0)
        rc = say(INVALID, _("%s: record %" PRIu64 " is not in the log of %" PRIu64 " records"), path, leaf.seq,
                 checkpoint.size);
    if (rc == HOLDS)
        rc = trusted_compare(v, path, &checkpoint);
    if (rc == HOLDS)
        rc = say(HOLDS, _("%s: holds: record %" PRIu64 " of %s, %zu of its parts, in the first %" PRIu64 " records"),
                 path, leaf.seq, checkpoint.origin, delivery->n_parts, checkpoint.size);
out:
    if (delivery != NULL)
        wici__v1__delivery__free_unpacked(delivery, NULL);
    free(extra);
    return rc;
}

/* ---- consistency files */

static int
consistency_file_verify(const struct verifier *v, const char *path, const char *bytes, size_t len)
{
    struct note_checkpoint newer;
    struct consistency file;
    int rc;

    if (!v->has_trusted)
        return say(USAGE, _("%s: a consistency file needs the older checkpoint: --checkpoint FILE"), path);
    if (consistency_parse(bytes, len, &file) != 0)
        return say(INVALID, _("%s: not a consistency file, or a damaged one"), path);
    rc = checkpoint_open(v, path, file.checkpoint, file.checkpoint_len, &newer);
    if (rc == HOLDS)
        rc = trusted_compare(v, path, &newer);
    if (rc != HOLDS)
        return rc;
    if (consistency_verify(&file, &v->trusted, v->keys, v->key_count, &newer) != 0)
        return say(INVALID, _("%s: does not show that the log begins with the %" PRIu64 " records of the checkpoint"),
                   path, v->trusted.size);
    return say(HOLDS, _("%s: holds: the %" PRIu64 " records of %s begin with the %" PRIu64 " of the checkpoint"), path,
               newer.size, newer.origin, v->trusted.size);
}

/* ---- exports */

struct export
{
    const struct verifier *v;
    uint64_t last_ms;
    const char *why; /* of a bad leaf */
};

static int
leaf_look(void *arg, uint64_t index, const uint8_t *input, size_t len, const struct merkle_frontier *frontier)
{
    struct export *e = arg;
    uint8_t root[MERKLE_HASH_SIZE];
    struct leaf leaf;

    if (leaf_decode(&leaf, input, len) != 0)
        e->why = _("it has no sense");
    else if (leaf.seq != index + 1)
        e->why = _("it says that it is another one");
    else if (leaf.ts_ms < e->last_ms)
        e->why = _("its time is before the last one's");
    else
        e->last_ms = leaf.ts_ms;
    if (e->why != NULL)
        return -EBADMSG;
    if (e->v->has_trusted && frontier->size == e->v->trusted.size) {
        merkle_frontier_root(frontier, root);
        if (memcmp(root, e->v->trusted.root, sizeof root) != 0)
            return -ESTALE;
    }
    return 0;
}

static int
export_verify(const struct verifier *v, const char *dir)
{
    char path[TILEDIR_PATH_SIZE] = "", name[4096];
    struct export e = {.v = v};
    struct note_checkpoint checkpoint;
    struct merkle_frontier frontier;
    uint8_t root[MERKLE_HASH_SIZE];
    uint64_t index = 0;
    char *note;
    size_t len;
    int rc;

    (void)snprintf(name, sizeof name, "%s/checkpoint", dir);
    note = file_read(name, NOTE_SIZE_MAX, &len);
    if (note == NULL)
        return INVALID;
    rc = checkpoint_open(v, name, note, len, &checkpoint);
    free(note);
    if (rc == HOLDS)
        rc = trusted_compare(v, name, &checkpoint);
    if (rc != HOLDS)
        return rc;
    if (v->has_trusted && checkpoint.size < v->trusted.size)
        return say(DIVERGED, _("%s: has %" PRIu64 " records, the known checkpoint %" PRIu64), dir, checkpoint.size,
                   v->trusted.size);
    rc = tiledir_check(dir, checkpoint.size, leaf_look, &e, &frontier, path, &index);
    if (rc == -ESTALE)
        return say(DIVERGED, _("%s: contradicts the known checkpoint of %" PRIu64 " records"), dir, v->trusted.size);
    if (rc != 0 && e.why != NULL)
        return say(INVALID, _("%s: record %" PRIu64 ": %s"), dir, index + 1, e.why);
    if (rc == -EBADMSG)
        return say(INVALID, _("%s: %s is missing, or does not fit (at record %" PRIu64 ")"), dir, path, index + 1);
    if (rc != 0)
        return say(INVALID, "%s: %s: %s", dir, path, strerror(-rc));
    merkle_frontier_root(&frontier, root);
    if (memcmp(root, checkpoint.root, sizeof root) != 0)
        return say(INVALID, _("%s: its %" PRIu64 " records are not those that were signed"), dir, checkpoint.size);
    return say(HOLDS, _("%s: holds: %" PRIu64 " records of %s, without content"), dir, checkpoint.size,
               checkpoint.origin);
}

/* ---- copies */

/* In the child: what is found leaves by the shared report, and the code by the exit status. */
static int
copy_look(const struct verifier *v, const char *dir, struct verify_report *report)
{
    struct verify_options options = {.dir = dir,
                                     .key_dir = v->key_dir,
                                     .kek_path = v->kek,
                                     .erased_path = v->erased,
                                     .keys = v->keys,
                                     .key_count = v->key_count,
                                     .trusted = v->has_trusted ? &v->trusted : NULL};

    switch (verify_copy(&options, report)) {
    case 0: return HOLDS;
    case -ESTALE: return DIVERGED;
    case -ENODATA: return MISSING;
    default: return INVALID;
    }
}

static int
copy_say(const struct verifier *v, const char *dir, int status, const struct verify_report *r)
{
    if (!WIFEXITED(status))
        return say(INVALID, _("%s: the file is damaged: reading on behind record %" PRIu64 " was not possible"), dir,
                   r->at);
    switch (WEXITSTATUS(status)) {
    case HOLDS:
        (void)say(HOLDS, _("%s: holds: %" PRIu64 " records, signed up to record %" PRIu64), dir, r->records,
                  r->signed_size);
        if (r->erased > r->listed)
            (void)say(HOLDS, _("%" PRIu64 " of them hold no content any more: erasures name them"),
                      r->erased - r->listed);
        if (r->listed > 0)
            (void)say(HOLDS,
                      _("%" PRIu64 " of them hold no content any more, and only the list of destroyed keys says so: "
                        "wicid records it when it starts"),
                      r->listed);
        if (r->unopened > 0)
            (void)say(HOLDS, _("%" PRIu64 " of them are sealed and were not opened: that takes --key-dir and --kek"),
                      r->unopened);
        if (r->documents > 0)
            (void)say(HOLDS,
                      r->documents_unopened > 0
                          ? _("%" PRIu64
                              " documents, each byte as it was written; what names them is not compared without "
                              "--key-dir and --kek")
                          : _("%" PRIu64 " documents, each named by a record and with the digest that it names"),
                      r->documents);
        if (r->uploads > 0)
            (void)say(HOLDS, _("%" PRIu64 " uploads that no event names yet"), r->uploads);
        if (r->uploads_old > 0)
            (void)say(HOLDS, _("%" PRIu64 " of them for more than a day: wicid destroys those when it runs"),
                      r->uploads_old);
        return HOLDS;
    case DIVERGED:
        return say(DIVERGED, _("%s: does not contain the known checkpoint of %" PRIu64 " records"), dir,
                   v->trusted.size);
    case MISSING:
        return say(MISSING,
                   r->missing_document
                       ? _("%s: a document that record %" PRIu64 " names is missing, and no record says that it was "
                           "erased")
                       : _("%s: the content of record %" PRIu64 " is missing, and no record says that it was erased"),
                   dir, r->missing);
    default:
        return say(INVALID, "%s: %s", dir, r->what[0] != '\0' ? r->what : _("the copy or its keys cannot be read"));
    }
}

static int
copy_verify(const struct verifier *v, const char *dir)
{
    struct verify_report *report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                                        0);
    int status = 0, rc;
    pid_t child;

    if (report == MAP_FAILED)
        return say(INVALID, "%s", strerror(errno));
    (void)fflush(NULL);
    child = fork();
    if (child == 0) {
        /* A bad page is expected here: it is to kill, and not to be reported by whoever watches for crashes. */
        (void)signal(SIGBUS, SIG_DFL);
        (void)signal(SIGSEGV, SIG_DFL);
        (void)signal(SIGABRT, SIG_DFL);
        if (freopen("/dev/null", "w", stderr) == NULL)
            (void)close(STDERR_FILENO); /* what LMDB says of a damaged page is not for people */
        _exit(copy_look(v, dir, report));
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        rc = say(INVALID, "%s", strerror(errno));
    else
        rc = copy_say(v, dir, status, report);
    (void)munmap(report, sizeof *report);
    return rc;
}

/* ---- what it is */

static bool
lies_in(const char *dir, const char *name)
{
    char path[4096];
    struct stat sb;

    return (size_t)snprintf(path, sizeof path, "%s/%s", dir, name) < sizeof path && stat(path, &sb) == 0;
}

static int
what_verify(const struct verifier *v)
{
    struct stat sb;
    char *bytes;
    size_t len;
    int rc;

    if (stat(v->what, &sb) != 0)
        return say(INVALID, "%s: %s", v->what, strerror(errno));
    if (S_ISDIR(sb.st_mode)) {
        if (lies_in(v->what, "log/data.mdb"))
            return copy_verify(v, v->what);
        if (lies_in(v->what, "checkpoint"))
            return export_verify(v, v->what);
        return say(INVALID, _("%s: neither an export (checkpoint, tile) nor a copy of the data directory (log)"),
                   v->what);
    }
    bytes = file_read(v->what, TLOGPROOF_SIZE_MAX, &len);
    if (bytes == NULL)
        return INVALID;
    if (strncmp(bytes, "c2sp.org/tlog-proof@", strlen("c2sp.org/tlog-proof@")) == 0)
        rc = receipt_verify(v, v->what, bytes, len);
    else if (strncmp(bytes, "old ", 4) == 0)
        rc = consistency_file_verify(v, v->what, bytes, len);
    else
        rc = checkpoint_verify(v, v->what, bytes, len);
    free(bytes);
    return rc;
}

static int
trusted_read(struct verifier *v)
{
    size_t len;
    char *note;
    int rc;

    if (v->checkpoint == NULL)
        return HOLDS;
    note = file_read(v->checkpoint, NOTE_SIZE_MAX, &len);
    if (note == NULL)
        return USAGE;
    rc = checkpoint_open(v, v->checkpoint, note, len, &v->trusted);
    v->has_trusted = rc == HOLDS;
    free(note);
    return rc == HOLDS ? HOLDS : USAGE;
}

/* ---- words */

enum { KEY_VKEY = 256, KEY_CHECKPOINT, KEY_KEY_DIR, KEY_KEK, KEY_ERASED };

static const struct argp_option options[] = {
    {"vkey", KEY_VKEY, N_("KEY"), 0, N_("a verifier key of the log (wici log key); may be repeated"), 0},
    {"checkpoint", KEY_CHECKPOINT, N_("FILE"), 0, N_("a checkpoint that is known to be right: the log must contain it"),
     0},
    {"key-dir", KEY_KEY_DIR, N_("DIR"), 0, N_("of a copy: the key store, to open what is sealed"), 0},
    {"kek", KEY_KEK, N_("FILE"), 0, N_("of a copy: the key-encryption key"), 0},
    {"erased", KEY_ERASED, N_("FILE"), 0,
     N_("of a restored copy: the list of destroyed keys, beside the guard (guard.file with .erased behind it)"), 0},
    {NULL, 0, NULL, 0, NULL, 0}};

static error_t
word_take(int key, char *value, struct argp_state *state)
{
    struct verifier *v = state->input;

    switch (key) {
    case KEY_VKEY:
        if (v->key_count == NOTE_KEYS_MAX || note_key_parse(value, strlen(value), &v->keys[v->key_count]) != 0)
            argp_error(state, _("not a verifier key: %s"), value);
        for (size_t i = 0; i < v->key_count; i++)
            if (memcmp(&v->keys[i], &v->keys[v->key_count], sizeof v->keys[i]) == 0)
                return 0;
        v->key_count++;
        return 0;
    case KEY_CHECKPOINT: v->checkpoint = value; return 0;
    case KEY_KEY_DIR: v->key_dir = value; return 0;
    case KEY_KEK: v->kek = value; return 0;
    case KEY_ERASED: v->erased = value; return 0;
    case ARGP_KEY_ARG:
        if (v->what != NULL)
            return ARGP_ERR_UNKNOWN;
        v->what = value;
        return 0;
    case ARGP_KEY_END:
        if (v->what == NULL || v->key_count == 0 || (v->key_dir == NULL) != (v->kek == NULL) ||
            (v->erased != NULL && v->kek == NULL))
            argp_error(state,
                       _("needs --vkey and what to verify; --key-dir and --kek go together, --erased needs both"));
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

int
main(int argc, char **argv)
{
    static const struct argp_child children[] = {{&language_help, 0, NULL, -1}, {NULL, 0, NULL, 0}};
    static const struct argp argp = {
        .options = options,
        .parser = word_take,
        .args_doc = N_("FILE|DIR"),
        .doc = N_("Checks a receipt, a consistency file, a checkpoint, an export or a copy of the data directory, "
                  "without a broker. Ends with 0 when it holds, 2 wrong words, 3 invalid, 4 contradicts the known "
                  "checkpoint, 5 content is missing."),
        .children = children,
        .argp_domain = "wici"};
    struct verifier v = {.key_count = 0};
    int rc;

    if (nodump_set() != 0) {
        perror("wici-verify: core dumps");
        return USAGE;
    }
    (void)language_set();
    store_speak(language_text);
    argp_program_version = "wici-verify " WICI_VERSION;
    argp_err_exit_status = USAGE;
    memset(v.keys, 0, sizeof v.keys);
    if (argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &v) != 0)
        return USAGE;
    rc = trusted_read(&v);
    return rc == HOLDS ? what_verify(&v) : rc;
}
