# Writes the text IN as a C array to OUT: cmake -DIN=default.policy -DOUT=default_policy.c -P embed.cmake
# Bytes are character constants, so that those beyond ASCII have the value that a char has.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
string(REGEX REPLACE "('.x..','.x..','.x..','.x..','.x..','.x..','.x..','.x..','.x..','.x..','.x..','.x..','.x..','.x..','.x..','.x..',)" "    \\1\n" bytes "${bytes}")
file(WRITE ${OUT} "/* Made by broker/policy/embed.cmake. */\n#include \"broker/core/policy.h\"\n\nconst char policy_default_text[] = {\n${bytes}    0\n};\nconst size_t policy_default_len = sizeof policy_default_text - 1;\n")
