# Checks that the program every_function uses every exported function: cmake
# -DNM=... -DLIBRARY=... -DPROGRAM=... -P every_function_is_used.cmake
cmake_minimum_required(VERSION 3.25)

execute_process(
  COMMAND ${NM} -D --defined-only ${LIBRARY}
  OUTPUT_VARIABLE exported COMMAND_ERROR_IS_FATAL ANY)
execute_process(
  COMMAND ${NM} -D --undefined-only ${PROGRAM}
  OUTPUT_VARIABLE used COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "T rotary_[a-z_0-9]+" functions "${exported}")
if(NOT functions)
  message(FATAL_ERROR "no exported function found in:\n${exported}")
endif()
foreach(function IN LISTS functions)
  string(SUBSTRING ${function} 2 -1 function)
  if(NOT used MATCHES "U ${function}[@\n]")
    message(SEND_ERROR "every_function.c does not use ${function}")
  endif()
endforeach()
