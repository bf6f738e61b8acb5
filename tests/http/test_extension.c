/* Lists of tokens, offers of permessage-deflate, and the handshake's proof. */
#include "http/extension.h"

#include <string.h>

#include "support/kit.h"

START_TEST(tokens_are_found_among_spaces_and_separators)
{
    static const char *const wanted[] = { "one", "two three", "4" };
    const char *list = " ,,one\t, two three ,4,";
    tr__slice token;

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        ck_assert(tr__next_token(&list, ",", &token));
        ck_assert(tr__slice_is(token, wanted[i]));
    }
    ck_assert(!tr__next_token(&list, ",", &token));
}
END_TEST

START_TEST(tokens_are_whole_and_in_any_case)
{
    const tr__slice upgrade = { "upgrade", 7 };

    ck_assert(tr__tokens_have("Upgrade", ",", upgrade));
    ck_assert(tr__tokens_have("keep-alive, UPGRADE", ",", upgrade));
    ck_assert(tr__tokens_have("a upgrade b", " ", upgrade));
    ck_assert(!tr__tokens_have("a upgrade b", ",", upgrade));
    ck_assert(!tr__tokens_have("upgrades,upgrad", ",", upgrade));
    ck_assert(!tr__tokens_have("", ",", upgrade));
}
END_TEST

START_TEST(offers_that_need_no_context_are_taken)
{
    static const char *const good[] = {
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate;client_max_window_bits=10;server_no_context_takeover",
        "permessage-deflate; server_max_window_bits=15",
        "permessage-deflate; server_max_window_bits=\"15\"",
        "x-other, permessage-deflate; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=8, permessage-deflate",
    };
    static const char *const bad[] = {
        "",
        "deflate",
        "permessage-deflate-too",
        "permessage-deflate=1",
        "permessage-deflate; server_max_window_bits=10",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_no_context_takeover=yes",
        "permessage-deflate; unheard_of",
        "x-other; permessage-deflate",
    };

    ck_assert(!tr__deflate_is_offered(NULL));
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(tr__deflate_is_offered(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!tr__deflate_is_offered(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(an_answer_must_keep_no_context)
{
    static const char *const good[] = {
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
    };
    static const char *const bad[] = {
        "",
        "permessage-deflate",
        "permessage-deflate; client_no_context_takeover",
        "permessage-deflate; server_no_context_takeover; client_max_window_bits=9",
        "permessage-deflate; server_no_context_takeover; unheard_of",
        "permessage-deflate; server_no_context_takeover, permessage-deflate",
        "x-other",
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(tr__deflate_is_taken(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!tr__deflate_is_taken(bad[i]), "%s", bad[i]);
}
END_TEST

/* The example of RFC 6455, 1.3. */
START_TEST(the_key_of_the_example_is_proved)
{
    char accept[TR__ACCEPT_BYTES + 1];

    ck_assert(tr__ws_accept_key("dGhlIHNhbXBsZSBub25jZQ==", accept));
    ck_assert_str_eq(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}
END_TEST

KIT_MAIN("http/extension", tokens_are_found_among_spaces_and_separators,
         tokens_are_whole_and_in_any_case, offers_that_need_no_context_are_taken,
         an_answer_must_keep_no_context, the_key_of_the_example_is_proved)
