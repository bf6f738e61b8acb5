/* Answers that are remembered. */
#include "net/dns_cache.h"

#include <string.h>

#include "base/compiler.h"
#include "base/seam.h"
#include "base/siphash.h"

void tr__dns_cache_init(tr__dns_cache *cache, size_t most)
{
    cache->key[0] = tr__dice();
    cache->key[1] = tr__dice();
    cache->count = 0;
    cache->most = most;
    tr__list_init(&cache->ages);
    for (size_t i = 0; i < TR__DNS_BUCKETS; i++)
        tr__list_init(&cache->buckets[i]);
}

static tr__list *bucket_of(tr__dns_cache *cache, const char *name)
{
    return &cache->buckets[tr__siphash(cache->key, name, strlen(name)) % TR__DNS_BUCKETS];
}

static void drop(tr__dns_cache *cache, tr__dns_entry *entry)
{
    tr__list_remove(&entry->link);
    if (!entry->is_asked) {
        tr__list_remove(&entry->age);
        cache->count--;
    }
    tr__free(entry->addresses);
    tr__free(entry);
}

static void drop_oldest(tr__dns_cache *cache)
{
    drop(cache, TR__CONTAINER_OF(cache->ages.next, tr__dns_entry, age));
}

void tr__dns_cache_fini(tr__dns_cache *cache)
{
    while (cache->count > 0)
        drop_oldest(cache);
}

static tr__dns_entry *find(tr__dns_cache *cache, const char *name)
{
    tr__list *bucket = bucket_of(cache, name);

    for (tr__list *node = bucket->next; node != bucket; node = node->next) {
        tr__dns_entry *entry = TR__CONTAINER_OF(node, tr__dns_entry, link);

        if (strcmp(entry->name, name) == 0)
            return entry;
    }
    return NULL;
}

tr__dns_entry *tr__dns_cache_find(tr__dns_cache *cache, const char *name, uint64_t now_ns)
{
    tr__dns_entry *entry = find(cache, name);

    if (entry == NULL || entry->is_asked)
        return entry;
    if (entry->expires_ns <= now_ns) {
        drop(cache, entry);
        return NULL;
    }
    tr__list_remove(&entry->age);
    tr__list_append(&cache->ages, &entry->age);
    return entry;
}

tr__dns_entry *tr__dns_cache_add(tr__dns_cache *cache, const char *name)
{
    size_t bytes = strlen(name) + 1;
    tr__dns_entry *entry = tr__alloc_zeroed(sizeof(*entry) + bytes);

    if (entry == NULL)
        return NULL;
    memcpy(entry->name, name, bytes);
    entry->is_asked = true;
    tr__list_init(&entry->waiters);
    tr__list_append(bucket_of(cache, name), &entry->link);
    return entry;
}

void tr__dns_cache_keep(tr__dns_cache *cache, tr__dns_entry *entry, uint64_t expires_ns,
                        uint64_t now_ns)
{
    if (expires_ns <= now_ns) {
        drop(cache, entry);
        return;
    }
    entry->is_asked = false;
    entry->expires_ns = expires_ns;
    tr__list_append(&cache->ages, &entry->age);
    cache->count++;
    while (cache->count > cache->most)
        drop_oldest(cache);
}
