# Builds and runs a project that finds the package installed in PREFIX. See
# CMakeLists.txt for what else is given.
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/steps.cmake)

file(REMOVE_RECURSE ${WORK_DIR})
run(${CMAKE_COMMAND} ${CONFIGURE} -S ${CMAKE_CURRENT_LIST_DIR}/package
    -B ${WORK_DIR} -DCMAKE_PREFIX_PATH=${PREFIX} -DVERSION=${VERSION}
    -DSTATIC=${STATIC} -DOPENMP=${OPENMP} -DIMPORT=${IMPORT})
build_and_test(${WORK_DIR})
