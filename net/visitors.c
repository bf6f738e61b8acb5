/* Connections by address: a table of chains, behind a lock that is held for some instructions. */
#include "net/visitors.h"

#include <netinet/in.h>
#include <string.h>
#include <troupe/core.h>

#include "base/seam.h"
#include "base/siphash.h"
#include "base/threads.h"

enum {
    CHAINS = 4096,
    ADDRESS_BYTES = 16,
    NETWORK_BYTES = 8 /* of it, that say whose it is */
};

struct tr__visitor {
    tr__visitor *next; /* of its chain */
    unsigned char address[ADDRESS_BYTES];
    long count;
};

struct tr__visitors {
    pthread_mutex_t mutex;
    long most;
    uint64_t key[2]; /* nobody can choose addresses that meet in one chain */
    tr__visitor *chains[CHAINS];
};

tr__visitors *tr__visitors_new(long most)
{
    tr__visitors *visitors = tr__alloc_zeroed(sizeof(*visitors));

    if (visitors == NULL)
        return NULL;
    visitors->mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    visitors->most = most;
    visitors->key[0] = tr__dice();
    visitors->key[1] = tr__dice();
    return visitors;
}

void tr__visitors_free(tr__visitors *visitors)
{
    tr__free(visitors);
}

/* Who it is, as an address of IPv6, which may stand for one of IPv4. false: it has none. */
static bool read_address(const tr_address *from, unsigned char address[ADDRESS_BYTES])
{
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

    if (from->tr__storage.ss_family == AF_INET6) {
        memcpy(address, &((const struct sockaddr_in6 *)(const void *)&from->tr__storage)->sin6_addr,
               ADDRESS_BYTES);
        if (memcmp(address, mapped, sizeof(mapped)) != 0)
            memset(address + NETWORK_BYTES, 0, ADDRESS_BYTES - NETWORK_BYTES);
        return true;
    }
    if (from->tr__storage.ss_family != AF_INET)
        return false;
    memcpy(address, mapped, sizeof(mapped));
    memcpy(address + sizeof(mapped),
           &((const struct sockaddr_in *)(const void *)&from->tr__storage)->sin_addr, 4);
    return true;
}

static tr__visitor **chain_of(tr__visitors *visitors, const unsigned char address[ADDRESS_BYTES])
{
    return &visitors->chains[tr__siphash(visitors->key, address, ADDRESS_BYTES) % CHAINS];
}

static int enter(tr__visitors *visitors, const unsigned char address[ADDRESS_BYTES],
                 tr__visitor **out)
{
    tr__visitor **chain = chain_of(visitors, address);
    tr__visitor *visitor = *chain;

    while (visitor != NULL && memcmp(visitor->address, address, ADDRESS_BYTES) != 0)
        visitor = visitor->next;
    if (visitor == NULL) {
        visitor = tr__alloc_zeroed(sizeof(*visitor));
        if (visitor == NULL)
            return TR_ENOMEM;
        memcpy(visitor->address, address, ADDRESS_BYTES);
        visitor->next = *chain;
        *chain = visitor;
    } else if (visitor->count >= visitors->most) {
        return TR_EFULL;
    }
    visitor->count++;
    *out = visitor;
    return 0;
}

int tr__visitors_enter(tr__visitors *visitors, const tr_address *from, tr__visitor **out)
{
    unsigned char address[ADDRESS_BYTES];
    int rc;

    *out = NULL;
    if (!read_address(from, address))
        return 0;
    tr__mutex_lock(&visitors->mutex);
    rc = enter(visitors, address, out);
    tr__mutex_unlock(&visitors->mutex);
    return rc;
}

void tr__visitors_leave(tr__visitors *visitors, tr__visitor *visitor)
{
    tr__visitor **place;

    if (visitor == NULL)
        return;
    tr__mutex_lock(&visitors->mutex);
    if (--visitor->count == 0) {
        for (place = chain_of(visitors, visitor->address); *place != visitor;)
            place = &(*place)->next;
        *place = visitor->next;
        tr__free(visitor);
    }
    tr__mutex_unlock(&visitors->mutex);
}
