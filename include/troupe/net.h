/* The network: streams of bytes (TCP, Unix, TLS, pipes), datagrams, names, processes, files, HTTP
 * and WebSocket. A library of its own: link with troupe-net (pkg-config troupe-net; CMake
 * troupe::troupe-net).
 *
 * A program that includes this header needs no other. */
#ifndef TROUPE_NET_H
#define TROUPE_NET_H

#include <troupe.h>

#include <troupe/address.h>
#include <troupe/client.h>
#include <troupe/declare.h>
#include <troupe/dns.h>
#include <troupe/file.h>
#include <troupe/http.h>
#include <troupe/io.h>
#include <troupe/json.h>
#include <troupe/middleware.h>
#include <troupe/process.h>
#include <troupe/signals.h>
#include <troupe/tcp.h>
#include <troupe/tls.h>
#include <troupe/udp.h>
#include <troupe/watch.h>
#include <troupe/websocket.h>

#endif
