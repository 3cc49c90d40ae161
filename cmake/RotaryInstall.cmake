# What `cmake --install` installs: the header, the library and the CMake package.
include(CMakePackageConfigHelpers)

install(TARGETS rotary EXPORT rotary)
install(FILES ${PROJECT_SOURCE_DIR}/include/rotary/rotary.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/rotary)

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
