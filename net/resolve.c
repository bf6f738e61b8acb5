/* Names of hosts: the API. */
#include <string.h>

#include "base/seam.h"
#include "net/dns.h"

static bool is_family(int family)
{
    return family == 0 || family == AF_INET || family == AF_INET6;
}

/* How many are left. */
static size_t keep_family(tr_address *addresses, size_t count, int family)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (family == 0 || addresses[i].tr__storage.ss_family == family)
            addresses[kept++] = addresses[i];
    return kept;
}

static int resolve(tr_address *out, size_t *count, const char *host, uint16_t port, int family)
{
    int rc = tr__dns_lookup(host, port, out, TR__DNS_MOST, count);

    if (rc < 0)
        return rc;
    *count = keep_family(out, *count, family);
    return *count > 0 ? 0 : TR_ENONAME;
}

int tr__resolve(tr_address **out, size_t *count, const char *host, uint16_t port,
                const tr_resolve_options *options, size_t options_size)
{
    tr_resolve_options known = { 0 };
    int rc;

    if (out == NULL || count == NULL)
        return TR_EINVAL;
    *out = NULL;
    *count = 0;
    if (options != NULL)
        memcpy(&known, options, options_size < sizeof(known) ? options_size : sizeof(known));
    if (host == NULL || !is_family(known.family))
        return TR_EINVAL;
    *out = tr__alloc(TR__DNS_MOST * sizeof(**out));
    if (*out == NULL)
        return TR_ENOMEM;
    rc = resolve(*out, count, host, port, known.family);
    if (rc < 0) {
        tr_resolve_free(*out);
        *out = NULL;
        *count = 0;
    }
    return rc;
}

void tr_resolve_free(tr_address *addresses)
{
    tr__free(addresses);
}
