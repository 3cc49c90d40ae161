# Installs this build's library into PREFIX, and runs its program from there if
# there is one.
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/steps.cmake)

install_and_move(${BUILD_DIR})
if(IMPORT)
  run(${EMULATOR} ${PREFIX}/bin/rotary_inspect --version OUTPUT_VARIABLE output)
  if(NOT output STREQUAL "rotary_inspect ${VERSION}\n")
    message(SEND_ERROR "it says: ${output}")
  endif()
endif()
