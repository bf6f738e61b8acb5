/* Holds connections: opens N, has one request answered on each, and waits for a line on its input.
 *
 *     idle PORT CONNECTIONS      prints how many are open
 *
 * FIRST: from which address of 127.0.0.0/8 on they come. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EACH = 20000 /* connections from one address: it has some 28,000 ports */ };

static int open_one(int port, int number)
{
    const char *first = getenv("FIRST"); /* of the addresses that this one connects from */
    unsigned address =
        INADDR_LOOPBACK + (unsigned)(first != NULL ? atoi(first) : 0) + (unsigned)(number / EACH);
    struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = { htonl(address) } };
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((unsigned short)port),
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;

    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        return -1;
    return fd;
}

static int ask(int fd)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    char answer[4096];

    return write(fd, request, sizeof(request) - 1) == (ssize_t)sizeof(request) - 1 &&
                   read(fd, answer, sizeof(answer)) > 0
               ? 0
               : -1;
}

int main(int argc, char **argv)
{
    struct rlimit most;
    int wanted = argc == 3 ? atoi(argv[2]) : 0;
    int open;
    char line[8];

    if (wanted < 1) {
        fprintf(stderr, "usage: idle PORT CONNECTIONS\n");
        return 2;
    }
    getrlimit(RLIMIT_NOFILE, &most);
    most.rlim_cur = most.rlim_max;
    setrlimit(RLIMIT_NOFILE, &most);
    for (open = 0; open < wanted; open++) {
        int fd = open_one(atoi(argv[1]), open);

        if (fd < 0 || ask(fd) < 0)
            break;
    }
    if (open < wanted)
        perror("idle");
    printf("%d\n", open);
    fflush(stdout);
    return fgets(line, sizeof(line), stdin) == NULL && open < wanted;
}
