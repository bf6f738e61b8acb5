/* Digests, by OpenSSL. */
#include "net/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <troupe/core.h>

#include "base/seam.h"

static int digest(const EVP_MD *kind, const void *data, size_t bytes, unsigned char *out)
{
    if (tr__fault_strikes(TR__FAULT_MEMORY))
        return TR_ENOMEM;
    return EVP_Digest(data, bytes, out, NULL, kind, NULL) == 1 ? 0 : TR_ENOMEM;
}

int tr__digest_sha1(const void *data, size_t bytes, unsigned char out[TR__SHA1_BYTES])
{
    return digest(EVP_sha1(), data, bytes, out);
}

int tr__digest_sha256(const void *data, size_t bytes, unsigned char out[TR__SHA256_BYTES])
{
    return digest(EVP_sha256(), data, bytes, out);
}

bool tr__secret_equals(const void *a, const void *b, size_t bytes)
{
    return CRYPTO_memcmp(a, b, bytes) == 0;
}
