/* libcurl's side of ./dev bench --client: the multi interface on epoll
 * (CURLMOPT_SOCKETFUNCTION), easy handles that are used again, a body that is collected and
 * compared. */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MOST 256
#define BODY_MOST   1024

static const char expected[] = "Hello, World!";

struct fetch {
    CURL *easy;
    size_t bytes;
    char body[BODY_MOST];
};

static int epoll;
static CURLM *multi;
static long timeout_ms = -1; /* -1: none */
static long left;            /* requests to begin */
static long running;
static long right;
static long wrong;

static void check(CURLMcode code)
{
    if (code != CURLM_OK) {
        fprintf(stderr, "libcurl: %s\n", curl_multi_strerror(code));
        exit(1);
    }
}

static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
    struct fetch *f = arg;
    size_t bytes = size * count;

    if (bytes > BODY_MOST - f->bytes)
        return 0;
    memcpy(f->body + f->bytes, data, bytes);
    f->bytes += bytes;
    return bytes;
}

static int watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct epoll_event event = { .data.fd = fd };

    (void)easy;
    (void)arg;
    if (what == CURL_POLL_REMOVE)
        return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL) && errno != EBADF && errno != ENOENT ? -1
                                                                                              : 0;
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
    if (epoll_ctl(epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event))
        return -1;
    check(curl_multi_assign(multi, fd, &epoll));
    return 0;
}

static int set_timeout(CURLM *m, long ms, void *arg)
{
    (void)m;
    (void)arg;
    timeout_ms = ms;
    return 0;
}

static void begin(struct fetch *f)
{
    left--;
    running++;
    f->bytes = 0;
    check(curl_multi_add_handle(multi, f->easy));
}

static void take_ended(void)
{
    CURLMsg *message;
    int more;

    while ((message = curl_multi_info_read(multi, &more))) {
        struct fetch *f;
        CURLcode result = message->data.result;
        long status = 0;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&f);
        curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
        if (result == CURLE_OK && status == 200 && f->bytes == sizeof(expected) - 1 &&
            memcmp(f->body, expected, f->bytes) == 0)
            right++;
        else
            wrong++;
        running--;
        check(curl_multi_remove_handle(multi, f->easy));
        if (left > 0)
            begin(f);
    }
}

static void fetch_all(struct fetch *fetches, long in_flight, long requests)
{
    int still;

    left = requests;
    right = wrong = 0;
    for (long i = 0; i < in_flight && left > 0; i++)
        begin(&fetches[i]);
    while (running > 0) {
        struct epoll_event events[EVENTS_MOST];
        int n = timeout_ms == 0 ? 0 : epoll_wait(epoll, events, EVENTS_MOST, (int)timeout_ms);

        if (n == 0) {
            timeout_ms = -1;
            check(curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &still));
        }
        for (int i = 0; i < n; i++)
            check(curl_multi_socket_action(
                multi, events[i].data.fd,
                (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                    (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                    (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0),
                &still));
        take_ended();
    }
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    struct rusage before;
    struct rusage after;
    struct fetch *fetches;
    long in_flight;

    if (argc != 4)
        return 2;
    in_flight = strtol(argv[3], NULL, 10);
    fetches = calloc((size_t)in_flight, sizeof(struct fetch));
    epoll = epoll_create1(EPOLL_CLOEXEC);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = curl_multi_init();
    if (!fetches || !multi || epoll < 0)
        return 1;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timeout);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, in_flight);
    for (long i = 0; i < in_flight; i++) {
        fetches[i].easy = curl_easy_init();
        curl_easy_setopt(fetches[i].easy, CURLOPT_URL, argv[1]);
        curl_easy_setopt(fetches[i].easy, CURLOPT_WRITEFUNCTION, take_body);
        curl_easy_setopt(fetches[i].easy, CURLOPT_WRITEDATA, &fetches[i]);
        curl_easy_setopt(fetches[i].easy, CURLOPT_PRIVATE, &fetches[i]);
        curl_easy_setopt(fetches[i].easy, CURLOPT_NOSIGNAL, 1L);
    }
    fetch_all(fetches, in_flight, in_flight * 10); /* connections are there then */
    getrusage(RUSAGE_SELF, &before);
    fetch_all(fetches, in_flight, strtol(argv[2], NULL, 10));
    getrusage(RUSAGE_SELF, &after);
    printf("requests %ld errors %ld client_user %.6f client_sys %.6f\n", right, wrong,
           seconds_of(after.ru_utime) - seconds_of(before.ru_utime),
           seconds_of(after.ru_stime) - seconds_of(before.ru_stime));
    return 0;
}
