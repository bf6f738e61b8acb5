/* The page at /docs: its files are in the library, and ask nobody else for anything. */
#include "http/docs.h"

#include <stdlib.h>
#include <string.h>

#include "support/kit.h"

static char *text_of(const tr__docs_asset *asset)
{
    size_t bytes = (size_t)(asset->end - asset->at);
    char *text = calloc(1, bytes + 1);

    return memcpy(text, asset->at, bytes);
}

START_TEST(each_file_is_there_with_its_type)
{
    static const char *const begins[] = { "<!doctype html>", ":root {", "/* The page" };
    static const char *const types[] = { "text/html", "text/css", "text/javascript" };

    for (int i = 0; i < TR__DOCS_ASSETS; i++) {
        const tr__docs_asset *asset = &tr__docs_assets[i];

        ck_assert_int_gt(asset->end - asset->at, 500);
        ck_assert_int_eq(strncmp(asset->at, begins[i], strlen(begins[i])), 0);
        ck_assert_int_eq(strncmp(asset->type, types[i], strlen(types[i])), 0);
        ck_assert_int_eq(asset->end[-1], '\n');
    }
}
END_TEST

START_TEST(the_page_refers_to_its_own_files)
{
    char *html = text_of(&tr__docs_assets[0]);

    for (int i = 1; i < TR__DOCS_ASSETS; i++)
        ck_assert_ptr_nonnull(strstr(html, tr__docs_assets[i].path));
    free(html);
}
END_TEST

START_TEST(nothing_comes_from_elsewhere_nor_is_it_markup_made_of_text)
{
    static const char *const unwanted[] = { "http:",     "//cdn", "@import",  "url(",
                                            "innerHTML", "eval(", "style=\"", "onclick" };

    for (int i = 0; i < TR__DOCS_ASSETS; i++) {
        char *text = text_of(&tr__docs_assets[i]);

        for (size_t k = 0; k < sizeof(unwanted) / sizeof(unwanted[0]); k++)
            ck_assert_msg(strstr(text, unwanted[k]) == NULL, "%s has %s", tr__docs_assets[i].path,
                          unwanted[k]);
        free(text);
    }
}
END_TEST

KIT_MAIN("http/docs", each_file_is_there_with_its_type, the_page_refers_to_its_own_files,
         nothing_comes_from_elsewhere_nor_is_it_markup_made_of_text)
