/* print - tables that line up in UTF-8, JSON members, times */
#include "agents/cli/cli.h"
#include "agents/words.h"

#include "proto/date.h"
#include "proto/event.h"
#include "proto/types.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#define TABLE_COLUMNS_MAX 12u

struct table {
    size_t columns, rows, size;
    char **cells;
    size_t width[TABLE_COLUMNS_MAX];
};

/* Columns a UTF-8 text takes on screen. */
static size_t
text_width(const char *text)
{
    mbstate_t state = {0};
    size_t width = 0, left = strlen(text);

    while (left > 0) {
        wchar_t c;
        size_t n = mbrtowc(&c, text, left, &state);
        int columns;

        if (n == 0 || n > left)
            return width + left; /* not UTF-8: one column a byte */
        columns = wcwidth(c);
        width += columns > 0 ? (size_t)columns : 0;
        text += n;
        left -= n;
    }
    return width;
}

char *
text_plain(const char *text)
{
    size_t size = strlen(text) * 3 + 1; /* "[U+202E]" takes the place of three bytes */
    char *ret = malloc(size), *at = ret;

    if (ret == NULL)
        abort();
    while (*text != '\0') {
        unsigned turn = words_turn(text);

        if (turn != 0)
            at += sprintf(at, "[U+%04X]", turn);
        else
            *at++ = *text;
        text += turn != 0 ? WORDS_TURN_LEN : 1;
    }
    *at = '\0';
    return ret;
}

static void
table_add(struct table *t, va_list ap)
{
    if (t->rows * t->columns + t->columns > t->size) {
        size_t size = t->size == 0 ? 64 * t->columns : t->size * 2;
        char **cells = realloc(t->cells, size * sizeof *cells);

        if (cells == NULL)
            abort();
        t->cells = cells;
        t->size = size;
    }
    for (size_t i = 0; i < t->columns; i++) {
        const char *cell = va_arg(ap, const char *);
        char *copy = text_plain(cell != NULL ? cell : "");
        size_t width = text_width(copy);

        if (width > t->width[i])
            t->width[i] = width;
        t->cells[t->rows * t->columns + i] = copy;
    }
    t->rows++;
}

struct table *
table_create(size_t columns, ...)
{
    struct table *t = calloc(1, sizeof *t);
    va_list ap;

    if (t == NULL || columns > TABLE_COLUMNS_MAX)
        abort();
    t->columns = columns;
    va_start(ap, columns);
    table_add(t, ap);
    va_end(ap);
    return t;
}

void
table_row(struct table *t, ...)
{
    va_list ap;

    va_start(ap, t);
    table_add(t, ap);
    va_end(ap);
}

/* Columns of the terminal; SIZE_MAX: it is none, as in a pipe or a file. */
static size_t
terminal_width(void)
{
    struct winsize size;

    return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                                                    : SIZE_MAX;
}

static size_t
table_width(const struct table *t)
{
    size_t width = 2 * (t->columns - 1);

    for (size_t i = 0; i < t->columns; i++)
        width += t->width[i];
    return width;
}

/* Words, in lines that begin at that column; a word that is wider than the room stays whole, to be copied. */
static void
words_print(const char *text, size_t indent, size_t room)
{
    size_t used = 0;

    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        char *word = strndup(text, len);
        size_t width = word == NULL ? len : text_width(word);

        free(word);
        if (used > 0 && used + 1 + width > room) {
            printf("\n%*s", (int)indent, "");
            used = 0;
        }
        printf("%s%.*s", used > 0 ? " " : "", (int)len, text);
        used += width + (used > 0);
        text += len;
        text += strspn(text, " ");
    }
    putchar('\n');
}

/* A row that the terminal has no room for is read as lines "title  cell"; rows are apart, empty cells left out. */
static void
rows_print_apart(const struct table *t)
{
    size_t widest = 0, columns = terminal_width();

    for (size_t i = 0; i < t->columns; i++)
        widest = text_width(t->cells[i]) > widest ? text_width(t->cells[i]) : widest;
    for (size_t row = 1; row < t->rows; row++) {
        if (row > 1)
            putchar('\n');
        for (size_t i = 0; i < t->columns; i++) {
            const char *title = t->cells[i], *cell = t->cells[row * t->columns + i];

            if (cell[0] == '\0')
                continue;
            printf("%s%*s", title, (int)(widest - text_width(title) + 2), "");
            words_print(cell, widest + 2, columns > widest + 2 ? columns - widest - 2 : 1);
        }
    }
}

static void
rows_print(const struct table *t)
{
    for (size_t row = 0; row < t->rows; row++) {
        size_t pad = 0; /* written before the next cell, so that no line ends in spaces */

        for (size_t i = 0; i < t->columns; i++) {
            const char *cell = t->cells[row * t->columns + i];

            if (cell[0] != '\0') {
                printf("%*s%s", (int)pad, "", cell);
                pad = 0;
            }
            pad += t->width[i] - text_width(cell) + 2;
        }
        putchar('\n');
    }
}

void
table_print(struct table *t)
{
    if (table_width(t) > terminal_width())
        rows_print_apart(t);
    else
        rows_print(t);
    for (size_t i = 0; i < t->rows * t->columns; i++)
        free(t->cells[i]);
    free(t->cells);
    free(t);
}

static void
csv_cell(const char *cell, char separator)
{
    const char special[] = {'"', '\r', '\n', separator, '\0'};

    /* A table calculator takes a text that begins like this for a formula. */
    bool formula = cell[0] != '\0' && strchr("=+-@\t\r", cell[0]) != NULL;

    if (!formula && strpbrk(cell, special) == NULL) {
        fputs(cell, stdout);
        return;
    }
    putchar('"');
    if (formula)
        putchar('\'');
    for (; *cell != '\0'; cell++) {
        if (*cell == '"')
            putchar('"');
        putchar(*cell);
    }
    putchar('"');
}

static void
csv_cells(char separator, size_t count, va_list ap)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            putchar(separator);
        csv_cell(va_arg(ap, const char *), separator);
    }
    fputs("\r\n", stdout);
}

void
csv_row(size_t count, ...)
{
    va_list ap;

    va_start(ap, count);
    csv_cells(',', count, ap);
    va_end(ap);
}

void
csv_office_begin(void)
{
    fputs("\xef\xbb\xbf", stdout);
}

void
csv_office_row(const struct cli *cli, size_t count, ...)
{
    va_list ap;

    va_start(ap, count);
    csv_cells(cli->pl ? ';' : ',', count, ap);
    va_end(ap);
}

void
cli_today(char ret[DATE_TEXT_SIZE])
{
    date_format(date_of_moment((uint64_t)time(NULL) * 1000u), ret);
}

int
cli_print_json(json_t *json)
{
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);

    json_decref(json);
    if (text == NULL)
        return CLI_FAILED;
    puts(text);
    free(text);
    return CLI_OK;
}

int
cli_file_write(const char *path, const void *bytes, size_t len)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDOUT_FILENO : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), rc = CLI_OK;
    FILE *out = fd < 0 ? NULL : standard ? stdout : fdopen(fd, "wb");

    if (out == NULL || fwrite(bytes, 1, len, out) != len || fflush(out) != 0) {
        cli_warn("%s: %s", path, strerror(errno));
        rc = CLI_FAILED;
    }
    if (out != NULL && !standard && fclose(out) != 0 && rc == CLI_OK) {
        cli_warn("%s: %s", path, strerror(errno));
        rc = CLI_FAILED;
    }
    if (rc != CLI_OK && out != NULL && !standard)
        (void)unlink(path);
    return rc;
}

const char *
jstr(const json_t *json, const char *key)
{
    static char numbers[8][32];
    static unsigned next;
    const json_t *value = json_object_get(json, key);

    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_integer(value)) {
        char *to = numbers[next++ % 8];

        snprintf(to, sizeof numbers[0], "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return to;
    }
    return "";
}

json_t *
cli_uuid(void)
{
    uint8_t random[10], id[16];
    char text[37];

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return NULL;
    uuid7_make((uint64_t)time(NULL) * 1000, random, id);
    uuid_format(id, text);
    return json_string(text);
}

char *
jjoin(const json_t *array)
{
    size_t size = 1;
    char *text;

    for (size_t i = 0; i < json_array_size(array); i++)
        size += json_string_length(json_array_get(array, i)) + 1;
    text = calloc(1, size);
    for (size_t i = 0; text != NULL && i < json_array_size(array); i++) {
        const char *word = json_string_value(json_array_get(array, i));

        if (i > 0)
            strcat(text, " ");
        if (word != NULL)
            strcat(text, word);
    }
    return text;
}

json_t *
directory_names(const json_t *directory)
{
    static const char *const lists[] = {"agencies", "units"};
    json_t *names = json_object();
    const json_t *item;
    size_t i;

    for (size_t list = 0; list < 2; list++)
        json_array_foreach(json_object_get(directory, lists[list]), i, item)
            json_object_set_new(names, jstr(item, "id"), json_string(jstr(item, "name")));
    return names;
}

const char *
time_local_ms(uint64_t ms)
{
    static char texts[4][32];
    static unsigned next;
    char *to = texts[next++ % 4];
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    if (ms == 0 || localtime_r(&seconds, &tm) == NULL || strftime(to, sizeof texts[0], "%Y-%m-%d %H:%M:%S", &tm) == 0)
        return "";
    return to;
}

const char *
time_local(const char *rfc3339)
{
    uint64_t ms;

    return time_parse(rfc3339, &ms) == 0 ? time_local_ms(ms) : rfc3339;
}

const char *
word_label(const struct cli *cli, const char *word)
{
    const char *label = words_code(word, cli->pl);

    return label != NULL ? label : word;
}

const char *
class_label(const struct cli *cli, unsigned cls)
{
    static char texts[8][64];
    static unsigned next;
    char *to = texts[next++ % 8];

    if (cls == TYPE_CLASS_HEADER)
        return _("header");
    if (cls == TYPE_CLASS_NOTE)
        return _("broker's note");
    snprintf(to, sizeof texts[0], "S%u %s", cls, cls < TYPE_CLASSES ? words_class(cls, cli->pl) : "");
    return to;
}

const char *
type_label(const struct cli *cli, const char *name)
{
    const struct type_info *type = type_by_name(name);

    for (size_t i = 0; type == NULL && type_at(i) != NULL; i++) {
        if (strcmp(type_at(i)->enum_name, name) == 0)
            type = type_at(i);
    }
    return type == NULL ? name : cli->pl ? type->pl : type->en;
}
