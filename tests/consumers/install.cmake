# Installs this build's library into PREFIX.
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/steps.cmake)

install_and_move(${BUILD_DIR})
