/* Who may change something: users with passwords, and sessions with tokens.
 *
 * A password is kept as scrypt's hash of it, which takes a core some 150 ms and 16 MiB (or what
 * --hash-cost says, which is kept with it): so it is made by the CPU pool, while the loops go on,
 * and so many may stand in line for it; who comes beyond is told to come again. A token is 32
 * random bytes; the database has its SHA-256 only. */
#ifndef LEDGER_LOGIN_H
#define LEDGER_LOGIN_H

#include <troupe/db.h>
#include <troupe/net.h>

struct login {
    tr_db *db;
    uint64_t cost;     /* of a password that is set: scrypt's N */
    tr_semaphore line; /* a permit for each that may hash, or wait for it */
};

void login_init(struct login *login, tr_db *db, uint64_t cost);

/* Let somebody log in from now on by this password; or only if he has none. */
int login_set_password(struct login *login, const char *user, const char *password);
int login_set_first_password(struct login *login, const char *user, const char *password);

/* POST /login: with { user, password }, answers with a token, which is a cookie, too. */
int login_route(struct login *login, tr_http_server *srv);

/* Around all routes: who is not logged in may only look. */
tr_http_middleware login_middleware(struct login *login);

#endif
