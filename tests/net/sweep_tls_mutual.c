/* Sweeps over handshakes of which more is asked: certificates of clients, sessions that are resumed,
 * and certificates that nobody should trust. See sweep_tls.h. */
#include "net/sweep_tls.h"

static tr_tls *of_server, *of_client;

/* ---- both sides have certificates ---- */

static int prepare_alice(void)
{
    return make_client(&of_client, &(tr_tls_options){ .certificate = file_of(&files, "alice.pem"),
                                                      .key = file_of(&files, "alice.key") });
}

static void drop_client(void)
{
    tr_tls_unref(of_client);
}

static int talk_to_alice(void)
{
    tr_io *server, *client;
    int rc = shake(&server, &client, of_server, of_client, "127.0.0.1");

    if (rc < 0)
        return rc;
    rc = exchange(client, server, "ping", 4);
    if (rc == 0)
        MUST(strcmp(tr_tls_peer(server), "CN=alice") == 0 || has_struck());
    return part(server, client, rc);
}

START_TEST(alice_is_known_or_refused)
{
    begin_files();
    ck_assert_int_eq(make_server(&of_server, "leaf",
                                 &(tr_tls_options){ .authorities = file_of(&files, "good.pem"),
                                                    .requires_certificate = true }),
                     0);
    sweep_tls(&(tls_program){
        .share = 5, .prepare = prepare_alice, .attempt = talk_to_alice, .clean_up = drop_client });
    tr_tls_unref(of_server);
    end_certificates(&files);
}
END_TEST

/* ---- nobody is trusted because something fails ---- */

static int prepare_stranger(void)
{
    return make_client(&of_client, NULL);
}

static int refuse_stranger(void)
{
    tr_io *server, *client;
    int rc = shake(&server, &client, of_server, of_client, "localhost");

    MUST(rc < 0);
    return rc == TR_ECERTIFICATE ? 0 : rc;
}

START_TEST(nobody_is_trusted_because_something_fails)
{
    begin_files();
    ck_assert_int_eq(make_server(&of_server, "own", NULL), 0);
    sweep_tls(&(tls_program){ .share = 5,
                              .prepare = prepare_stranger,
                              .attempt = refuse_stranger,
                              .clean_up = drop_client });
    tr_tls_unref(of_server);
    end_certificates(&files);
}
END_TEST

TLS_SWEEPS("net/sweep_tls_mutual", alice_is_known_or_refused,
           nobody_is_trusted_because_something_fails)
