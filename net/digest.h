/* Digests, by OpenSSL, and comparing what is secret.
 *
 * Threads: any. */
#ifndef TR_NET_DIGEST_H
#define TR_NET_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

enum { TR__SHA1_BYTES = 20, TR__SHA256_BYTES = 32 };

/* Errors: TR_ENOMEM OpenSSL has no memory, or its configuration forbids this one. */
int tr__digest_sha1(const void *data, size_t bytes, unsigned char out[TR__SHA1_BYTES]);
int tr__digest_sha256(const void *data, size_t bytes, unsigned char out[TR__SHA256_BYTES]);

/* Whether they are equal, in a time that depends on their length only. */
bool tr__secret_equals(const void *a, const void *b, size_t bytes);

#endif
