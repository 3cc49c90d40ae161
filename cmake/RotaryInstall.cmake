# What `cmake --install` installs: the header, the library, the CMake package,
# rotary.pc (rotary_import.pc) for pkg-config, and rotary_inspect.
include(CMakePackageConfigHelpers)

install(TARGETS rotary EXPORT rotary)
install(FILES ${PROJECT_SOURCE_DIR}/include/rotary/rotary.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/rotary)
if(ROTARY_BUILD_IMPORT)
  install(TARGETS rotary_import EXPORT rotary)
  install(FILES ${PROJECT_SOURCE_DIR}/include/rotary/import.h
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/rotary)
endif()

# A static library's export names all that its users link: there is nothing
# that a package would have to look for.
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/rotary-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(
  EXPORT rotary
  FILE rotary-config.cmake
  NAMESPACE rotary::
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/rotary)
install(FILES ${PROJECT_BINARY_DIR}/rotary-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/rotary)

# rotary.pc finds the others from where it is, so that a prefix may be moved,
# unless the folder of libraries is not within the prefix.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
  set(pc_libdir "${CMAKE_INSTALL_LIBDIR}")
else()
  file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  string(REGEX REPLACE "/$" "" up "${up}")
  set(pc_prefix "\${pcfiledir}/${up}")
  set(pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
endif()
if(IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(pc_includedir "${CMAKE_INSTALL_INCLUDEDIR}")
else()
  set(pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
# As folder and name: of these pkg-config knows what to do with another root.
list(JOIN ROTARY_RUNTIME_LIBRARIES " " pc_private_libraries)
string(REGEX REPLACE "(/[^ ]+)/lib([^ /]+)\\.(so|a)" "-L\\1 -l\\2"
       pc_private_libraries "${pc_private_libraries}")
# Where the library is static, all of its users need what is private, also
# those that do not ask pkg-config for --static.
set(pc_definitions "")
set(pc_libraries "")
if(NOT BUILD_SHARED_LIBS)
  set(pc_definitions " -DROTARY_STATIC")
  set(pc_libraries " ${pc_private_libraries}")
endif()
# A space within a path would end it. (pcfiledir comes escaped.)
foreach(variable pc_prefix pc_libdir pc_includedir)
  string(REPLACE " " "\\ " ${variable} "${${variable}}")
endforeach()
configure_file(cmake/rotary.pc.in ${PROJECT_BINARY_DIR}/rotary.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/rotary.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(ROTARY_BUILD_IMPORT)
  list(JOIN ROTARY_CXX_LIBRARIES " " pc_import_private_libraries)
  set(pc_import_libraries "")
  if(NOT BUILD_SHARED_LIBS)
    set(pc_import_libraries " ${pc_import_private_libraries}")
  endif()
  configure_file(cmake/rotary_import.pc.in
                 ${PROJECT_BINARY_DIR}/rotary_import.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/rotary_import.pc
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()

# The program finds its libraries from where it is, too.
if(TARGET rotary_inspect)
  install(TARGETS rotary_inspect)
  if(BUILD_SHARED_LIBS)
    set(rpath "${CMAKE_INSTALL_FULL_LIBDIR}")
    if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
      file(RELATIVE_PATH rpath "/${CMAKE_INSTALL_BINDIR}"
           "/${CMAKE_INSTALL_LIBDIR}")
      set(rpath "$ORIGIN/${rpath}")
    endif()
    set_target_properties(rotary_inspect PROPERTIES INSTALL_RPATH "${rpath}")
  endif()
endif()
