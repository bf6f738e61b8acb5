/* Sweeps over a context that is changed while it is used: whatever fails, it is what it was. See
 * sweep_tls.h. */
#include "net/sweep_tls.h"

static tr_tls *of_server, *of_client;

/* OpenSSL swallows that it had no memory for an algorithm, and has it not, then: nobody is told, but
 * a context that is read again has it. */
static bool has_swallowed;

static int tell_of(bool had_struck, int rc)
{
    has_swallowed = rc == 0 && !had_struck && has_struck();
    return made(rc);
}

static void mend(tr_tls *tls)
{
    if (has_swallowed)
        MUST(tr_tls_reload(tls) == 0);
}

/* Whom a client meets that asks for that host. */
static const char *peer_at(const char *host)
{
    static char name[64];
    tr_io *server, *client;
    int rc = shake(&server, &client, of_server, of_client, host);

    if (rc < 0)
        (void)fprintf(stderr, "%s gives %d (%s)\n", host, rc, tr_err_name(rc));
    MUST(rc == 0);
    (void)snprintf(name, sizeof(name), "%s", tr_tls_peer(client));
    (void)tr_close(client); /* nothing was said */
    (void)tr_close(server);
    return name;
}

/* ---- one certificate more ---- */

static int prepare(void)
{
    int rc = make_server(&of_server, "leaf", NULL);

    return rc == 0 ? make_client(&of_client, NULL) : rc;
}

static void clean_up(void)
{
    tr_tls_unref(of_client);
    tr_tls_unref(of_server);
}

static int add(void)
{
    bool had_struck = has_struck();

    return tell_of(had_struck,
                   tr_tls_add_certificate(of_server, "*.example.org", file_of(&files, "other.pem"),
                                          file_of(&files, "other.key")));
}

static void expect_both(void)
{
    mend(of_server);
    MUST(strcmp(peer_at("www.example.org"), "CN=other") == 0);
    MUST(strcmp(peer_at("localhost"), "CN=localhost") == 0);
    clean_up();
}

START_TEST(a_certificate_is_added_or_not)
{
    begin_files();
    sweep_tls(
        &(tls_program){ .share = 3, .prepare = prepare, .attempt = add, .clean_up = expect_both });
    end_certificates(&files);
}
END_TEST

/* ---- all files again ---- */

static int reload(void)
{
    bool had_struck = has_struck();

    return tell_of(had_struck, tr_tls_reload(of_client));
}

static void expect_one(void)
{
    mend(of_client);
    MUST(strcmp(peer_at("localhost"), "CN=localhost") == 0);
    tr_tls_unref(of_client);
}

static int prepare_client(void)
{
    return make_client(&of_client, NULL);
}

START_TEST(a_context_is_read_again_or_goes_on_as_it_was)
{
    begin_files();
    ck_assert_int_eq(make_server(&of_server, "leaf", NULL), 0);
    sweep_tls(&(tls_program){
        .share = 3, .prepare = prepare_client, .attempt = reload, .clean_up = expect_one });
    tr_tls_unref(of_server);
    end_certificates(&files);
}
END_TEST

TLS_SWEEPS("net/sweep_tls_reload", a_certificate_is_added_or_not,
           a_context_is_read_again_or_goes_on_as_it_was)
