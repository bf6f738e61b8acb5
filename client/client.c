/* Clients: what they are made of, who refers to them, and the program's own. */
#include "client/client.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <troupe/pool.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "base/threads.h"
#include "client/fields.h"
#include "client/jar.h"
#include "client/url.h"
#include "sync/retry.h"

/* ---- configuration ---- */

static void set_default(double *seconds, double value)
{
    if (*seconds == 0)
        *seconds = value;
    else if (*seconds < 0)
        *seconds = TR_FOREVER;
}

static bool is_valid(const tr_http_client_config *config)
{
    return !isnan(config->idle_timeout) && !isnan(config->timeout) &&
           !isnan(config->wait_timeout) && !isnan(config->connect_timeout) &&
           !isnan(config->write_timeout) && !isnan(config->head_timeout) &&
           !isnan(config->read_timeout);
}

static void fill_in(tr_http_client_config *config)
{
    set_default(&config->idle_timeout, 30);
    set_default(&config->timeout, TR_FOREVER);
    set_default(&config->wait_timeout, 30);
    set_default(&config->connect_timeout, 10);
    set_default(&config->write_timeout, 30);
    set_default(&config->head_timeout, 30);
    set_default(&config->read_timeout, 30);
    config->connections_each = config->connections_each == 0  ? 100
                               : config->connections_each < 0 ? LONG_MAX
                                                              : config->connections_each;
    config->connections_most = config->connections_most == 0  ? 1000
                               : config->connections_most < 0 ? LONG_MAX
                                                              : config->connections_most;
    if (config->head_bytes_most == 0)
        config->head_bytes_most = (size_t)64 * 1024;
    if (config->body_most == 0)
        config->body_most = (size_t)64 * 1024 * 1024;
    if (config->redirects_most == 0)
        config->redirects_most = 10;
}

/* Each text becomes a copy; those behind one for which there is no memory are NULL. */
static int copy_text(const char **text)
{
    const char *from = *text;

    *text = from != NULL ? tr__copy_string(from) : NULL;
    return from != NULL && *text == NULL ? TR_ENOMEM : 0;
}

static int copy_headers(tr_http_client *client, const char *const *headers)
{
    size_t count = 0;
    const char **copies;

    while (headers != NULL && headers[count] != NULL)
        count++;
    if (count == 0)
        return 0;
    copies = tr__alloc_zeroed((count + 1) * sizeof(copies[0]));
    client->config.headers = copies;
    client->lines = tr__alloc_zeroed(count * sizeof(client->lines[0]));
    if (copies == NULL || client->lines == NULL)
        return TR_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        copies[i] = tr__copy_string(headers[i]);
        if (copies[i] == NULL)
            return TR_ENOMEM;
        if (!tr__client_line_parse(copies[i], &client->lines[i]))
            return TR_EINVAL;
    }
    client->line_count = count;
    return 0;
}

static int copy_retry(tr_http_client *client)
{
    tr_retry_policy *copy;
    int rc = TR_ENOMEM;

    if (client->config.retry == NULL)
        return 0;
    copy = tr__alloc(sizeof(*copy));
    if (copy != NULL)
        rc = tr__retry_read_policy(copy, client->config.retry, sizeof(*copy));
    client->config.retry = copy;
    return rc;
}

/* What follows the first that fails is forgotten, so that nothing is freed that is not ours. */
static int copy_config(tr_http_client *client, const tr_http_client_config *from)
{
    tr_http_client_config *config = &client->config;
    const char **texts[] = { &config->base, &config->user_agent, &config->connect_to,
                             &config->proxy };
    int rc = 0;

    *config = *from;
    config->headers = NULL;
    config->tls = NULL;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (rc == 0)
            rc = copy_text(texts[i]);
        else
            *texts[i] = NULL;
    }
    if (rc < 0)
        config->retry = NULL;
    if (rc == 0)
        rc = copy_retry(client);
    if (rc == 0)
        rc = copy_headers(client, from->headers);
    client->tls = tr_tls_ref(from->tls);
    return rc;
}

static int check_config(const tr_http_client *client)
{
    const char *agent = client->config.user_agent;

    if (!is_valid(&client->config) ||
        (agent != NULL && !tr__header_value_is_valid(tr__slice_of(agent))))
        return TR_EINVAL;
    return client->config.base != NULL ? tr__url_check_base(client->config.base) : 0;
}

static int make_agent(tr_http_client *client)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "troupe/%s", tr_version());
    client->agent =
        tr__copy_string(client->config.user_agent != NULL ? client->config.user_agent : text);
    return client->agent != NULL ? 0 : TR_ENOMEM;
}

/* ---- making, and references ---- */

static void free_client(tr_http_client *client)
{
    tr__client_free_rooms(client);
    tr_tls_unref(client->tls);
    tr__jar_free(client->jar);
    tr__proxies_fini(&client->proxies);
    for (size_t i = 0; client->config.headers != NULL && client->config.headers[i] != NULL; i++)
        tr__free((void *)(uintptr_t)client->config.headers[i]);
    tr__free((void *)(uintptr_t)client->config.headers);
    tr__free(client->lines);
    tr__free(client->agent);
    tr__free((void *)(uintptr_t)client->config.base);
    tr__free((void *)(uintptr_t)client->config.user_agent);
    tr__free((void *)(uintptr_t)client->config.connect_to);
    tr__free((void *)(uintptr_t)client->config.proxy);
    tr__free((void *)(uintptr_t)client->config.retry);
    (void)pthread_mutex_destroy(&client->lock);
    tr__free(client);
}

int tr__http_client_new(tr_http_client **out, const tr_http_client_config *config,
                        size_t config_size)
{
    tr_http_client_config all = { 0 };
    tr_http_client *client;
    int rc;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (config_size > sizeof(all))
        return TR_EINVAL;
    if (config != NULL)
        memcpy(&all, config, config_size);
    client = tr__alloc_zeroed(sizeof(*client));
    if (client == NULL)
        return TR_ENOMEM;
    client->refs = 1;
    client->holds = 1;
    (void)pthread_mutex_init(&client->lock, NULL); /* the default kind: it does not fail */
    rc = copy_config(client, &all);
    if (rc == 0)
        rc = check_config(client);
    if (rc == 0)
        rc = make_agent(client);
    if (rc == 0)
        rc = tr__proxies_init(&client->proxies, client->config.proxy);
    if (rc == 0 && client->config.keeps_cookies)
        rc = tr__jar_new(&client->jar);
    if (rc < 0) {
        free_client(client);
        return rc;
    }
    fill_in(&client->config);
    *out = client;
    return 0;
}

tr_http_client *tr_http_client_ref(tr_http_client *client)
{
    /* relaxed enough, though ordered: who refers to it already has it. */
    if (client != NULL)
        (void)tr__add_ordered_u32(&client->refs, 1);
    return client;
}

void tr_http_client_unref(tr_http_client *client)
{
    /* ordered: what others did with the client comes before it is closed; pairs with itself. */
    if (client == NULL || tr__add_ordered_u32(&client->refs, UINT32_MAX) != 1)
        return;
    tr__client_close_rooms(client);
    tr__client_let_go(client);
}

void tr__client_hold(tr_http_client *client)
{
    /* relaxed enough, though ordered: who holds it one more time has it. */
    (void)tr__add_ordered_u32(&client->holds, 1);
}

void tr__client_let_go(tr_http_client *client)
{
    /* ordered: what other loops did with their rooms comes before they are freed; pairs with
     * itself. */
    if (tr__add_ordered_u32(&client->holds, UINT32_MAX) == 1)
        free_client(client);
}

/* ---- the program's own ---- */

static pthread_mutex_t default_lock = PTHREAD_MUTEX_INITIALIZER;
static tr_http_client *default_client; /* NULL: no loop uses it */
static uint32_t default_users;         /* loops */

int tr__client_default(tr_http_client **out)
{
    int rc = 0;

    tr__mutex_lock(&default_lock);
    if (default_client != NULL)
        (void)tr_http_client_ref(default_client);
    else
        rc = tr_http_client_new(&default_client, NULL);
    if (rc == 0)
        default_users++;
    *out = default_client;
    tr__mutex_unlock(&default_lock);
    return rc;
}

void tr__client_default_leave(tr_http_client *client)
{
    tr__mutex_lock(&default_lock);
    if (--default_users == 0)
        default_client = NULL;
    tr__mutex_unlock(&default_lock);
    tr_http_client_unref(client);
}

/* ---- TLS ---- */

static int make_tls(void *out)
{
    return tr_tls_client_new((tr_tls **)out, &(tr_tls_options){ .protocols = "http/1.1" });
}

static tr_tls *tls_of(tr_http_client *client)
{
    tr_tls *tls;

    tr__mutex_lock(&client->lock);
    tls = client->tls;
    tr__mutex_unlock(&client->lock);
    return tls;
}

/* Reading the system's authorities takes milliseconds: a thread of the pool does it, and where two
 * loops have it done at the same time, the first one's is taken. */
int tr__client_tls(tr_http_client *client, tr_tls **out)
{
    tr_tls *made = NULL;
    int rc;

    *out = tls_of(client);
    if (*out != NULL)
        return 0;
    rc = tr_to_thread(make_tls, &made);
    if (rc < 0) {
        tr_tls_unref(made);
        return rc;
    }
    tr__mutex_lock(&client->lock);
    if (client->tls == NULL) {
        client->tls = made;
        made = NULL;
    }
    *out = client->tls;
    tr__mutex_unlock(&client->lock);
    tr_tls_unref(made);
    return 0;
}

/* ---- figures ---- */

static void add_room(const tr__client_room *room, tr_http_client_stats *out)
{
    const tr__client_tally *tally = &room->tally;

    /* relaxed: figures, which publish nothing, here and below. */
    out->calls += tr__load_relaxed_u64(&tally->calls);
    out->failures += tr__load_relaxed_u64(&tally->failures);
    out->connections += tr__load_relaxed_u64(&tally->connections);
    out->reused += tr__load_relaxed_u64(&tally->reused); /* relaxed: as above */
    out->redirects += tr__load_relaxed_u64(&tally->redirects);
    out->retries += tr__load_relaxed_u64(&tally->retries);
    out->open += (long)tr__load_relaxed_u64(&tally->open); /* relaxed: as above */
    out->idle += (long)tr__load_relaxed_u64(&tally->idle);
    out->waiting += (long)tr__load_relaxed_u64(&tally->waiting);
}

int tr_http_client_statistics(tr_http_client *client, tr_http_client_stats *out)
{
    if (out == NULL)
        return TR_EINVAL;
    *out = (tr_http_client_stats){ 0 };
    if (client == NULL)
        return TR_EINVAL;
    for (size_t i = 0; i < TR__LOOPS_MAX; i++) {
        /* acquire: the room's own fields; pairs with the release where it is made. */
        const tr__client_room *room = tr__load_acquire_ptr(&client->rooms[i]);

        if (room != NULL)
            add_room(room, out);
    }
    return 0;
}
