# rotary_options: what all our own targets are compiled with. -ffp-contract=off
# keeps one rounding for each multiply and each add, on every target and in the
# tests' references too.
add_library(rotary_options INTERFACE)
target_compile_options(
  rotary_options INTERFACE -ffp-contract=off
                           $<$<BOOL:${ROTARY_WERROR}>:-Werror>)
# Those who add this project to theirs do not want its warnings.
if(PROJECT_IS_TOP_LEVEL)
  target_compile_options(
    rotary_options
    INTERFACE -Wall
              -Wextra
              -Wpedantic
              -Wshadow
              -Wconversion
              -Wsign-conversion)
endif()

# ROTARY_CXX_LIBRARIES: the C++ library, as words for a linker. What is in C and
# links a static library that needs it has to name it.
set(ROTARY_CXX_LIBRARIES ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES})
list(FILTER ROTARY_CXX_LIBRARIES INCLUDE REGEX "^(std)?c\\+\\+")
list(TRANSFORM ROTARY_CXX_LIBRARIES PREPEND -l)

# ROTARY_SANITIZED: true if the user's flags ask for a sanitizer, whose run-time
# library then takes part in every link.
string(FIND "${CMAKE_CXX_FLAGS}" "-fsanitize=" sanitizer_flag)
if(sanitizer_flag EQUAL -1)
  set(ROTARY_SANITIZED OFF)
else()
  set(ROTARY_SANITIZED ON)
  # Of clang's checks those of C++ alone: programs in C do not link what they
  # call.
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(
      rotary_options
      INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize=function,vptr>)
  endif()
endif()

# rotary_highway: Highway's headers, as every file that includes them needs them.
# Without its assertions, also in a debug build: they abort, by libhwy. With the
# targets below the compiler's baseline, so that `scalar` is on every platform.
add_library(rotary_highway INTERFACE)
target_link_libraries(rotary_highway INTERFACE HighwayHeaders::HighwayHeaders)
target_compile_definitions(rotary_highway INTERFACE HWY_IS_DEBUG_BUILD=0
                                                   HWY_COMPILE_ALL_ATTAINABLE)
# Not compiled: those for which kernels/per_target.h hands out no kernel, as far
# as this version of Highway has them, and those that the user does without. The
# kernels are not written for SVE: they keep vectors in structs, arrays and what
# lambdas capture, all of which its types, without a size, cannot be in. CPUs
# that have it run those for NEON.
foreach(target IN LISTS ROTARY_SKIPPED_TARGETS)
  if(NOT target MATCHES "^(ssse3|sse4|avx2|avx3)$")
    message(FATAL_ERROR "ROTARY_SKIPPED_TARGETS: ${target} is none of "
                        "ssse3, sse4, avx2, avx3")
  endif()
endforeach()
set(disabled_targets "0")
foreach(target SSE2 AVX3_DL AVX3_ZEN4 AVX3_SPR AVX10_2 SVE SVE2 SVE_256 SVE2_128
               ${ROTARY_SKIPPED_TARGETS})
  string(TOUPPER ${target} target)
  file(STRINGS ${ROTARY_HIGHWAY_INCLUDE_DIR}/hwy/detect_targets.h line
       REGEX "^#define HWY_${target} ")
  if(line)
    string(APPEND disabled_targets "|HWY_${target}")
  endif()
endforeach()
target_compile_definitions(
  rotary_highway INTERFACE "HWY_DISABLED_TARGETS=(${disabled_targets})")
