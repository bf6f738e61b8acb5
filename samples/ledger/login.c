/* See login.h. */
#include "login.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "failure.h"

enum {
    SALT_BYTES = 16,
    HASH_BYTES = 32,
    TOKEN_BYTES = 32,
    WAITING_MOST = 32,
    SESSION_SECONDS = 12 * 60 * 60,
    /* scrypt's r and p: as OWASP recommends, with an N of 16384 where 16 MiB are to suffice. */
    SCRYPT_R = 8,
    SCRYPT_P = 5
};

struct credentials {
    char *user;
    char *password;
};
TR_DECLARE(credentials,
           TR_TEXT(credentials, user, .required = true, .min_length = 1, .max_length = 80),
           TR_TEXT(credentials, password, .required = true, .min_length = 1, .max_length = 200));

struct session {
    char *token;
    int64_t seconds;
};
TR_DECLARE(session, TR_TEXT(session, token, .about = "for the header: Authorization: Bearer TOKEN"),
           TR_INTEGER(session, seconds, .about = "that it is good for"));

void login_init(struct login *login, tr_db *db, uint64_t cost)
{
    *login = (struct login){ .db = db, .cost = cost, .line = TR_SEMAPHORE_INIT(WAITING_MOST) };
}

/* ---- hashing ---- */

struct hashing {
    const char *password;
    uint64_t cost;
    unsigned char salt[SALT_BYTES];
    unsigned char hash[HASH_BYTES];
};

/* A job. */
static int hash(void *arg)
{
    struct hashing *h = arg;
    const uint64_t most = (h->cost + SCRYPT_P + 2) * 128 * SCRYPT_R; /* bytes that it takes */

    return EVP_PBE_scrypt(h->password, strlen(h->password), h->salt, sizeof(h->salt), h->cost,
                          SCRYPT_R, SCRYPT_P, most, h->hash, sizeof(h->hash)) == 1
               ? 0
               : TR_ENOMEM; /* its arguments are right */
}

/* TR_EFULL: too many stand in line. */
static int hash_in_line(struct login *login, struct hashing *h)
{
    int rc;

    if (tr_semaphore_try_acquire(&login->line, 1) < 0)
        return TR_EFULL;
    rc = tr_pool_run(TR_POOL_CPU, hash, h);
    (void)tr_semaphore_release(&login->line); /* it can't be too many */
    return rc;
}

int login_set_password(struct login *login, const char *user, const char *password)
{
    struct hashing h = { .password = password, .cost = login->cost };
    int rc = RAND_bytes(h.salt, sizeof(h.salt)) == 1 ? 0 : TR_EIO;

    if (rc == 0)
        rc = hash_in_line(login, &h);
    if (rc == 0)
        rc = tr_db_exec(login->db,
                        "insert into users (name, salt, hash, cost) values (?, ?, ?, ?) "
                        "on conflict (name) do update "
                        "set salt = excluded.salt, hash = excluded.hash, cost = excluded.cost",
                        user, TR_BLOB(h.salt, sizeof(h.salt)), TR_BLOB(h.hash, sizeof(h.hash)),
                        h.cost);
    return rc < 0 ? rc : 0;
}

int login_set_first_password(struct login *login, const char *user, const char *password)
{
    tr_db_rows *row tr_cleanup_rows = NULL;
    int rc = tr_db_one(&row, login->db, "select 1 from users where name = ?", user);

    return rc == TR_ENOENT ? login_set_password(login, user, password) : rc;
}

/* Is it the password of this user? 1 or 0. For who is not known as much is computed: how long it
 * takes tells nobody who is. */
static int check(struct login *login, const struct credentials *c)
{
    tr_db_rows *row tr_cleanup_rows = NULL;
    struct hashing h = { .password = c->password, .cost = login->cost };
    unsigned char kept[HASH_BYTES] = { 0 };
    int rc =
        tr_db_one(&row, login->db, "select salt, hash, cost from users where name = ?", c->user);
    bool is_known = rc == 0;
    size_t bytes;

    if (rc < 0 && rc != TR_ENOENT)
        return rc;
    if (is_known) {
        const void *salt = tr_db_blob(row, 0, &bytes);

        if (bytes == sizeof(h.salt))
            memcpy(h.salt, salt, bytes);
        salt = tr_db_blob(row, 1, &bytes);
        if (bytes == sizeof(kept))
            memcpy(kept, salt, bytes);
        h.cost = (uint64_t)tr_db_int(row, 2);
    }
    rc = hash_in_line(login, &h);
    if (rc < 0)
        return rc;
    return CRYPTO_memcmp(h.hash, kept, sizeof(kept)) == 0 && is_known;
}

/* ---- sessions ---- */

static void digest_of(const char *token, unsigned char digest[SHA256_DIGEST_LENGTH])
{
    (void)SHA256((const unsigned char *)token, strlen(token), digest); /* no memory is needed */
}

static int begin_session(struct login *login, const char *user, char token[2 * TOKEN_BYTES + 1])
{
    unsigned char random[TOKEN_BYTES], digest[SHA256_DIGEST_LENGTH];
    int rc;

    if (RAND_bytes(random, sizeof(random)) != 1)
        return TR_EIO;
    for (size_t i = 0; i < sizeof(random); i++)
        (void)snprintf(token + 2 * i, 3, "%02x", random[i]);
    digest_of(token, digest);
    rc = tr_db_exec(login->db, "delete from sessions where until < unixepoch()");
    if (rc >= 0)
        rc = tr_db_exec(login->db, "insert into sessions values (?, ?, unixepoch() + ?)",
                        TR_BLOB(digest, sizeof(digest)), user, (int)SESSION_SECONDS);
    return rc < 0 ? rc : 0;
}

static int post_login(tr_http_request *req, tr_http_response *res, void *arg)
{
    struct login *login = arg;
    const struct credentials *c = tr_http_body_as(req);
    char token[2 * TOKEN_BYTES + 1];
    struct session session = { .token = token, .seconds = SESSION_SECONDS };
    int rc = check(login, c);

    if (rc == TR_EFULL)
        return failure_busy(res, 2, "Too many log in at this moment.");
    if (rc == 0)
        return tr_http_problem(res, 401, "This user, or this password, is not known.");
    if (rc > 0)
        rc = begin_session(login, c->user, token);
    if (rc == 0)
        rc = tr_http_set_cookie(res, "session", token,
                                &(tr_http_cookie_options){ .max_age = SESSION_SECONDS });
    return rc < 0 ? failure_answer(res, rc)
                  : tr_http_answer(res, 200, &tr_declared_session, &session);
}

int login_route(struct login *login, tr_http_server *srv)
{
    return tr_http_route_with(srv, "POST", "/login", post_login, login,
                              &(tr_http_route_options){ .body = &tr_declared_credentials,
                                                        .answer = &tr_declared_session,
                                                        .summary = "Get a token, by a password",
                                                        .tag = "login" });
}

/* The token that a request brings; NULL. */
static const char *token_of(tr_http_request *req)
{
    const char *authorization = tr_http_header(req, "Authorization");

    if (authorization != NULL && strncasecmp(authorization, "Bearer ", 7) == 0)
        return authorization + 7;
    return tr_http_cookie(req, "session");
}

/* 0: the user is logged in, and named; TR_ENOENT: not. */
static int look_up(struct login *login, tr_http_request *req)
{
    tr_db_rows *row tr_cleanup_rows = NULL;
    unsigned char digest[SHA256_DIGEST_LENGTH];
    const char *token = token_of(req);
    int rc;

    if (token == NULL)
        return TR_ENOENT;
    digest_of(token, digest);
    rc = tr_db_one(&row, login->db,
                   "select user from sessions where digest = ? and until >= unixepoch()",
                   TR_BLOB(digest, sizeof(digest)));
    return rc < 0 ? rc : tr_http_set_user(req, tr_db_text(row, 0));
}

static bool only_looks(const tr_http_request *req)
{
    const char *method = tr_http_method(req);

    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
           strcmp(method, "OPTIONS") == 0 || strcmp(tr_http_path(req), "/login") == 0;
}

static int ask_for_login(tr_http_request *req, tr_http_response *res, tr_http_next *next, void *arg)
{
    struct login *login = arg;
    int rc = only_looks(req) ? 0 : look_up(login, req);

    if (rc == TR_ENOENT) {
        rc = tr_http_set_header(res, "WWW-Authenticate", "Bearer realm=\"ledger\"");
        return rc < 0 ? rc : tr_http_problem(res, 401, "Log in before: POST /login.");
    }
    return rc < 0 ? failure_answer(res, rc) : tr_http_next_call(next);
}

tr_http_middleware login_middleware(struct login *login)
{
    return (tr_http_middleware){ .fn = ask_for_login, .ctx = login };
}
