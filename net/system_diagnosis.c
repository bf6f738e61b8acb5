/* What the system knows of sockets, by the socket that it answers such questions on: sock_diag(7).
 * */
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "net/system.h"

enum { ANSWER_BYTES = 16 * 1024 }; /* more than it says at one time */

/* As the network has it; 0: it is no socket of TCP. */
static in_port_t port_of(const struct sockaddr_storage *name)
{
    if (name->ss_family == AF_INET)
        return ((const struct sockaddr_in *)(const void *)name)->sin_port;
    if (name->ss_family == AF_INET6)
        return ((const struct sockaddr_in6 *)(const void *)name)->sin6_port;
    return 0;
}

static ssize_t ask(int fd, sa_family_t family, in_port_t port)
{
    struct {
        struct nlmsghdr head;
        struct inet_diag_req_v2 body;
    } request = {
        .head = { .nlmsg_len = sizeof(request),
                  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
        .body = { .sdiag_family = (unsigned char)family,
                  .sdiag_protocol = IPPROTO_TCP,
                  .idiag_states = 1U << TCP_SYN_RECV,
                  .id.idiag_sport = port },
    };

    return tr__sys_send(fd, &request, sizeof(request));
}

/* The first message tells: a socket, or the end of the list, or an error. */
static bool hears_of_one(int fd)
{
    union {
        struct nlmsghdr head;
        char bytes[ANSWER_BYTES];
    } answer;
    ssize_t count = tr__sys_recv(fd, &answer, sizeof(answer));

    return count >= (ssize_t)sizeof(answer.head) && answer.head.nlmsg_type == SOCK_DIAG_BY_FAMILY;
}

bool tr__sys_has_handshakes(int fd)
{
    struct sockaddr_storage name;
    socklen_t bytes;
    in_port_t port = tr__sys_local_name(fd, &name, &bytes) == 0 ? port_of(&name) : 0;
    int diagnosis = port != 0 ? tr__sys_open_diagnosis() : -1;
    bool has;

    if (diagnosis < 0)
        return false;
    has = ask(diagnosis, name.ss_family, port) >= 0 && hears_of_one(diagnosis);
    tr__sys_close(diagnosis);
    return has;
}
