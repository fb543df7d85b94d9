# Flags for code of ours (wici_flags), and wici_test().
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

# Asserts stay on in every build type.
foreach(type RELEASE RELWITHDEBINFO MINSIZEREL)
    string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${type} "${CMAKE_C_FLAGS_${type}}")
endforeach()

option(WICI_WERROR "Warnings are errors" OFF)
set(WICI_SANITIZE "" CACHE STRING "Sanitizers, as in -fsanitize=")

# Two builds in two folders give the same bytes.
add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}=. -ffile-prefix-map=${CMAKE_BINARY_DIR}=.)
if(WICI_SANITIZE)
    add_compile_options(-fsanitize=${WICI_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${WICI_SANITIZE})
endif()

add_library(wici_flags INTERFACE)
target_compile_definitions(wici_flags INTERFACE _GNU_SOURCE WICI_VERSION="${PROJECT_VERSION}")
target_include_directories(wici_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(wici_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wcast-qual -Wwrite-strings -Wformat=2 -Wswitch-enum -Wvla -Wdate-time
    $<$<NOT:$<BOOL:$<TARGET_PROPERTY:WICI_CMOCKA>>>:-Wnull-dereference>
    -fstack-protector-strong -fstack-clash-protection $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:-fcf-protection>)
if(WICI_WERROR)
    target_compile_options(wici_flags INTERFACE -Werror)
endif()
if(CMAKE_BUILD_TYPE MATCHES "Rel" AND NOT WICI_SANITIZE)
    target_compile_options(wici_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
target_link_options(wici_flags INTERFACE -Wl,-z,relro,-z,now)
include(CheckPIESupported)
check_pie_supported()

# Under the thread sanitizer: what libzmq does inside is not seen (tests/support/tsan.supp says why).
set(WICI_TEST_ENV "")
if(WICI_SANITIZE MATCHES "thread")
    set(WICI_TEST_ENV "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/support/tsan.supp")
endif()

# wici_test(NAME n LABEL l SOURCES a.c ... LIBS x ... [ENV K=V ...] [TIMEOUT s]): one cmocka program, one CTest test.
function(wici_test)
    cmake_parse_arguments(T "" "NAME;LABEL;TIMEOUT" "SOURCES;LIBS;ENV;ARGS" ${ARGN})
    add_executable(test_${T_NAME} ${T_SOURCES})
    set_target_properties(test_${T_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    target_link_libraries(test_${T_NAME} PRIVATE wici_flags ${T_LIBS} PkgConfig::CMOCKA)
    # cmocka's asserts do not return when they fail, but are not declared so: gcc sees NULL used after them.
    set_target_properties(test_${T_NAME} PROPERTIES WICI_CMOCKA ON)
    add_test(NAME ${T_LABEL}.${T_NAME} COMMAND test_${T_NAME} ${T_ARGS})
    if(NOT T_TIMEOUT)
        set(T_TIMEOUT 300)
    endif()
    set_tests_properties(${T_LABEL}.${T_NAME} PROPERTIES LABELS ${T_LABEL} TIMEOUT ${T_TIMEOUT} SKIP_RETURN_CODE 77
        ENVIRONMENT "WICI_BIN=${CMAKE_BINARY_DIR}/bin;WICI_SOURCE=${CMAKE_SOURCE_DIR};${WICI_TEST_ENV};${T_ENV}")
endfunction()

# wici_script_test(NAME n LABEL l COMMAND ... [TIMEOUT s] [COST s]): a test that is a script; 77 means skipped, and it says
# why. COST: about how long it takes; ctest begins the long ones first, so that none of them is left alone at the end.
function(wici_script_test)
    cmake_parse_arguments(T "" "NAME;LABEL;TIMEOUT;COST" "COMMAND" ${ARGN})
    add_test(NAME ${T_LABEL}.${T_NAME} COMMAND ${T_COMMAND})
    if(NOT T_TIMEOUT)
        set(T_TIMEOUT 300)
    endif()
    if(T_COST)
        set_tests_properties(${T_LABEL}.${T_NAME} PROPERTIES COST ${T_COST})
    endif()
    set_tests_properties(${T_LABEL}.${T_NAME} PROPERTIES LABELS ${T_LABEL} TIMEOUT ${T_TIMEOUT} SKIP_RETURN_CODE 77
        ENVIRONMENT "WICI_BIN=${CMAKE_BINARY_DIR}/bin;WICI_SOURCE=${CMAKE_SOURCE_DIR};WICI_BUILD=${CMAKE_BINARY_DIR};WICI_PYTHON=${PYTHON3};${WICI_TEST_ENV}")
endfunction()
