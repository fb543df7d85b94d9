/*
 * html - see html.h
 */
#include "agents/html.h"

#include "agents/words.h"

#include <assert.h>
#include <string.h>

static const char style[] =
    "@page{size:A4;margin:16mm 14mm 18mm;@bottom-right{content:counter(page) ' / ' counter(pages);font:9pt serif}}"
    "body{font:11pt/1.4 serif;max-width:46em;margin:2em auto;padding:0 1em;color:#000;background:#fff}"
    "h1{font-size:1.4em;margin:.2em 0}h1::first-letter{text-transform:uppercase}h2{font-size:1.05em;margin:1.4em 0 "
    ".3em;border-bottom:1px solid #000}"
    "h3{font-size:1em;margin:1em 0 .3em}"
    "table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:.25em .5em;text-align:left;"
    "vertical-align:top}th{width:34%;font-weight:normal;background:#f2f2f2}td{white-space:pre-wrap;overflow-wrap:"
    "anywhere}"
    "td table th{width:40%}.list{table-layout:fixed;font-size:.88em}.list th{width:auto;font-weight:bold}"
    ".list th:nth-child(1){width:15%}.list th:nth-child(3){width:17%}.list th:nth-child(4){width:11%}"
    ".list th:nth-child(5){width:19%}.list td{overflow-wrap:break-word}.list .exact{white-space:normal}"
    ".mark{border:2px solid #000;padding:.4em .6em;margin:.8em 0;font-weight:bold}"
    ".small{font-size:.85em;color:#333}.exact{font-size:.75em;color:#555;white-space:nowrap;margin-left:.6em}@media "
    "print{body{margin:0;padding:0;max-width:none}h2,h3,tr{break-inside:avoid}"
    "tr:has(table){break-inside:auto}td table{break-inside:avoid}h2,h3{break-after:avoid}}";

void
html_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned turn = words_turn(text);

        if (turn != 0) {
            fprintf(out, "[U+%04X]", turn);
            text += WORDS_TURN_LEN - 1;
            continue;
        }
        switch (*text) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '"': fputs("&quot;", out); break;
        case '\'': fputs("&#39;", out); break;
        default: fputc(*text, out);
        }
    }
}

void
html_named(FILE *out, const struct page_options *options, const char *id)
{
    const char *name = options->names == NULL ? NULL : json_string_value(json_object_get(options->names, id));

    if (name != NULL && strcmp(name, id) == 0)
        name = NULL;
    if (name != NULL) {
        html_text(out, name);
        fputs(" (", out);
    }
    html_text(out, id);
    if (name != NULL)
        fputc(')', out);
}

void
html_exact(FILE *out, const char *text)
{
    fputs(" <span class=\"exact\">", out);
    html_text(out, text);
    fputs("</span>", out);
}

void
html_small(FILE *out, const char *text)
{
    if (text == NULL || *text == '\0')
        return;
    fputs("<p class=\"small\">", out);
    html_text(out, text);
    fputs("</p>\n", out);
}

/* Its name on every sheet: one that lies by itself says what it is of. */
static void
put_sheet_name(FILE *out, const char *title)
{
    fputs("@page{@bottom-left{content:\"", out);
    for (; *title != '\0'; title++)
        if (strchr("\"\\<>&\n", *title) != NULL)
            fprintf(out, "\\%x ", (unsigned)*title);
        else
            fputc(*title, out);
    fputs("\";font:9pt serif}}", out);
}

void
html_open(FILE *out, const struct page_options *options, const char *title)
{
    assert(out != NULL && options != NULL && title != NULL);

    fprintf(out, "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n",
            options->polish ? "pl" : "en");
    fputs("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
          "'unsafe-inline'\">\n<title>",
          out);
    html_text(out, title);
    fprintf(out, "</title>\n<style>%s", style);
    put_sheet_name(out, title);
    fputs("</style>\n</head>\n<body>\n", out);
    html_small(out, options->header);
    fputs("<h1>", out);
    html_text(out, title);
    fputs("</h1>\n", out);
}

void
html_close(FILE *out, const struct page_options *options)
{
    html_small(out, options->footer);
    fputs("</body>\n</html>\n", out);
}
