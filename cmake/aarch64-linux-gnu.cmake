# Cross-compiles for AArch64 with Debian's g++-aarch64-linux-gnu; tests run
# under qemu-user-static. Both use the libraries of the architecture arm64
# (dpkg --add-architecture arm64; .ci/run names them). With the compiler's own
# copies instead (qemu's -L) the first OpenMP team hangs.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static)
