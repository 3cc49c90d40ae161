# The bits of a build for AArch64 on CPUs with SVE, of 128 to 2048 bits.
if(CMAKE_CROSSCOMPILING_EMULATOR AND CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
  foreach(cpu cortex-a53 a64fx max,sve-max-vq=1 max,sve-max-vq=2
              max,sve-max-vq=16)
    string(REGEX REPLACE "[^a-z0-9]" "_" name ${cpu})
    add_test(NAME qemu_bits_${name}
             COMMAND ${CMAKE_CROSSCOMPILING_EMULATOR} -cpu ${cpu}
                     $<TARGET_FILE:rotary_test> "--test-case=portable bits*")
    set_tests_properties(qemu_bits_${name} PROPERTIES LABELS qemu)
  endforeach()
endif()

# An x86-64 build on CPUs that lack this one's instructions, by qemu's user mode.
# Registered only where qemu is.
find_program(QEMU_X86_64 qemu-x86_64-static)
mark_as_advanced(QEMU_X86_64)
if(NOT CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64" OR ROTARY_SANITIZED)
  return()
endif()
if(NOT QEMU_X86_64)
  message(STATUS "qemu-x86_64-static not found: no tests on emulated CPUs")
  return()
endif()

# The targets that the library must find on a CPU (which need AES as well, so
# that Nehalem has less than Westmere).
foreach(cpu_targets "qemu64:scalar" "Nehalem:ssse3 scalar"
                    "Westmere:sse4 ssse3 scalar"
                    "Haswell:avx2 sse4 ssse3 scalar")
  string(REGEX MATCH "^([^:]+):(.*)$" _ ${cpu_targets})
  set(cpu ${CMAKE_MATCH_1})
  add_test(NAME qemu_targets_${cpu}
           COMMAND ${QEMU_X86_64} -cpu ${cpu} $<TARGET_FILE:every_function>)
  set_tests_properties(
    qemu_targets_${cpu} PROPERTIES LABELS qemu PASS_REGULAR_EXPRESSION
                                   "\ntargets: ${CMAKE_MATCH_2}\n")
  add_test(NAME qemu_bits_${cpu}
           COMMAND ${QEMU_X86_64} -cpu ${cpu} $<TARGET_FILE:rotary_test>
                   "--test-case=portable bits*")
  set_tests_properties(
    qemu_bits_${cpu} PROPERTIES LABELS qemu ENVIRONMENT OMP_WAIT_POLICY=passive)
endforeach()

# Everything on a CPU without the SIMD of this decade, but for how deep calls go
# into the stack: that is the same, and slow to emulate. OpenMP's threads do not
# spin while they wait: emulated, that takes the processor from the others. The
# longest of all tests, they begin first, and side by side.
set(qemu_rows --source-file=*/tests/rows/*)
set(qemu_apply --source-file=*/tests/apply/*)
set(qemu_rest --source-file-exclude=*/tests/rows/*,*/tests/apply/*)
foreach(part rows apply rest)
  add_test(
    NAME qemu_rotary_test_${part}
    COMMAND ${QEMU_X86_64} -cpu Nehalem $<TARGET_FILE:rotary_test>
            --test-case-exclude=stack:* ${qemu_${part}})
  set_tests_properties(
    qemu_rotary_test_${part}
    PROPERTIES LABELS qemu COST 1000 ENVIRONMENT OMP_WAIT_POLICY=passive)
endforeach()
