/* Passing bytes on between two streams, in both directions, whatever they say: WebSockets. */
#ifndef GATEWAY_TUNNEL_H
#define GATEWAY_TUNNEL_H

#include <troupe/net.h>

/* Until both have ended, one of them has failed, or neither has said a word for so many seconds (or
 * up to twice as long). Where one ends, the other is told, and may go on. Both stay open.
 * 0; TR_ETIMEDOUT; TR_ECANCELED; of the streams; TR_ENOMEM. */
int tunnel_pass(tr_io *one, tr_io *other, double idle_timeout);

#endif
