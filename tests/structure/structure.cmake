# Checks the arrows between the folders of lib/ by reading #include lines, and
# what no file may use. A script: cmake -DLIB_DIR=... -P structure.cmake
cmake_minimum_required(VERSION 3.25)

# Which folders each folder may include.
set(api_may_include api config apply rows frequencies kernels)
set(config_may_include config apply rows frequencies kernels)
set(apply_may_include apply rows frequencies kernels)
set(rows_may_include rows frequencies kernels)
set(frequencies_may_include frequencies)
set(kernels_may_include kernels)

set(folder_with_highway kernels)
set(folder_with_openmp apply)

# Names that would print, end the process, or throw. (snprintf is none of them.)
set(forbidden_calls
    "v?[fd]?printf|f?puts|f?putc|putchar|perror|fwrite|write"
    "abort|_?exit|_Exit|quick_exit|terminate|assert|HWY_D?ASSERT|HWY_ABORT")
list(JOIN forbidden_calls "|" forbidden_calls)
set(forbidden_headers "<(iostream|ostream|fstream|print|assert\\.h|cassert)>")

file(GLOB_RECURSE files RELATIVE ${LIB_DIR} ${LIB_DIR}/*.h ${LIB_DIR}/*.cc)
if(NOT files)
  message(FATAL_ERROR "no sources in ${LIB_DIR}")
endif()
file(READ ${LIB_DIR}/CMakeLists.txt build_list)
set(openmp_files "")

foreach(file IN LISTS files)
  string(REGEX REPLACE "/.*" "" folder ${file})
  if(NOT DEFINED ${folder}_may_include)
    message(SEND_ERROR "lib/${file}: a folder that the table above lacks")
    continue()
  endif()
  if(file MATCHES "\\.cc$" AND NOT build_list MATCHES "[ \n]${file}[ \n)]")
    message(SEND_ERROR "lib/${file} is not in lib/CMakeLists.txt")
  endif()

  file(READ ${LIB_DIR}/${file} text)
  string(REGEX REPLACE "//[^\n]*" "" text "${text}")
  string(REPLACE ";" " " text "${text}")
  string(REGEX MATCHALL "# *include *[<\"][^>\"]+[>\"]" includes "${text}")
  foreach(include IN LISTS includes)
    if(include MATCHES "[<\"]lib/([a-z]+)/")
      if(NOT CMAKE_MATCH_1 IN_LIST ${folder}_may_include)
        message(SEND_ERROR "lib/${file} may not include from ${CMAKE_MATCH_1}: "
                           "${include}")
      endif()
    elseif(include MATCHES "\"" AND NOT include MATCHES "\"(include/rotary|rotary|hwy)/")
      message(SEND_ERROR "lib/${file}: not a path from the root: ${include}")
    endif()
    if(include MATCHES "[<\"]hwy/" AND NOT folder STREQUAL folder_with_highway)
      message(SEND_ERROR "lib/${file} may not include Highway: ${include}")
    endif()
    if(include MATCHES "${forbidden_headers}")
      message(SEND_ERROR "lib/${file} may not have ${include}")
    endif()
  endforeach()

  if(text MATCHES "omp\\.h[>\"]|# *pragma +omp|_Pragma\\(\"omp|ROTARY_HAVE_OPENMP")
    list(APPEND openmp_files ${file})
  endif()
  if(text MATCHES "[^A-Za-z0-9_]((${forbidden_calls})[ \n]*\\(|throw[^A-Za-z0-9_])")
    message(SEND_ERROR "lib/${file} may not use ${CMAKE_MATCH_1}")
  endif()
endforeach()

list(LENGTH openmp_files openmp_count)
if(openmp_count GREATER 1 OR NOT "${openmp_files}" MATCHES "^(${folder_with_openmp}/|$)")
  message(SEND_ERROR "OpenMP belongs in one file of lib/${folder_with_openmp}: "
                     "${openmp_files}")
endif()
