# ROTARY_OPENMP_FLAGS: what OpenMP's files are compiled with.
# ROTARY_RUNTIME_LIBRARIES: what the library needs at run time besides libc, as
# words for a linker. A static library's users get them as they stand, in C and
# with any compiler. So OpenMP is named by its library, since a flag means
# another one to another compiler.

# CMake's module, without what it would leave in the cache of a project that
# adds this one: there, only names of our own.
if(ROTARY_OPENMP AND NOT DEFINED CACHE{ROTARY_OPENMP_LIBRARIES})
  get_cmake_property(cached CACHE_VARIABLES)
  find_package(OpenMP ${ROTARY_QUIET} REQUIRED COMPONENTS CXX)
  set(libraries "")
  foreach(name IN LISTS OpenMP_CXX_LIB_NAMES)
    # LLVM's is in a folder of its own, which other compilers do not search.
    if(name MATCHES "^(gomp|pthread)$")
      list(APPEND libraries -l${name})
    else()
      list(APPEND libraries ${OpenMP_${name}_LIBRARY})
    endif()
  endforeach()
  set(flags "${OpenMP_CXX_FLAGS}")
  get_cmake_property(cached_now CACHE_VARIABLES)
  list(REMOVE_ITEM cached_now ${cached})
  foreach(variable IN LISTS cached_now)
    unset(${variable} CACHE)
  endforeach()
  set(ROTARY_OPENMP_FLAGS "${flags}" CACHE INTERNAL "")
  set(ROTARY_OPENMP_LIBRARIES "${libraries}" CACHE INTERNAL "")
endif()

set(ROTARY_RUNTIME_LIBRARIES -lm)
if(ROTARY_OPENMP)
  list(PREPEND ROTARY_RUNTIME_LIBRARIES ${ROTARY_OPENMP_LIBRARIES})
endif()
