# A recorded binary interface, as a script (cmake -D... -P abi.cmake):
#   MODE=program  writes OUTPUT, a C program that prints the structs' layouts
#   MODE=check    compares header, symbols and layouts with the newest record
#   MODE=record   writes the record of VERSION
# Called by tests/abi/CMakeLists.txt. Needs HEADER, in a folder rotary; check and
# record need ABI_DIR, LIBRARY, NM, LAYOUTS (the built program) and EMULATOR (what
# runs it, or nothing).
cmake_minimum_required(VERSION 3.25)
cmake_path(GET HEADER FILENAME header_name)

# The header without comments and blank lines; ";" is written "@", since it
# separates the elements of CMake's lists.
function(read_code file result)
  file(READ ${file} code)
  string(REPLACE ";" "@" code "${code}")
  string(REGEX REPLACE "//[^\n]*" "" code "${code}")
  string(REGEX REPLACE "[ \t]*\n[ \t\n]*" "\n" code "${code}")
  set(${result} "${code}" PARENT_SCOPE)
endfunction()

function(write_program)
  read_code(${HEADER} code)
  string(REGEX REPLACE "\\[[0-9A-Z_]+\\]" "" code "${code}")
  # A function's pointer is a field as any other.
  string(REGEX REPLACE "\\(\\*([a-z_]+)\\)\\([^()]*\\)" "\\1" code "${code}")
  string(REGEX MATCHALL "struct rotary_[a-z_]+ {" starts "${code}")
  string(REGEX MATCHALL "struct rotary_[a-z_]+ {[^{}]*}" structs "${code}")
  list(LENGTH starts start_count)
  list(LENGTH structs struct_count)
  if(struct_count EQUAL 0 OR NOT start_count EQUAL struct_count)
    message(FATAL_ERROR "${start_count} structs, ${struct_count} understood")
  endif()
  set(body "")
  foreach(struct IN LISTS structs)
    if(NOT struct MATCHES "^struct (rotary_[a-z_]+) {([^,(:]*)}$")
      message(FATAL_ERROR "not plain fields, one a line: ${struct}")
    endif()
    set(name ${CMAKE_MATCH_1})
    string(REGEX MATCHALL "[a-z0-9_]+@" fields "${CMAKE_MATCH_2}")
    string(APPEND body "  end = 0;\n")
    foreach(field IN LISTS fields)
      string(REPLACE "@" "" field ${field})
      string(APPEND body "  FIELD(${name}, ${field})\n")
    endforeach()
    string(APPEND body "  STRUCT(${name})\n")
  endforeach()
  file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [=[
/* Prints "struct.field offset size" and "struct size"; fails on padding. */
#include <rotary/@header_name@>
#include <stddef.h>
#include <stdio.h>

#define NO_PADDING(name, offset)                              \
  if ((offset) != end) {                                      \
    fprintf(stderr, "padding before %s\n", name); \
    status = 1;                                               \
  }
#define FIELD(type, field)                                  \
  size = sizeof(((const type *)NULL)->field);               \
  printf(#type "." #field " %lu %lu\n",                     \
         (unsigned long)offsetof(type, field),              \
         (unsigned long)size);                              \
  NO_PADDING(#type "." #field, offsetof(type, field))       \
  end = offsetof(type, field) + size;
#define STRUCT(type)                                    \
  printf(#type " %lu\n", (unsigned long)sizeof(type));  \
  NO_PADDING(#type, sizeof(type))

int main(void) {
  size_t end;
  size_t size;
  int status = 0;
@body@
  return status;
}
]=])
endfunction()

# What the library exports, one "name@version" a line.
function(read_symbols result)
  execute_process(
    COMMAND ${NM} -D --defined-only --format=posix ${LIBRARY}
    OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]+" lines "${output}")
  set(symbols "")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE " .*" "" symbol "${line}")
    if(NOT line MATCHES " A ") # the version node itself
      list(APPEND symbols ${symbol})
    endif()
  endforeach()
  list(SORT symbols)
  list(JOIN symbols "\n" symbols)
  set(${result} "${symbols}\n" PARENT_SCOPE)
endfunction()

function(read_layouts result)
  separate_arguments(EMULATOR)
  execute_process(
    COMMAND ${EMULATOR} ${LAYOUTS}
    OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
  set(${result} "${output}" PARENT_SCOPE)
endfunction()

function(check)
  file(GLOB directories ${ABI_DIR}/*.*.*)
  list(SORT directories COMPARE NATURAL ORDER DESCENDING)
  list(GET directories 0 newest)
  read_symbols(symbols)
  file(READ ${newest}/symbols.txt recorded_symbols)
  read_layouts(layouts)
  file(READ ${newest}/layouts.txt recorded_layouts)
  read_code(${HEADER} header)
  read_code(${newest}/${header_name} recorded_header)
  foreach(what symbols layouts header)
    if(NOT "${${what}}" STREQUAL "${recorded_${what}}")
      message(SEND_ERROR "${what} differ from ${newest}\n"
                         "is:\n${${what}}\nrecorded:\n${recorded_${what}}"
                         "\nSee tests/abi/README.md.")
    endif()
  endforeach()
endfunction()

function(record)
  read_symbols(symbols)
  read_layouts(layouts)
  file(WRITE ${ABI_DIR}/${VERSION}/symbols.txt "${symbols}")
  file(WRITE ${ABI_DIR}/${VERSION}/layouts.txt "${layouts}")
  configure_file(${HEADER} ${ABI_DIR}/${VERSION}/${header_name} COPYONLY)
endfunction()

if(MODE STREQUAL "program")
  write_program()
elseif(MODE STREQUAL "check")
  check()
elseif(MODE STREQUAL "record")
  record()
else()
  message(FATAL_ERROR "unknown MODE '${MODE}'")
endif()
