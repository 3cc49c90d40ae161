# Finds the headers of Google Highway, and nothing to link: rotary picks its
# target itself, so that it does not need libhwy at run time. Defines the target
# HighwayHeaders::HighwayHeaders.
find_path(ROTARY_HIGHWAY_INCLUDE_DIR hwy/highway.h)
mark_as_advanced(ROTARY_HIGHWAY_INCLUDE_DIR)

if(ROTARY_HIGHWAY_INCLUDE_DIR)
  # The version moved from highway.h to base.h after 1.0.3.
  set(version "")
  foreach(part MAJOR MINOR PATCH)
    foreach(header highway.h base.h)
      file(STRINGS ${ROTARY_HIGHWAY_INCLUDE_DIR}/hwy/${header} line
           REGEX "^#define HWY_${part} [0-9]+")
      if(line MATCHES "HWY_${part} ([0-9]+)")
        list(APPEND version ${CMAKE_MATCH_1})
        break()
      endif()
    endforeach()
  endforeach()
  list(JOIN version "." HighwayHeaders_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  HighwayHeaders
  REQUIRED_VARS ROTARY_HIGHWAY_INCLUDE_DIR
  VERSION_VAR HighwayHeaders_VERSION)

if(HighwayHeaders_FOUND AND NOT TARGET HighwayHeaders::HighwayHeaders)
  add_library(HighwayHeaders::HighwayHeaders INTERFACE IMPORTED)
  target_include_directories(HighwayHeaders::HighwayHeaders
                             INTERFACE ${ROTARY_HIGHWAY_INCLUDE_DIR})
endif()
