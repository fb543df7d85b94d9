/* Ten lines of libwici: connect with the options given, and print how the broker is. */
#include <stdio.h>
#include <stdlib.h>
#include <wici.h>

int
main(int argc, char **argv)
{
    struct wici_options o = {.endpoints = argv[1], .server_key = argv[2], .key_file = argv[3]};
    struct wici *w = NULL;
    char *answer = NULL;
    int rc = argc != 4 ? -22 : wici_open(&w, &o);

    if (rc == 0 && (rc = wici_wait_ready(w, 10000)) == 0 &&
        (rc = wici_query(w, "{\"status\":{}}", 10000, &answer)) == 0)
        puts(answer);
    free(answer);
    wici_close(&w);
    return rc != 0;
}
