/* Sweeps over contexts of TLS: made, added to, read again. See sweep_tls.h. */
#include "net/sweep_tls.h"

/* ---- of a client ---- */

static int make_and_drop_client(void)
{
    tr_tls *tls;
    int rc = make_client(&tls, &(tr_tls_options){ .protocols = "h2 http/1.1" });

    tr_tls_unref(tls);
    return rc;
}

START_TEST(a_client_is_made_or_told_what_has_failed)
{
    begin_files();
    sweep_tls(&(tls_program){ .attempt = make_and_drop_client });
    end_certificates(&files);
}
END_TEST

/* ---- of a server ---- */

static const tr_tls_options *mutual(void)
{
    static tr_tls_options options;

    options = (tr_tls_options){ .authorities = file_of(&files, "good.pem"),
                                .requires_certificate = true };
    return &options;
}

static int make_and_drop_server(void)
{
    tr_tls *tls;
    int rc = make_server(&tls, "leaf", mutual());

    tr_tls_unref(tls);
    return rc;
}

START_TEST(a_server_is_made_or_told_what_has_failed)
{
    begin_files();
    sweep_tls(&(tls_program){ .attempt = make_and_drop_server });
    end_certificates(&files);
}
END_TEST

TLS_SWEEPS("net/sweep_tls_contexts", a_client_is_made_or_told_what_has_failed,
           a_server_is_made_or_told_what_has_failed)
