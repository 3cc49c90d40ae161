# Builds consumer.c in C99 with the flags of the rotary.pc in PREFIX, and
# import_consumer.c with those of rotary_import.pc, and runs them.
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/steps.cmake)

file(REMOVE_RECURSE ${WORK_DIR})
file(MAKE_DIRECTORY ${WORK_DIR})
file(GLOB_RECURSE file ${PREFIX}/rotary.pc)
cmake_path(GET file PARENT_PATH folder)
set(ENV{PKG_CONFIG_LIBDIR} ${folder})
set(ENV{PKG_CONFIG_PATH} "")
cmake_path(GET folder PARENT_PATH library_folder)
set(ENV{LD_LIBRARY_PATH} ${library_folder})
separate_arguments(C_FLAGS UNIX_COMMAND "${C_FLAGS}")

function(consume package program)
  run(${PKG_CONFIG} --validate ${package})
  run(${PKG_CONFIG} --exact-version ${VERSION} ${package})
  # --static may be asked for or not, whatever is installed.
  foreach(static "" "--static")
    run(${PKG_CONFIG} ${static} --cflags --libs ${package}
        OUTPUT_VARIABLE flags)
    message(STATUS "pkg-config ${static} ${package}: ${flags}")
    separate_arguments(flags UNIX_COMMAND "${flags}")
    run(${C_COMPILER} ${C_FLAGS} -std=c99 -Wall -Wextra -Werror -pedantic
        -DEXPECT_STATIC=${STATIC} -DEXPECT_OPENMP=${OPENMP}
        ${CMAKE_CURRENT_LIST_DIR}/${program}.c
        -o ${WORK_DIR}/${program} ${flags})
    run(${EMULATOR} ${WORK_DIR}/${program})
  endforeach()
endfunction()

consume(rotary consumer)
if(IMPORT)
  consume(rotary_import import_consumer)
endif()
