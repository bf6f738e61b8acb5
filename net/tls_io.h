/* Streams of TLS, inside. */
#ifndef TR_NET_TLS_IO_H
#define TR_NET_TLS_IO_H

#include "net/io.h"
#include "net/tls_engine.h"

/* Let a stream go on as an engine has begun, whose handshake is over.
 * Ownership: takes the engine. */
void tr__io_become_tls(tr_io *io, tr__tls *tls);

#endif
