/* One connection of TLS, without any input or output: whoever has it carries the bytes.
 *
 *     network --> tr__tls_room, tr__tls_fed --> | engine | --> tr__tls_read --> plain
 *     network <-- tr__tls_outgoing, _sent  <--- |        | <-- tr__tls_write <-- plain
 *
 * After any call there may be outgoing bytes: alerts, handshakes, answers to key updates. Whoever
 * has it sends them before it reads on: there are so many at most, for a peer that asks, and does
 * not take the answers, is given up (TR_ETLS).
 *
 * Threads: one at a time. */
#ifndef TR_NET_TLS_ENGINE_H
#define TR_NET_TLS_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <troupe/tls.h>

typedef struct tr__tls tr__tls;

/* Make one; host: of a client, whom the certificate must be for.
 * Ownership: the context gets a reference.
 * Errors:    TR_ENOMEM; TR_EINVAL a bad host. */
int tr__tls_new(tr__tls **out, tr_tls *context, bool is_server, const char *host);
/* NULL is allowed. */
void tr__tls_free(tr__tls *tls);

/* Where to put what comes from the network; NULL: out of memory. Then say how much it was. */
char *tr__tls_room(tr__tls *tls, size_t *bytes);
void tr__tls_fed(tr__tls *tls, size_t bytes);
/* What is to go to the network; then say how much has gone. */
const char *tr__tls_outgoing(const tr__tls *tls, size_t *bytes);
void tr__tls_sent(tr__tls *tls, size_t bytes);

/* Go on with the handshake: 0 when it is over; -EAGAIN: more must come.
 * Errors: TR_ECERTIFICATE; TR_ETLS; TR_ENOMEM. */
int tr__tls_handshake(tr__tls *tls);
/* Plain bytes: how many; 0: the other side has said goodbye; -EAGAIN: more must come.
 * Errors: TR_ETLS; TR_ENOMEM. */
ssize_t tr__tls_read(tr__tls *tls, void *buffer, size_t bytes);
/* Whether something is there that reading would understand, without any more from the network. */
bool tr__tls_has_pending(const tr__tls *tls);
/* Encrypt all of it.
 * Errors: TR_ETLS; TR_ENOMEM; TR_EPIPE goodbye was said. */
int tr__tls_write(tr__tls *tls, const void *data, size_t bytes);
/* Say goodbye, once. */
void tr__tls_end(tr__tls *tls);

const char *tr__tls_version(const tr__tls *tls);
const char *tr__tls_protocol(tr__tls *tls); /* "": none */
bool tr__tls_is_resumed(const tr__tls *tls);
/* The subject of the other side's certificate, which was verified; "": it has none. */
const char *tr__tls_peer(tr__tls *tls);
/* What has failed, for people; "". */
const char *tr__tls_error(const tr__tls *tls);

#endif
