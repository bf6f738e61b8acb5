/* The other side of a connection. */
#include "fuzz/peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct sockaddr sockaddr;

const fuzz_plan fuzz_plainly = { .ending = FUZZ_HALF_CLOSES };

/* ---- plans ---- */

/* What the two highest bits of a cut wait for, in seconds. The last is longer than any limit of the
 * tests' servers. */
static const double waits[] = { 0, 1e-4, 0.01, 20 };

/* Of a long text only the first pieces are short: hundreds would be slow, and show nothing new. */
static size_t piece_bytes(uint8_t cut, size_t number)
{
    enum { SHORT = 48, PIECES_MOST = 32 };
    size_t length = number < PIECES_MOST ? cut & 63 : 0;

    return length == 0 ? SIZE_MAX : length <= SHORT ? length : (length - SHORT) * 64;
}

fuzz_plan fuzz_read_plan(fuzz_input *in)
{
    uint8_t how = fuzz_byte(in);
    fuzz_plan plan = { .ending = (fuzz_ending)(how & 3), .listens_between = how & 4 };

    for (size_t i = 0; i < FUZZ_CUTS; i++)
        plan.cuts[i] = fuzz_byte(in);
    return plan;
}

bool fuzz_is_tardy(const fuzz_plan *plan)
{
    for (size_t i = 0; i < FUZZ_CUTS; i++)
        if (plan->cuts[i] >> 6 == 3)
            return true;
    return false;
}

bool fuzz_hears_all(const fuzz_plan *plan)
{
    return plan->ending == FUZZ_HALF_CLOSES || plan->ending == FUZZ_LISTENS;
}

/* ---- sockets ---- */

static struct sockaddr_in address_of(int port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

int fuzz_connect(int port)
{
    struct sockaddr_in name = address_of(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    EXPECT(fd >= 0 && connect(fd, (sockaddr *)&name, sizeof(name)) == 0);
    return fd;
}

int fuzz_listen(int *port)
{
    struct sockaddr_in name = address_of(0);
    socklen_t bytes = sizeof(name);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    EXPECT(fd >= 0 && bind(fd, (sockaddr *)&name, sizeof(name)) == 0 && listen(fd, 8) == 0);
    EXPECT(getsockname(fd, (sockaddr *)&name, &bytes) == 0);
    *port = ntohs(name.sin_port);
    return fd;
}

/* ---- talking ---- */

/* What comes next: false where nothing does, now or ever. */
static bool hear(int fd, fuzz_answer *answer, int flags)
{
    ssize_t count;

    EXPECT(answer->bytes < answer->room);
    count = recv(fd, answer->at + answer->bytes, answer->room - answer->bytes, flags);
    if (count > 0) {
        answer->bytes += (size_t)count;
        return true;
    }
    EXPECT(count == 0 || errno == EAGAIN || errno == ECONNRESET || errno == EPIPE);
    answer->has_ended = count == 0;
    return false;
}

bool fuzz_say(int fd, const void *data, size_t bytes)
{
    const char *at = data;

    while (bytes > 0) {
        ssize_t count = send(fd, at, bytes, MSG_NOSIGNAL);

        if (count < 0) {
            EXPECT(errno == EPIPE || errno == ECONNRESET);
            return false;
        }
        at += count;
        bytes -= (size_t)count;
    }
    return true;
}

static void end(int fd, const fuzz_plan *plan, fuzz_answer *answer)
{
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

    if (plan->ending == FUZZ_HALF_CLOSES)
        (void)shutdown(fd, SHUT_WR); /* ENOTCONN: it was reset */
    if (fuzz_hears_all(plan))
        while (hear(fd, answer, 0))
            ;
    if (plan->ending == FUZZ_RESETS)
        EXPECT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0);
    EXPECT(close(fd) == 0);
}

void fuzz_converse(int fd, const fuzz_plan *plan, const void *data, size_t bytes,
                   fuzz_answer *answer)
{
    const char *at = data;

    for (size_t i = 0; bytes > 0; i++) {
        uint8_t cut = plan->cuts[i % FUZZ_CUTS];
        size_t whole = piece_bytes(cut, i);
        size_t piece = whole < bytes ? whole : bytes;

        if (!fuzz_say(fd, at, piece))
            break;
        at += piece;
        bytes -= piece;
        if (bytes > 0 && waits[cut >> 6] > 0)
            tr_sim_sleep(waits[cut >> 6]);
        if (plan->listens_between)
            (void)hear(fd, answer, MSG_DONTWAIT);
    }
    end(fd, plan, answer);
}

size_t fuzz_hear_until(int fd, const char *end, fuzz_answer *answer)
{
    size_t length = strlen(end);

    do {
        const uint8_t *found = memmem(answer->at, answer->bytes, end, length);

        if (found != NULL)
            return (size_t)(found - answer->at) + length;
    } while (hear(fd, answer, 0));
    return 0;
}
