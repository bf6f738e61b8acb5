/* Names of hosts: what is asked of whom, and what comes of it. */
#include <stdlib.h>
#include <unistd.h>

#include "base/seam.h"
#include "net/dns.h"
#include "net/dns_server.h"

#define PORT 8080

static dns_server server;

static void begin(void)
{
    dns_server_start(&server, (tr_dns_options){ .timeout = 30 });
}

/* Where a question stays without an answer. */
static void begin_impatiently(void)
{
    dns_server_start(&server, (tr_dns_options){ .timeout = 0.02, .tries = 2 });
}

static int look_up(const char *host, tr_address *out, size_t *count)
{
    return tr__dns_lookup(host, PORT, out, TR__DNS_MOST, count);
}

/* The result alone. */
static int try_name(const char *host)
{
    tr_address found[TR__DNS_MOST];
    size_t count;
    int rc = look_up(host, found, &count);

    EXPECT((rc == 0) == (count > 0));
    return rc;
}

static void expect_address(const tr_address *address, const char *text)
{
    char is[128];

    EXPECT(tr_address_format(address, is, sizeof(is)) > 0);
    EXPECT(strcmp(is, text) == 0);
}

/* It has this address alone. */
static void expect_name(const char *host, const char *text)
{
    tr_address found[TR__DNS_MOST];
    size_t count;

    EXPECT(look_up(host, found, &count) == 0);
    EXPECT(count == 1);
    expect_address(&found[0], text);
}

CASE(numbers_and_this_machine_are_known_without_a_question)
{
    tr_address found[TR__DNS_MOST];
    size_t count;

    begin();
    expect_name("192.0.2.1", "192.0.2.1:8080");
    expect_name("2001:db8::1", "[2001:db8::1]:8080");
    EXPECT(look_up("App.LocalHost.", found, &count) == 0);
    EXPECT(count == 2);
    expect_address(&found[0], "[::1]:8080");
    expect_address(&found[1], "127.0.0.1:8080");
    EXPECT(tr__dns_lookup("localhost", 1, found, 1, &count) == 0 && count == 1);
    EXPECT(server.asked == 0);
    dns_server_stop(&server);
}

CASE(a_server_is_asked_for_a_name)
{
    begin();
    expect_name("four.test", "127.0.0.4:8080");
    expect_name("six.test", "[::6]:8080");
    expect_name("alias.test", "127.0.0.4:8080");
    expect_name("stranger.test", "127.0.0.4:8080");
    dns_server_stop(&server);
}

CASE(addresses_of_both_families_take_turns)
{
    tr_address found[TR__DNS_MOST];
    size_t count;

    begin();
    EXPECT(look_up("both.test", found, &count) == 0);
    EXPECT(count == 4);
    for (size_t i = 1; i < count; i++)
        EXPECT(found[i].tr__storage.ss_family != found[i - 1].tr__storage.ss_family);
    EXPECT(tr__dns_lookup("both.test", 1, found, 3, &count) == 0 && count == 3);
    dns_server_stop(&server);
}

CASE(what_goes_wrong_has_a_code)
{
    begin_impatiently();
    EXPECT(try_name("nx.test.") == TR_ENONAME);
    EXPECT(try_name("none.test.") == TR_ENONAME);
    EXPECT(try_name("failing.test.") == TR_ERESOLVE);
    EXPECT(try_name("refused.test.") == TR_ERESOLVE);
    EXPECT(try_name("silent.test.") == TR_ERESOLVE);
    EXPECT(try_name("half.test.") == TR_ERESOLVE);
    EXPECT(try_name("service.onion") == TR_ENONAME);
    EXPECT(try_name("noise.test.") == TR_ERESOLVE);
    dns_server_stop(&server);
}

CASE(what_can_be_no_name_is_not_asked_for)
{
    static const char *const bad[] = { "",          ".",   "a..b",        ".a",
                                       "a b",       "a/b", "caf\303\251", "1.2.3",
                                       "300.1.1.1", "a\n", "*",           "a:1" };
    char name[300];

    begin();
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        EXPECT(try_name(bad[i]) == TR_EINVAL);
    memset(name, 'a', sizeof(name));
    name[64] = 0;
    EXPECT(try_name(name) == TR_EINVAL);
    for (size_t i = 63; i < sizeof(name); i += 64)
        name[i] = '.';
    name[64] = 'a';
    name[299] = 0;
    EXPECT(try_name(name) == TR_EINVAL);
    name[254] = 0;
    EXPECT(try_name(name) == TR_EINVAL);
    EXPECT(server.asked == 0);
    dns_server_stop(&server);
}

CASE(what_is_truncated_is_asked_for_by_tcp)
{
    tr_address found[TR__DNS_MOST];
    size_t count;

    begin();
    EXPECT(look_up("large.test", found, &count) == 0);
    EXPECT(count == TR__DNS_MOST);
    dns_server_stop(&server);
}

/* ---- the cache ---- */

CASE(an_answer_is_remembered_until_its_time_is_over)
{
    int asked;

    begin();
    expect_name("alias.test", "127.0.0.4:8080");
    asked = server.asked;
    expect_name("ALIAS.test", "127.0.0.4:8080");
    EXPECT(server.asked == asked);
#if CASES_SIMULATED
    EXPECT(tr_sleep(6) == 0);
    expect_name("alias.test", "127.0.0.4:8080");
    EXPECT(server.asked == 2 * asked);
#endif
    dns_server_stop(&server);
}

CASE(that_there_is_no_name_is_remembered_for_less_long)
{
    int asked;

    begin();
    EXPECT(try_name("nx.test.") == TR_ENONAME);
    asked = server.asked;
    EXPECT(try_name("nx.test.") == TR_ENONAME);
    EXPECT(server.asked == asked);
#if CASES_SIMULATED
    EXPECT(tr_sleep(3.1) == 0);
    EXPECT(try_name("nx.test.") == TR_ENONAME);
    EXPECT(server.asked == 2 * asked);
#endif
    dns_server_stop(&server);
}

CASE(what_has_no_time_and_failures_are_not_remembered)
{
    int asked;

    begin();
    expect_name("brief.test", "127.0.0.4:8080");
    asked = server.asked;
    expect_name("brief.test", "127.0.0.4:8080");
    EXPECT(server.asked == 2 * asked);
    EXPECT(try_name("never.test.") == TR_ENONAME);
    asked = server.asked;
    EXPECT(try_name("never.test.") == TR_ENONAME);
    EXPECT(server.asked == asked + 2);
    EXPECT(try_name("refused.test.") == TR_ERESOLVE);
    asked = server.asked;
    EXPECT(try_name("refused.test.") == TR_ERESOLVE);
    EXPECT(server.asked > asked);
    dns_server_stop(&server);
}

CASE(a_full_cache_forgets_what_was_used_longest_ago)
{
    int asked;

    dns_server_start(&server, (tr_dns_options){ .cache_entries = 2 });
    EXPECT(try_name("four.a") == 0);
    EXPECT(try_name("four.b") == 0);
    EXPECT(try_name("four.a") == 0);
    EXPECT(try_name("four.c") == 0);
    asked = server.asked;
    EXPECT(try_name("four.a") == 0);
    EXPECT(server.asked == asked);
    EXPECT(try_name("four.b") == 0);
    EXPECT(server.asked > asked);
    dns_server_stop(&server);
}

CASE(what_is_flushed_is_asked_for_again)
{
    int asked;

    begin();
    EXPECT(try_name("four.test") == 0);
    asked = server.asked;
    tr_dns_flush();
    EXPECT(try_name("four.test") == 0);
    EXPECT(server.asked == 2 * asked);
    dns_server_stop(&server);
}

struct look_args {
    const char *host;
    int expected;
};

static int look(void *arg)
{
    const struct look_args *a = arg;

    EXPECT(try_name(a->host) == a->expected);
    return 0;
}

CASE(many_who_ask_for_one_name_make_one_question)
{
    int rc;

    begin();
    TR_SCOPE(s, &rc)
        for (int i = 0; i < 50; i++)
            EXPECT(tr_go(s, look, .host = "four.test") == 0);
    EXPECT(rc == 0);
    EXPECT(server.asked == 2); /* A and AAAA */
    dns_server_stop(&server);
}

CASE(many_names_are_asked_for_at_once)
{
    static char names[100][20];
    int rc;

    dns_server_start(&server, (tr_dns_options){ .cache_entries = 10 });
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 100; i++) {
            (void)snprintf(names[i], sizeof(names[i]), "four.n%d", i);
            EXPECT(tr_go(s, look, .host = names[i]) == 0);
        }
    }
    EXPECT(rc == 0);
    dns_server_stop(&server);
}

static int look_and_flush(void *unused)
{
    (void)unused;
    for (int i = 0; i < 10; i++) {
        EXPECT(try_name("four.test") == 0);
        tr_dns_flush();
    }
    return 0;
}

CASE(loops_ask_on_their_own)
{
    tr_task *tasks[2];

    begin();
    EXPECT(tr_task_spawn_on(&tasks[0], TR_LOOP(0), look_and_flush, NULL) == 0);
    EXPECT(tr_task_spawn_on(&tasks[1], TR_LOOP(1), look_and_flush, NULL) == 0);
    for (int i = 0; i < 2; i++) {
        EXPECT(tr_task_wait(tasks[i], TR_FOREVER) == 0);
        tr_task_unref(tasks[i]);
    }
    dns_server_stop(&server);
}

/* ---- those who give up ---- */

CASE(a_deadline_ends_a_wait_for_an_answer)
{
    int rc = 0;

    dns_server_start(&server, (tr_dns_options){ .timeout = 30 });
    TR_DEADLINE(0.01, &rc)
        rc = try_name("silent.test");
    EXPECT(rc == TR_ETIMEDOUT);
    dns_server_stop(&server);
}

CASE(a_change_while_a_question_is_out_lets_it_end)
{
    tr_task *task;

    begin_impatiently();
    EXPECT(tr_task_spawn(&task, look,
                         &(struct look_args){ .host = "silent.test.", .expected = TR_ERESOLVE }) ==
           0);
    let_others_run();
    tr_dns_flush();
    (void)try_name("four.test");
    EXPECT(tr_task_wait(task, TR_FOREVER) == 0);
    tr_task_unref(task);
    dns_server_stop(&server);
}

CASE(a_loop_may_close_while_a_question_is_out)
{
    int rc = 0;

    dns_server_start(&server, (tr_dns_options){ .timeout = 3000 });
    TR_DEADLINE(0.01, &rc)
        rc = try_name("silent.test");
    EXPECT(rc == TR_ETIMEDOUT);
    tr_dns_flush();
    TR_DEADLINE(0.01, &rc)
        rc = try_name("silent.test");
    dns_server_stop(&server);
}

/* ---- the hosts file ---- */

CASE(the_hosts_file_comes_first)
{
    char path[] = "/tmp/troupe-hosts-XXXXXX";
    static const char text[] = "# comment four.test\n127.0.0.9 other four.test # six.test\n"
                               "::9\tFour.Test\r\nnonsense four.test\n127.0.0.8\n";
    tr_address found[TR__DNS_MOST];
    size_t count;
    int fd = mkstemp(path);

    EXPECT(fd >= 0 && write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1);
    EXPECT(close(fd) == 0);
    dns_server_start(&server, (tr_dns_options){ .hosts_file = path });
    EXPECT(look_up("FOUR.test.", found, &count) == 0);
    EXPECT(unlink(path) == 0);
    EXPECT(count == 2);
    expect_address(&found[0], "127.0.0.9:8080");
    expect_address(&found[1], "[::9]:8080");
    EXPECT(server.asked == 0);
    expect_name("six.test", "[::6]:8080");
    dns_server_stop(&server);
}

/* ---- the API ---- */

CASE(a_program_resolves_names)
{
    tr_address *found;
    size_t count;

    begin();
    EXPECT(tr_resolve(&found, &count, "both.test", 80, NULL) == 0);
    EXPECT(count == 4);
    tr_resolve_free(found);
    EXPECT(tr_resolve(&found, &count, "both.test", 80,
                      &(tr_resolve_options){ .family = AF_INET }) == 0);
    EXPECT(count == 2 && found[1].tr__storage.ss_family == AF_INET);
    tr_resolve_free(found);
    EXPECT(tr_resolve(&found, &count, "four.test", 80,
                      &(tr_resolve_options){ .family = AF_INET6 }) == TR_ENONAME);
    EXPECT(found == NULL && count == 0);
    tr_resolve_free(NULL);
    dns_server_stop(&server);
}

CASE(a_service_is_found)
{
    tr_service *found;
    size_t count;

    begin();
    EXPECT(tr_resolve_services(&found, &count, "_web._tcp.test") == 0);
    EXPECT(count == 3);
    EXPECT(found[0].port == 8080 && found[0].priority == 1 && found[1].priority == 1);
    EXPECT(strcmp(found[0].host, "heavy.test") == 0 || strcmp(found[1].host, "heavy.test") == 0);
    EXPECT(strcmp(found[2].host, "last.test") == 0);
    tr_resolve_services_free(found);
    EXPECT(tr_resolve_services(&found, &count, "_gone._tcp.test") == TR_ENONAME);
    EXPECT(tr_resolve_services(&found, &count, "four.test") == TR_ENONAME);
    EXPECT(tr_resolve_services(&found, &count, "failing.test") == TR_ERESOLVE);
    EXPECT(tr_resolve_services(&found, &count, "a b") == TR_EINVAL);
    EXPECT(tr_resolve_services(&found, &count, NULL) == TR_EINVAL);
    EXPECT(found == NULL && count == 0);
    EXPECT(tr_resolve_services(NULL, &count, "a") == TR_EINVAL);
    EXPECT(tr_resolve_services(&found, NULL, "a") == TR_EINVAL);
    tr_resolve_services_free(NULL);
    dns_server_stop(&server);
}

CASE(an_address_has_a_name)
{
    tr_address address;
    char text[256];

    begin();
    EXPECT(tr_address_parse(&address, "127.0.0.1:80") == 0);
    EXPECT(tr_resolve_name(text, sizeof(text), &address) == 9);
    EXPECT(strcmp(text, "host.test") == 0);
    EXPECT(tr_resolve_name(text, 9, &address) == TR_ETOOLARGE);
    EXPECT(text[0] == 0);
    EXPECT(tr_address_parse(&address, "[::1]:80") == 0);
    EXPECT(tr_resolve_name(text, sizeof(text), &address) == 9);
    EXPECT(tr_address_parse(&address, "127.0.0.2:80") == 0);
    EXPECT(tr_resolve_name(text, sizeof(text), &address) == TR_ENONAME);
    EXPECT(tr_address_parse(&address, "unix:/socket") == 0);
    EXPECT(tr_resolve_name(text, sizeof(text), &address) == TR_EINVAL);
    EXPECT(tr_resolve_name(text, 0, &address) == TR_EINVAL);
    EXPECT(tr_resolve_name(NULL, 9, &address) == TR_EINVAL);
    EXPECT(tr_resolve_name(text, 9, NULL) == TR_EINVAL);
    dns_server_stop(&server);
}

/* ---- search domains ---- */

CASE(a_short_name_is_tried_with_each_search_domain)
{
    static const char text[] = "search nx.test test\noptions ndots:1\n";
    char path[] = "/tmp/troupe-resolv-XXXXXX";
    int fd = mkstemp(path);

    EXPECT(fd >= 0 && write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1);
    EXPECT(close(fd) == 0);
    dns_server_start(&server, (tr_dns_options){ .resolv_conf = path });
    expect_name("four", "127.0.0.4:8080");
    EXPECT(server.asked == 2); /* whatever begins with "four" is there */
    EXPECT(try_name("nx") == TR_ENONAME);
    EXPECT(server.asked == 2 + 3 * 2);
    EXPECT(try_name("nx.") == TR_ENONAME);
    EXPECT(server.asked == 2 + 4 * 2);
    EXPECT(unlink(path) == 0);
    dns_server_stop(&server);
}

/* ---- cancellation ---- */

static int ask_for_all(void *unused)
{
    tr_address found[TR__DNS_MOST];
    tr_service *services;
    size_t count;
    int rc;

    (void)unused;
    tr_dns_flush();
    rc = AWAIT(look_up("both.test.", found, &count));
    if (rc == 0)
        rc = AWAIT(look_up("large.test.", found, &count));
    if (rc == 0)
        rc = AWAIT(tr_resolve_services(&services, &count, "_web.test."));
    if (rc == 0)
        tr_resolve_services_free(services);
    return rc;
}

static void check_all(void *unused, int rc)
{
    (void)unused;
    EXPECT(rc == 0 || rc == TR_ECANCELED);
}

CASE(whoever_asks_may_be_cancelled_at_every_await)
{
    static const attempt steps = { NULL, ask_for_all, check_all };

    dns_server_start(&server, (tr_dns_options){ .timeout = 3 });
    cancel_at_every_await(&steps, NULL);
    EXPECT(try_name("four.test") == 0);
    dns_server_stop(&server);
}

static void resolve_elsewhere(void *unused)
{
    tr_address *found;
    tr_service *services;
    tr_address address;
    size_t count;
    char text[9];

    (void)unused;
    EXPECT(tr_resolve(&found, &count, "127.0.0.1", 80, NULL) == TR_EWRONGPLACE);
    EXPECT(tr_resolve_services(&services, &count, "a") == TR_EWRONGPLACE);
    EXPECT(tr_address_parse(&address, "127.0.0.1:80") == 0);
    EXPECT(tr_resolve_name(text, sizeof(text), &address) == TR_EWRONGPLACE);
}

CASE(bad_arguments_are_refused)
{
    tr_address *found;
    size_t count;

    begin();
    EXPECT(tr_resolve(NULL, &count, "a", 80, NULL) == TR_EINVAL);
    EXPECT(tr_resolve(&found, NULL, "a", 80, NULL) == TR_EINVAL);
    EXPECT(tr_resolve(&found, &count, NULL, 80, NULL) == TR_EINVAL);
    EXPECT(tr_resolve(&found, &count, "a", 80, &(tr_resolve_options){ .family = 99 }) == TR_EINVAL);
    EXPECT(tr_dns_configure(&(tr_dns_options){ .servers = "" }) == TR_EINVAL);
    EXPECT(tr_dns_configure(&(tr_dns_options){ .servers = "dns.test" }) == TR_EINVAL);
    EXPECT(tr_dns_configure(&(tr_dns_options){ .servers = "127.0.0.1:0" }) == TR_EINVAL);
    EXPECT(tr_dns_configure(
               &(tr_dns_options){ .servers = "::1,::1,::1,::1,::1,::1,::1,::1,::1" }) == TR_EINVAL);
    EXPECT(tr_dns_configure(&(tr_dns_options){ .timeout = -1 }) == TR_EINVAL);
    EXPECT(tr_dns_configure(&(tr_dns_options){ .ttl_most = __builtin_nan("") }) == TR_EINVAL);
    EXPECT(tr_dns_configure(&(tr_dns_options){ .ttl_least = 2, .ttl_most = 1 }) == TR_EINVAL);
    EXPECT(tr_dns_configure(&(tr_dns_options){ .tries = -1 }) == TR_EINVAL);
    call_elsewhere(resolve_elsewhere, NULL);
    EXPECT(try_name("four.test") == 0); /* the configuration has stayed */
    dns_server_stop(&server);
}

/* ---- what fails ---- */

#if !CASES_SIMULATED
/* Times are short here, and c-ares does not try again by TCP: on a machine that is busy, it may
 * take a few questions. */
static void expect_well(const char *name)
{
    int rc;

    do
        rc = try_name(name);
    while (rc == TR_ERESOLVE);
    EXPECT(rc == 0);
}

/* Let each allocation and system call of a lookup fail in turn: that is told, and afterwards all is
 * well. */
static void fail_each_call(const char *name)
{
    bool was_reached = true;

    for (uint64_t n = 1; was_reached; n++) {
        int rc;

        EXPECT(n < 10000);
        tr_dns_flush();
        tr__fault_arm(n, false);
        rc = try_name(name);
        was_reached = tr__fault_disarm();
        EXPECT(rc == 0 || rc == TR_ENOMEM || rc == TR_ERESOLVE || rc == TR_ENONAME);
        expect_well("four.test");
        expect_well(name);
    }
}

static int ask_for_records(void)
{
    tr_service *services;
    tr_address *addresses, address;
    size_t count;
    char text[64];
    int rc = tr_resolve(&addresses, &count, "four.test", 80, NULL);

    tr_resolve_free(addresses);
    EXPECT(tr_address_parse(&address, "127.0.0.1:80") == 0);
    if (rc == 0)
        rc = tr_resolve_services(&services, &count, "_web.test");
    if (rc == 0)
        tr_resolve_services_free(services);
    return rc < 0 ? rc : tr_resolve_name(text, sizeof(text), &address);
}

static void fail_each_call_for_records(void)
{
    bool was_reached = true;

    for (uint64_t n = 1; was_reached; n++) {
        int rc;

        EXPECT(n < 10000);
        tr_dns_flush();
        tr__fault_arm(n, false);
        rc = ask_for_records();
        was_reached = tr__fault_disarm();
        EXPECT(rc > 0 || rc == TR_ENOMEM || rc == TR_ERESOLVE);
        EXPECT(ask_for_records() == 9);
    }
}

CASE(whatever_fails_is_told_and_leaves_the_rest_alone)
{
    dns_server_start(&server, (tr_dns_options){ .timeout = 0.005, .tries = 12 });
    fail_each_call("both.test.");
    fail_each_call("alias.test.");
    fail_each_call("large.test.");
    fail_each_call_for_records();
    dns_server_stop(&server);
}
#endif

CASE(the_environment_names_servers_where_the_program_does_not)
{
    const tr_dns_options options = { .resolv_conf = "/nonexistent/resolv.conf",
                                     .hosts_file = "/nonexistent/hosts" };
    char text[32];

    begin();
    (void)snprintf(text, sizeof(text), "[::1]:1,127.0.0.1:%u", server.port);
    EXPECT(setenv("TROUPE_DNS_SERVERS", text + strlen("[::1]:1,"), 1) == 0);
    EXPECT(tr_dns_configure(&options) == 0);
    expect_name("four.test", "127.0.0.4:8080");
    EXPECT(setenv("TROUPE_DNS_SERVERS", text, 1) == 0); /* the first one is not there */
    EXPECT(tr_dns_configure(&options) == 0);
    expect_name("four.test", "127.0.0.4:8080");
    EXPECT(unsetenv("TROUPE_DNS_SERVERS") == 0);
    dns_server_stop(&server);
}

/* ---- anything may come ---- */

CASE(no_answer_whatever_it_is_does_harm)
{
    dns_server_start(&server, (tr_dns_options){ .timeout = 0.002, .tries = 1 });
    for (int i = 0; i < (CASES_SIMULATED ? 5 : 300); i++) {
        int rc = try_name("random.test.");

        EXPECT(rc == 0 || rc == TR_ENONAME || rc == TR_ERESOLVE);
        tr_dns_flush();
    }
    dns_server_stop(&server);
}

#if CASES_SIMULATED
#define REAL_ONLY
#else
#define REAL_ONLY whatever_fails_is_told_and_leaves_the_rest_alone,
#endif

CASES("dns", REAL_ONLY numbers_and_this_machine_are_known_without_a_question,
      a_server_is_asked_for_a_name, addresses_of_both_families_take_turns,
      what_goes_wrong_has_a_code, what_can_be_no_name_is_not_asked_for,
      what_is_truncated_is_asked_for_by_tcp, an_answer_is_remembered_until_its_time_is_over,
      that_there_is_no_name_is_remembered_for_less_long,
      what_has_no_time_and_failures_are_not_remembered,
      a_full_cache_forgets_what_was_used_longest_ago, what_is_flushed_is_asked_for_again,
      many_who_ask_for_one_name_make_one_question, many_names_are_asked_for_at_once,
      loops_ask_on_their_own, a_deadline_ends_a_wait_for_an_answer,
      a_change_while_a_question_is_out_lets_it_end, a_loop_may_close_while_a_question_is_out,
      the_hosts_file_comes_first, the_environment_names_servers_where_the_program_does_not,
      a_program_resolves_names, a_service_is_found, an_address_has_a_name,
      a_short_name_is_tried_with_each_search_domain, whoever_asks_may_be_cancelled_at_every_await,
      bad_arguments_are_refused, no_answer_whatever_it_is_does_harm)
