# Checks that a library exports names of the C ABI alone: cmake -DNM=...
# -DLIBRARY=... -P symbols.cmake
cmake_minimum_required(VERSION 3.25)

execute_process(
  COMMAND ${NM} -D --defined-only --format=posix ${LIBRARY}
  OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" symbols "${output}")
if(NOT output MATCHES "rotary_model_from_config")
  message(FATAL_ERROR "rotary_model_from_config not found in:\n${output}")
endif()
foreach(symbol IN LISTS symbols)
  if(NOT symbol MATCHES "^rotary_[a-z_0-9]+(@@ROTARY_0)? T |^ROTARY_0.* A ")
    message(SEND_ERROR "exported: ${symbol}")
  endif()
endforeach()
