/* Sweeps over a handshake and what is said after it: see sweep_tls.h. */
#include "net/sweep_tls.h"

static tr_tls *of_server, *of_client;

static int prepare(void)
{
    return make_client(&of_client, &(tr_tls_options){ .protocols = "http/1.1" });
}

static void clean_up(void)
{
    tr_tls_unref(of_client);
}

static int talk(void)
{
    static char text[20000];
    tr_io *server, *client;
    int rc = shake(&server, &client, of_server, of_client, "localhost");

    memset(text, 'x', sizeof(text));
    if (rc < 0)
        return rc;
    rc = exchange(client, server, "ping", 4);
    if (rc == 0)
        rc = exchange(server, client, text, sizeof(text));
    return part(server, client, rc);
}

START_TEST(two_sides_talk_or_are_told_what_has_failed)
{
    begin_files();
    ck_assert_int_eq(
        make_server(&of_server, "leaf", &(tr_tls_options){ .protocols = "h2 http/1.1" }), 0);
    sweep_tls(&(tls_program){ .prepare = prepare, .attempt = talk, .clean_up = clean_up });
    tr_tls_unref(of_server);
    end_certificates(&files);
}
END_TEST

TLS_SWEEPS("net/sweep_tls", two_sides_talk_or_are_told_what_has_failed)
