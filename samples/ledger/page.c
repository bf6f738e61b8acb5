/* See page.h. Its files are read by the assembler, from page/, by a path that is relative to an
 * include directory: so the program is one file, and runs anywhere. CMakeLists.txt says that this
 * object depends on them. */
#include "page.h"

#define EMBED(name, file)                                                                          \
    __asm__(".section .rodata\n"                                                                   \
            "page_" #name ":\n"                                                                    \
            ".incbin \"page/" file "\"\n"                                                          \
            "page_" #name "_end:\n"                                                                \
            ".byte 0\n"                                                                            \
            ".globl page_" #name "\n"                                                              \
            ".globl page_" #name "_end\n"                                                          \
            ".previous\n");                                                                        \
    extern const char page_##name[] __attribute__((visibility("hidden")));                         \
    extern const char page_##name##_end[] __attribute__((visibility("hidden")))

EMBED(html, "index.html");
EMBED(css, "ledger.css");
EMBED(js, "ledger.js");

static const struct asset {
    const char *path;
    const char *type;
    const char *begin;
    const char *end;
} assets[] = {
    { "/", "text/html; charset=utf-8", page_html, page_html_end },
    { "/ledger.css", "text/css; charset=utf-8", page_css, page_css_end },
    { "/ledger.js", "text/javascript; charset=utf-8", page_js, page_js_end },
};

/* Nothing of it comes from elsewhere, nor may be put into another page. */
static int get_asset(tr_http_request *req, tr_http_response *res, void *ctx)
{
    const struct asset *a = ctx;
    int rc = tr_http_set_header(res, "Content-Security-Policy",
                                "default-src 'self'; img-src data:; connect-src 'self' ws: wss:; "
                                "frame-ancestors 'none'");

    (void)req;
    if (rc == 0)
        rc = tr_http_set_header(res, "X-Content-Type-Options", "nosniff");
    return rc < 0 ? rc : tr_http_send(res, 200, a->type, a->begin, (size_t)(a->end - a->begin));
}

void page_add(tr_http_server *srv)
{
    for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++)
        tr_http_route_with(srv, "GET", assets[i].path, get_asset,
                           (void *)(uintptr_t)&assets[i], /* it is only read */
                           &(tr_http_route_options){ .is_hidden = true });
}
