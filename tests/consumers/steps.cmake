# What the scripts of this folder share. Each is given SETTINGS (the file made
# of settings.cmake.in), WORK_DIR to build in, PREFIX where the library is or will
# be installed, and whether it is STATIC.
include(${SETTINGS})

# Runs a command that must succeed.
macro(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endmacro()

function(build_and_test directory)
  run(${CMAKE_COMMAND} --build ${directory} --config ${CONFIG})
  run(${CMAKE_CTEST_COMMAND} --test-dir ${directory} -C ${CONFIG}
      --output-on-failure --no-tests=error)
endfunction()

# Installs into PREFIX by way of another folder, so that nothing that is
# installed can hold on to where it was installed first.
function(install_and_move build_dir)
  file(REMOVE_RECURSE ${PREFIX} ${PREFIX}.first)
  run(${CMAKE_COMMAND} --install ${build_dir} --config ${CONFIG}
      --prefix ${PREFIX}.first)
  file(RENAME ${PREFIX}.first ${PREFIX})
endfunction()
