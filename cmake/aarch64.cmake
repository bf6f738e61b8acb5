# For AArch64, with Debian's cross compiler, and run under emulation: ./dev aarch64, which lays out
# the sysroot. In it are only the libraries that Debian has for that machine but not as packages for
# cross compilers (tests/aarch64/sysroot); the C library comes with the compiler.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)

set(machine aarch64-linux-gnu)
set(sysroot ${CMAKE_CURRENT_LIST_DIR}/../build/aarch64-sysroot)
cmake_path(NORMAL_PATH sysroot)

set(CMAKE_C_COMPILER ${machine}-gcc)
# As those in /usr/include are: without warnings about what is in them.
set(CMAKE_C_STANDARD_INCLUDE_DIRECTORIES ${sysroot}/usr/include)
set(CMAKE_LIBRARY_ARCHITECTURE ${machine})
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/${machine})

set(CMAKE_FIND_ROOT_PATH ${sysroot} /usr/${machine})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_LIBDIR} ${sysroot}/usr/lib/${machine}/pkgconfig:${sysroot}/usr/share/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${sysroot})
set(ENV{PKG_CONFIG_PATH}) # of this machine
