# What libabigail knows of the interface: the functions, and the types that they
# reach. A script:
# cmake -DMODE=check|record -DABIDIFF=... -DABIDW=... -DLIBRARY=...
#       -DINCLUDE_DIR=... -DABI_DIR=... [-DVERSION=...] -P abidiff.cmake
# record writes ABI_DIR/VERSION/rotary.abi; check compares LIBRARY with the
# newest of these.
cmake_minimum_required(VERSION 3.25)

if(MODE STREQUAL "record")
  set(record ${ABI_DIR}/${VERSION}/rotary.abi)
  execute_process(
    COMMAND
      ${ABIDW} --exported-interfaces-only --no-corpus-path --no-comp-dir-path
      --no-show-locs --no-elf-needed --type-id-style hash --headers-dir
      ${INCLUDE_DIR} --drop-private-types --out-file ${record} ${LIBRARY}
    COMMAND_ERROR_IS_FATAL ANY)
  # Where the sources are here is nobody's business.
  cmake_path(GET INCLUDE_DIR PARENT_PATH sources)
  file(READ ${record} text)
  string(REPLACE "path='${sources}/" "path='" text "${text}")
  file(WRITE ${record} "${text}")
  return()
endif()

file(GLOB records ${ABI_DIR}/*/rotary.abi)
list(SORT records COMPARE NATURAL ORDER DESCENDING)
list(GET records 0 newest)
execute_process(
  COMMAND ${ABIDIFF} --exported-interfaces-only --headers-dir2 ${INCLUDE_DIR}
          --drop-private-types ${newest} ${LIBRARY}
  OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "abidiff ${newest}: ${result}\n${output}")
endif()
message("no difference from ${newest}")
