# Adds the library's project to another, static, checks that it stays quiet
# there, builds and runs. Then installs it from there: into PREFIX, and as a
# packager does, with DESTDIR and a folder of libraries of its own, into UNPACKED.
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/steps.cmake)

file(REMOVE_RECURSE ${WORK_DIR} ${UNPACKED})
# Not optimized and without one target: nothing here depends on it, and it takes
# most of the time.
string(TOUPPER "CMAKE_CXX_FLAGS_${CONFIG}" optimization)
set(configure
    ${CMAKE_COMMAND} ${CONFIGURE} ${CONFIGURE_CXX} -D${optimization}=
    -S ${CMAKE_CURRENT_LIST_DIR}/parent -B ${WORK_DIR} -DROTARY=${SOURCE_DIR}
    -DROTARY_OPENMP=${OPENMP} -DROTARY_SKIPPED_TARGETS=avx3 -DSTATIC=${STATIC} -DOPENMP=${OPENMP})

run(${configure} OUTPUT_VARIABLE output ERROR_VARIABLE output
    ECHO_OUTPUT_VARIABLE ECHO_ERROR_VARIABLE)
if(NOT output MATCHES "-- before rotary\n-- after rotary\n")
  message(SEND_ERROR "it tells something where it is added:\n${output}")
endif()
run(${CMAKE_CTEST_COMMAND} --test-dir ${WORK_DIR} -N OUTPUT_VARIABLE output)
if(NOT output MATCHES "Total Tests: 1\n")
  message(SEND_ERROR "it adds tests:\n${output}")
endif()
build_and_test(${WORK_DIR})
run(${CMAKE_COMMAND} --install ${WORK_DIR} --config ${CONFIG}
    --prefix ${WORK_DIR}/nothing)
if(EXISTS ${WORK_DIR}/nothing)
  message(SEND_ERROR "it installs without being asked to")
endif()

# The importer's package brings an entry of its own into the parent's cache.
run(${configure} -DROTARY_INSTALL=ON -DROTARY_BUILD_IMPORT=${IMPORT}
    -DCMAKE_INSTALL_LIBDIR=lib/${MULTIARCH} OUTPUT_QUIET)
build_and_test(${WORK_DIR})
install_and_move(${WORK_DIR})

run(${configure} -DROTARY_INSTALL=ON -DCMAKE_INSTALL_PREFIX=${UNPACKED}/usr
    -DCMAKE_INSTALL_LIBDIR=${UNPACKED}/lib OUTPUT_QUIET)
set(ENV{DESTDIR} ${WORK_DIR}/stage)
run(${CMAKE_COMMAND} --install ${WORK_DIR} --config ${CONFIG})
file(RENAME ${WORK_DIR}/stage${UNPACKED} ${UNPACKED})
