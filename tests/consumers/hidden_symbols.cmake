# Checks that the static libraries in PREFIX keep their internal names to
# themselves: they are hidden, so that what is linked with them does not export them.
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/steps.cmake)

file(REMOVE_RECURSE ${WORK_DIR})
file(MAKE_DIRECTORY ${WORK_DIR})
file(GLOB_RECURSE libraries ${PREFIX}/librotary*.a)

# What may be seen: the interface, and inline functions of the C++ library. Those
# have a visibility of their own; where nothing is optimized, clang keeps it.
set(visible "(rotary_[a-z_0-9]+|_Z[A-Z]*(St|9__gnu_cxx).*)")

# Value, size, type, binding, visibility, section, name.
run(${READELF} --symbols --wide ${libraries} OUTPUT_VARIABLE output)
string(REGEX MATCHALL "(GLOBAL|WEAK|UNIQUE) +[A-Z]+ +([0-9]+|COM) +[^ \n]+"
       symbols "${output}")
if(NOT symbols MATCHES " rotary_apply(;|$)")
  message(FATAL_ERROR "rotary_apply not found in:\n${output}")
endif()
foreach(symbol IN LISTS symbols)
  if(NOT symbol MATCHES " HIDDEN | ${visible}$")
    message(SEND_ERROR "not hidden: ${symbol}")
  endif()
endforeach()

separate_arguments(C_FLAGS UNIX_COMMAND "${C_FLAGS}")
run(${C_COMPILER} ${C_FLAGS} -shared -nodefaultlibs -o ${WORK_DIR}/host.so
    -Wl,--whole-archive ${libraries} -Wl,--no-whole-archive)
run(${NM} -D --defined-only --format=posix ${WORK_DIR}/host.so
    OUTPUT_VARIABLE output)
string(REGEX MATCHALL "[^\n]+" exported "${output}")
list(FILTER exported EXCLUDE REGEX "^${visible} [TVWu] ")
if(exported)
  message(SEND_ERROR "what the library is linked into exports ${exported}")
endif()
