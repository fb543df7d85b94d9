/* media - see media.h */
#include "agents/media.h"

#include <string.h>
#include <strings.h>

/* The first of a type is the one that received files get. */
static const struct {
    const char *suffix, *type;
} known[] = {
    {".pdf", "application/pdf"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".png", "image/png"},
    {".tif", "image/tiff"},
    {".tiff", "image/tiff"},
    {".txt", "text/plain"},
    {".csv", "text/csv"},
    {".xml", "application/xml"},
    {".odt", "application/vnd.oasis.opendocument.text"},
    {".ods", "application/vnd.oasis.opendocument.spreadsheet"},
    {".doc", "application/msword"},
    {".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {".xls", "application/vnd.ms-excel"},
    {".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {".rtf", "application/rtf"},
    {".eml", "message/rfc822"},
    {".zip", "application/zip"},
};

const char *
media_type_of(const char *file_name)
{
    size_t len = strlen(file_name);

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t suffix_len = strlen(known[i].suffix);

        if (len > suffix_len && strcasecmp(file_name + len - suffix_len, known[i].suffix) == 0)
            return known[i].type;
    }
    return "application/octet-stream";
}

const char *
media_suffix_of(const char *media_type)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcasecmp(media_type, known[i].type) == 0)
            return known[i].suffix;
    return ".bin";
}
