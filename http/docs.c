/* The files of the page at /docs, as the assembler reads them: from http/assets/, by a path that is
 * relative to an include directory. So nothing is generated, and a build is the same wherever it is
 * made. CMakeLists.txt says that this object depends on them. */
#include "http/docs.h"

#define EMBED(name, file)                                                                          \
    __asm__(".section .rodata\n"                                                                   \
            ".hidden tr__docs_" #name "\n"                                                         \
            ".globl tr__docs_" #name "\n"                                                          \
            "tr__docs_" #name ":\n"                                                                \
            ".incbin \"http/assets/" file "\"\n"                                                   \
            ".hidden tr__docs_" #name "_end\n"                                                     \
            ".globl tr__docs_" #name "_end\n"                                                      \
            "tr__docs_" #name "_end:\n"                                                            \
            ".byte 0\n"                                                                            \
            ".previous\n");                                                                        \
    extern const char tr__docs_##name[] __attribute__((visibility("hidden")));                     \
    extern const char tr__docs_##name##_end[] __attribute__((visibility("hidden")))

EMBED(html, "docs.html");
EMBED(css, "docs.css");
EMBED(js, "docs.js");

const tr__docs_asset tr__docs_assets[TR__DOCS_ASSETS] = {
    { "/docs", "text/html; charset=utf-8", tr__docs_html, tr__docs_html_end },
    { "/docs/docs.css", "text/css; charset=utf-8", tr__docs_css, tr__docs_css_end },
    { "/docs/docs.js", "text/javascript; charset=utf-8", tr__docs_js, tr__docs_js_end },
};
