/* A sweep over a session that is resumed, or not: see sweep_tls.h. */
#include "net/sweep_tls.h"

static tr_tls *of_server, *of_client;

static int meet(bool is_second)
{
    tr_io *server, *client;
    int rc = shake(&server, &client, of_server, of_client, "localhost");

    if (rc < 0)
        return rc;
    rc = exchange(client, server, "ping", 4);
    if (rc == 0)
        rc = exchange(server, client, "pong", 4); /* with the ticket before it */
    MUST(rc < 0 || has_struck() || tr_tls_is_resumed(client) == is_second);
    return part(server, client, rc);
}

static int prepare(void)
{
    int rc = make_client(&of_client, NULL);

    return rc == 0 ? meet(false) : rc;
}

static int meet_again(void)
{
    return meet(true);
}

static void clean_up(void)
{
    tr_tls_unref(of_client);
}

START_TEST(a_session_is_resumed_or_begun_anew)
{
    begin_files();
    ck_assert_int_eq(make_server(&of_server, "leaf", NULL), 0);
    sweep_tls(&(tls_program){ .prepare = prepare, .attempt = meet_again, .clean_up = clean_up });
    tr_tls_unref(of_server);
    end_certificates(&files);
}
END_TEST

TLS_SWEEPS("net/sweep_tls_resume", a_session_is_resumed_or_begun_anew)
