/* Lists of tokens in headers, and the offers of permessage-deflate among them.
 *
 * Threads: any. */
#ifndef TR_HTTP_EXTENSION_H
#define TR_HTTP_EXTENSION_H

#include <stdbool.h>

#include "http/slice.h"

/* The next of a list, which is separated by one of these characters, and may have spaces around;
 * *list moves on. false: there is none. */
bool tr__next_token(const char **list, const char *separators, tr__slice *token);
/* Whether a list has it, in any case of letters. */
bool tr__tokens_have(const char *list, const char *separators, tr__slice wanted);

/* Whether one of the offers of Sec-WebSocket-Extensions (RFC 7692, 7.1) can be taken as "no context
 * takeover, either way". NULL: there is none. */
bool tr__deflate_is_offered(const char *offers);

/* Whether what a server has taken of our offer, the same one, can be spoken: it must keep no
 * context, for we don't. */
bool tr__deflate_is_taken(const char *taken);

enum { TR__KEY_BYTES = 24, TR__ACCEPT_BYTES = 28 };

/* What proves that the key was understood (RFC 6455, 4.2.2). false: out of memory. */
bool tr__ws_accept_key(const char *key, char accept[TR__ACCEPT_BYTES + 1]);

#endif
