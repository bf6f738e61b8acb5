/* What comes after an answer, or a failure: nothing, another place, another attempt. It is decided
 * when the answer's head is there: for a body that nobody wants, nobody waits for long. */
#include <string.h>
#include <troupe/task.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "client/exchange.h"
#include "client/jar.h"
#include "client/redirect.h"
#include "net/system.h"

int64_t tr__call_wall_s(void)
{
    return (int64_t)(tr__sys_wall_ns() / 1000000000);
}

/* ---- cookies ---- */

static int take_cookies(const tr__client_call *call, const tr_http_reply *reply)
{
    tr__jar *jar = call->client->jar;
    int64_t now_s = jar != NULL ? tr__call_wall_s() : 0;
    int rc = 0;

    for (size_t i = 0; jar != NULL && rc == 0 && i < reply->line_count; i++)
        if (tr__slice_is_ignoring_case(reply->lines[i].name, "Set-Cookie"))
            rc = tr__jar_set(jar, &call->url, reply->lines[i].value, now_s);
    return rc;
}

/* ---- elsewhere ---- */

static void drop_lines(tr__client_call *call, const tr__redirect *redirect)
{
    size_t kept = 0;

    for (size_t i = 0; i < call->line_count; i++)
        if (!tr__redirect_drops(redirect, tr__header_known(call->lines[i].name)))
            call->lines[kept++] = call->lines[i];
    call->line_count = kept;
}

static void drop_body(tr__client_call *call)
{
    call->method = "GET";
    call->is_head = false;
    call->may_repeat = true;
    call->has_body = false;
    call->type = NULL;
    call->body = NULL;
    call->body_bytes = 0;
    call->given.source = NULL;
    call->given.source_bytes = 0;
}

/* The next request. Takes the redirect's URL. */
static void go(tr__client_call *call, tr__redirect *redirect)
{
    drop_lines(call, redirect);
    if (redirect->becomes_get)
        drop_body(call);
    if (redirect->leaves_origin) {
        call->has_left = true;
        tr__free(call->authorization);
        call->authorization = NULL;
    }
    tr__url_fini(&call->url);
    call->url = redirect->url;
    call->redirects++;
    call->next = TR__CALL_ELSEWHERE;
}

/* Whether an answer is followed; an answer that leads nowhere is one as any other, and so is one
 * that asks for a body which is gone. */
static bool is_followed(const tr__client_call *call, const tr_http_reply *reply)
{
    return tr__redirect_is(reply->status) && call->given.redirects_most > 0 &&
           (call->given.source == NULL || !tr__redirect_repeats(reply->status, call->method));
}

static int lead(tr__client_call *call, const tr_http_reply *reply)
{
    tr__slice location = { 0 };
    tr__redirect redirect;
    int rc;

    for (size_t i = 0; i < reply->line_count && location.at == NULL; i++)
        if (tr__slice_is_ignoring_case(reply->lines[i].name, "Location"))
            location = reply->lines[i].value;
    if (location.at == NULL)
        return 0;
    if (call->redirects >= call->given.redirects_most)
        return TR_EREDIRECTS;
    rc = tr__redirect_read(&redirect, reply->status, call->method, &call->url, location);
    if (rc == 0)
        go(call, &redirect);
    return rc;
}

/* ---- again ---- */

static tr__slice retry_after(const tr_http_reply *reply)
{
    for (size_t i = 0; i < reply->line_count; i++)
        if (tr__slice_is_ignoring_case(reply->lines[i].name, "Retry-After"))
            return reply->lines[i].value;
    return (tr__slice){ 0 };
}

int tr__call_judge(tr__client_call *call, const tr_http_reply *reply)
{
    int rc = take_cookies(call, reply);

    call->next = TR__CALL_ENDS;
    if (reply->status == 407 && tr__proxy_is_asked(call->proxy, &call->url))
        return TR_EPROXY;
    if (rc == 0 && is_followed(call, reply))
        rc = lead(call, reply);
    else if (rc == 0 && call->may_repeat &&
             tr__again_after_status(&call->again, reply->status, retry_after(reply),
                                    tr__call_wall_s(), tr_deadline_left(), &call->wait))
        call->next = TR__CALL_AGAIN;
    return rc;
}

bool tr__call_forgives(tr__client_call *call, int error)
{
    if (!call->may_repeat ||
        !tr__again_after_error(&call->again, error, tr_deadline_left(), &call->wait))
        return false;
    call->next = TR__CALL_AGAIN;
    return true;
}

int tr__call_go_on(tr__client_call *call)
{
    tr__client_tally *tally = &call->room->tally;

    tr__bump_u64(call->next == TR__CALL_AGAIN ? &tally->retries : &tally->redirects, 1);
    return call->next == TR__CALL_AGAIN ? tr_sleep(call->wait) : 0;
}
