# Checks how the library is linked: what it needs at run time, that it is never
# unloaded, its name, and that nothing in it can print or abort. A script:
# cmake -DLIBRARY=... -DREADELF=... -DNM=... -DSONAME=... -P linkage.cmake
cmake_minimum_required(VERSION 3.25)

execute_process(
  COMMAND ${READELF} -d ${LIBRARY}
  OUTPUT_VARIABLE dynamic COMMAND_ERROR_IS_FATAL ANY)

string(REGEX MATCHALL "\\(NEEDED\\)[^\n]*" needed "${dynamic}")
list(LENGTH needed needed_count)
if(needed_count EQUAL 0)
  message(SEND_ERROR "no NEEDED entry found in:\n${dynamic}")
endif()
foreach(entry IN LISTS needed)
  if(NOT entry MATCHES
     "\\[(lib(c\\.so\\.6|m\\.so\\.6|gomp\\.so\\.1|omp\\.so\\.5)|ld-linux-.*)\\]$")
    message(SEND_ERROR "the library needs more than libc, libm and OpenMP: "
                       "${entry}")
  endif()
endforeach()

if(NOT dynamic MATCHES "NODELETE")
  message(SEND_ERROR "the library is not linked with -z nodelete")
endif()
string(FIND "${dynamic}" "soname: [${SONAME}]" soname)
if(soname EQUAL -1)
  message(SEND_ERROR "the library's SONAME is not ${SONAME}:\n${dynamic}")
endif()

execute_process(
  COMMAND ${NM} -D --undefined-only --format=posix ${LIBRARY}
  OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+ U" symbols "${output}") # none that are weak
foreach(symbol IN LISTS symbols)
  string(REGEX REPLACE "[@ ].*" "" symbol "${symbol}")
  if(symbol MATCHES "^(__)?(v|f|vf|d|vd)?printf(_chk)?$"
     OR symbol MATCHES "^(put|fput|fwrite|write|perror|std(out|err)|psignal)"
     OR symbol MATCHES "^_*(abort|exit|Exit|quick_exit|assert|terminate|raise)"
     OR symbol MATCHES "^_*(kill|cxa_)")
    message(SEND_ERROR "the library may not use ${symbol}")
  endif()
endforeach()
