/* A server of names for tests, on 127.0.0.1: a task that answers by the first label of the name
 * that it is asked for. Include it in one file of a program.
 *
 *     four     A 127.0.0.4, for 60 s             both    two A, two AAAA, for 60 s
 *     alias    a CNAME of 5 s to four.test       six     AAAA ::6
 *     nx       there is no such name, for 3 s    none    it has no address
 *     never    the same, without a time          half    failed for A, nothing for AAAA
 *     failing  the server has failed             refused it will not tell
 *     silent   no answer at all                  large   by UDP truncated; 100 A by TCP
 *     brief    A, for no time at all             noise   bytes that are no answer
 *     stranger answers from elsewhere and to another question, then the right one
 *     _web     SRV: two hosts of priority 1, one of 2 (heavy.test: weight 9; light.test; last.test)
 *     _gone    SRV: the service is not available
 *     1        PTR: Host.Test (127.0.0.1, ::1)
 *     random   an answer in which bytes are changed */
#ifndef TR_TESTS_DNS_SERVER_H
#define TR_TESTS_DNS_SERVER_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/net.h>

#include "net/ready.h"
#include "net/system.h"
#include "sync/cases.h"

enum {
    DNS_A = 1,
    DNS_CNAME = 5,
    DNS_SOA = 6,
    DNS_PTR = 12,
    DNS_AAAA = 28,
    DNS_SRV = 33,
    DNS_BYTES = 4096
};

typedef struct dns_server {
    tr__ready udp;
    tr__ready tcp;
    tr_task *tasks[2];
    uint16_t port;
    int asked; /* questions that have come */
    uint64_t dice;
} dns_server;

typedef struct dns_message {
    unsigned char bytes[DNS_BYTES];
    size_t count;
} dns_message;

/* ---- answers ---- */

static void put(dns_message *m, const void *data, size_t bytes)
{
    EXPECT(m->count + bytes <= sizeof(m->bytes));
    memcpy(m->bytes + m->count, data, bytes);
    m->count += bytes;
}

static void put_u16(dns_message *m, unsigned value)
{
    put(m, (unsigned char[]){ (unsigned char)(value >> 8), (unsigned char)value }, 2);
}

/* A record of the name that was asked for, which stands at byte 12. */
static void put_record(dns_message *m, int type, unsigned ttl, const void *data, size_t bytes)
{
    put_u16(m, 0xc00c);
    put_u16(m, (unsigned)type);
    put_u16(m, 1);
    put_u16(m, ttl >> 16);
    put_u16(m, ttl);
    put_u16(m, (unsigned)bytes);
    put(m, data, bytes);
    m->bytes[7]++; /* answers */
}

static void put_a(dns_message *m, int type, unsigned ttl, unsigned char last)
{
    if (type == DNS_A)
        put_record(m, DNS_A, ttl, (unsigned char[]){ 127, 0, 0, last }, 4);
}

static void put_aaaa(dns_message *m, int type, unsigned ttl, unsigned char last)
{
    if (type == DNS_AAAA)
        put_record(m, DNS_AAAA, ttl, (unsigned char[16]){ [15] = last }, 16);
}

static void put_service(dns_message *m, unsigned char priority, unsigned char weight,
                        const char *label)
{
    unsigned char data[64] = { 0, priority, 0, weight, 0x1f, 0x90, (unsigned char)strlen(label) };
    size_t bytes = 7;
    bool has_host = *label != 0;

    for (; *label != 0; label++)
        data[bytes++] = (unsigned char)*label;
    if (has_host) {
        memcpy(data + bytes, "\4test", 6);
        bytes += 6;
    }
    put_record(m, DNS_SRV, 60, data, bytes);
}

static void put_others(dns_message *m, bool is_gone)
{
    if (is_gone) {
        put_service(m, 0, 0, "");
        return;
    }
    put_service(m, 2, 0, "last");
    put_service(m, 1, 0, "light");
    put_service(m, 1, 9, "heavy");
}

static void put_alias(dns_message *m, int type)
{
    static const unsigned char target[] = "\4four\4test";

    if (type != DNS_A)
        return;
    put_record(m, DNS_CNAME, 5, target, sizeof(target));
    put(m, target, sizeof(target));
    put(m, (unsigned char[]){ 0, DNS_A, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 4 }, 14);
    m->bytes[7]++;
}

static bool is_label(const dns_message *m, const char *label)
{
    size_t bytes = strlen(label);

    return m->bytes[12] == bytes && memcmp(m->bytes + 13, label, bytes) == 0;
}

/* In the authority section: nothing of that kind exists, for so many seconds. */
static void put_soa(dns_message *m, unsigned seconds)
{
    put_u16(m, 0xc00c);
    put_u16(m, DNS_SOA);
    put_u16(m, 1);
    put_u16(m, 0);
    put_u16(m, 60);
    put_u16(m, 22);
    put(m,
        (unsigned char[22]){ [20] = (unsigned char)(seconds >> 8), [21] = (unsigned char)seconds },
        22);
    m->bytes[9]++;
}

static void set_code(dns_message *m, int code)
{
    m->bytes[3] = (unsigned char)code;
}

static int type_of(const dns_message *m)
{
    size_t at = 12;

    while (at < m->count && m->bytes[at] != 0)
        at += m->bytes[at] + 1U;
    EXPECT(at + 5 == m->count);
    return m->bytes[at + 1] << 8 | m->bytes[at + 2];
}

static void answer_large(dns_message *m, int type, bool by_tcp)
{
    if (!by_tcp)
        m->bytes[2] |= 2; /* truncated */
    for (int i = 0; i < 100 && by_tcp; i++)
        put_a(m, type, 60, (unsigned char)i);
}

static void answer_addresses(dns_message *m, int type)
{
    bool is_both = is_label(m, "both");

    if (is_both || is_label(m, "four") || is_label(m, "stranger") || is_label(m, "random"))
        put_a(m, type, 60, 4);
    if (is_both || is_label(m, "six"))
        put_aaaa(m, type, 60, 6);
    if (is_label(m, "brief"))
        put_a(m, type, 0, 4);
    if (is_both) {
        put_a(m, type, 60, 5);
        put_aaaa(m, type, 60, 7);
    }
}

/* The question becomes its answer. false: there is none. */
static bool answer_to(dns_server *server, dns_message *m, bool by_tcp)
{
    int type = type_of(m);

    server->asked++;
    m->bytes[2] |= 0x80;
    if (is_label(m, "nx") || is_label(m, "never")) {
        set_code(m, 3);
        if (is_label(m, "nx"))
            put_soa(m, 3);
    } else if (is_label(m, "half") && type == DNS_A) {
        set_code(m, 2);
    } else if (is_label(m, "failing"))
        set_code(m, 2);
    else if (is_label(m, "refused"))
        set_code(m, 5);
    else if (is_label(m, "alias"))
        put_alias(m, type);
    else if (is_label(m, "large"))
        answer_large(m, type, by_tcp);
    else if (type == DNS_SRV && !is_label(m, "four"))
        put_others(m, is_label(m, "_gone"));
    else if (type == DNS_PTR && is_label(m, "1"))
        put_record(m, DNS_PTR, 60, "\4Host\4Test", 11);
    else
        answer_addresses(m, type);
    return !is_label(m, "silent");
}

static unsigned dns_random(dns_server *server)
{
    server->dice = server->dice * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(server->dice >> 33);
}

/* The id stays, or nobody would look at it. */
static void mutate(dns_server *server, dns_message *m)
{
    for (unsigned i = dns_random(server) % 6 + 1; i > 0; i--)
        m->bytes[2 + dns_random(server) % (m->count - 2)] = (unsigned char)dns_random(server);
    if (dns_random(server) % 3 == 0)
        m->count = 2 + dns_random(server) % (m->count - 2);
}

/* ---- by UDP ---- */

static void send_datagram(int fd, const dns_message *m, struct msghdr *to)
{
    struct iovec part = { (void *)(uintptr_t)m->bytes, m->count };

    to->msg_iov = &part;
    to->msg_iovlen = 1;
    (void)tr__sys_sendmsg(fd, to); /* the asker may be gone */
}

static void reply(dns_server *server, dns_message *m, struct msghdr *to)
{
    if (is_label(m, "stranger")) {
        dns_message wrong = *m;
        int stranger = tr__sys_socket(AF_INET, SOCK_DGRAM);

        wrong.bytes[wrong.count - 1] = 9;
        send_datagram(stranger, &wrong, to);
        tr__sys_close(stranger);
        wrong.bytes[0] ^= 0x55;
        send_datagram(server->udp.fd, &wrong, to);
    }
    if (is_label(m, "noise"))
        memset(m->bytes + 2, 0xff, m->count - 2);
    if (is_label(m, "random"))
        mutate(server, m);
    send_datagram(server->udp.fd, m, to);
}

static int serve_udp(void *arg)
{
    dns_server *server = arg;

    for (;;) {
        dns_message m;
        struct sockaddr_storage from;
        struct iovec part = { m.bytes, sizeof(m.bytes) };
        struct msghdr header = {
            .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &part, .msg_iovlen = 1
        };
        ssize_t count = tr__sys_recvmsg(server->udp.fd, &header);
        int rc;

        if (count < 0) {
            rc = tr__ready_await(&server->udp, &server->udp.in, "questions");
            if (rc < 0)
                return 0;
            continue;
        }
        m.count = (size_t)count;
        if (answer_to(server, &m, false))
            reply(server, &m, &header);
    }
}

/* ---- by TCP: a length of two bytes before each message ---- */

static void serve_connection(dns_server *server, tr_io *io)
{
    dns_message m;
    unsigned char length[2];

    while (tr_read_exact(io, length, 2) == 0) {
        m.count = (size_t)(length[0] << 8 | length[1]);
        if (m.count > sizeof(m.bytes) || tr_read_exact(io, m.bytes, m.count) < 0)
            return;
        (void)answer_to(server, &m, true);
        length[0] = (unsigned char)(m.count >> 8);
        length[1] = (unsigned char)m.count;
        if (tr_write_all(io, length, 2) < 0 || tr_write_all(io, m.bytes, m.count) < 0)
            return;
    }
}

static int serve_tcp(void *arg)
{
    dns_server *server = arg;
    struct sockaddr_storage from;
    socklen_t bytes;
    tr_io *io;

    for (;;) {
        int fd = tr__sys_accept(server->tcp.fd, &from, &bytes);

        if (fd >= 0) {
            if (tr_io_open(&io, fd) < 0) {
                tr__sys_close(fd);
                continue;
            }
            (void)tr__sys_set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
            serve_connection(server, io);
            (void)tr_close(io);
        } else if (tr__ready_await(&server->tcp, &server->tcp.in, "askers") < 0) {
            return 0;
        }
    }
}

/* ---- begin and end ---- */

static int bind_socket(int type, uint16_t *port)
{
    struct sockaddr_in any = { .sin_family = AF_INET,
                               .sin_port = htons(*port),
                               .sin_addr = { htonl(INADDR_LOOPBACK) } };
    struct sockaddr_storage name;
    socklen_t bytes;
    int fd = tr__sys_socket(AF_INET, type);

    EXPECT(fd >= 0);
    if (tr__sys_bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0) {
        tr__sys_close(fd);
        return -1;
    }
    EXPECT(tr__sys_local_name(fd, &name, &bytes) == 0);
    *port = ntohs(((struct sockaddr_in *)&name)->sin_port);
    return fd;
}

/* Both kinds of sockets have the same port: try until one is free for both. */
static void dns_server_open(dns_server *server)
{
    int udp, tcp;

    for (;;) {
        server->port = 0;
        tcp = bind_socket(SOCK_STREAM, &server->port);
        udp = bind_socket(SOCK_DGRAM, &server->port);
        if (udp >= 0)
            break;
        tr__sys_close(tcp);
    }
    EXPECT(tr__sys_listen(tcp, 16) == 0);
    EXPECT(tr__ready_open(&server->udp, udp) == 0);
    EXPECT(tr__ready_open(&server->tcp, tcp) == 0);
}

/* Start it, and let names be looked up there only, with these options. */
static void dns_server_start(dns_server *server, tr_dns_options options)
{
    char text[32];

    memset(server, 0, sizeof(*server));
    server->dice = 1;
    dns_server_open(server);
    EXPECT(tr_task_spawn(&server->tasks[0], serve_udp, server) == 0);
    EXPECT(tr_task_spawn(&server->tasks[1], serve_tcp, server) == 0);
    (void)snprintf(text, sizeof(text), "127.0.0.1:%u", server->port);
    options.servers = text;
    if (options.resolv_conf == NULL)
        options.resolv_conf = "/nonexistent/resolv.conf";
    if (options.hosts_file == NULL)
        options.hosts_file = "/nonexistent/hosts";
    EXPECT(tr_dns_configure(&options) == 0);
}

static void dns_server_stop(dns_server *server)
{
    for (int i = 0; i < 2; i++) {
        (void)tr_task_cancel(server->tasks[i]);
        EXPECT(tr_task_wait(server->tasks[i], TR_FOREVER) == 0);
        tr_task_unref(server->tasks[i]);
    }
    tr__ready_close(&server->udp);
    tr__ready_close(&server->tcp);
}

#endif
