# find_package(keopsc): the target keopsc::keopsc has the header keopsc.hpp, and
#
#     keopsc_add_library(gauss gauss.kf [NAME name] [DTYPE f64] [DEFINE D=64 ...] [OPTIONS --target cuda ...])
#     target_link_libraries(app PRIVATE gauss)
#
# compiles a formula when the project is built. `gauss` is an imported shared library lib<name>.so with its header <name>.h, and keopsc.hpp;
# NAME is the formula file's stem unless given. It is compiled again when the file, a file that it uses, or the compiler has changed; files that
# it uses are followed from CMake 3.20 on, or with Ninja.
# The compiler is that of this installation; -DKEOPSC_EXECUTABLE=... takes another.
get_filename_component(_keopsc_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

find_program(KEOPSC_EXECUTABLE keopsc HINTS "${_keopsc_prefix}/bin" DOC "the compiler keopsc")
if(NOT KEOPSC_EXECUTABLE)
  set(keopsc_FOUND FALSE)
  set(keopsc_NOT_FOUND_MESSAGE "the compiler keopsc is not in ${_keopsc_prefix}/bin and not on the PATH: set KEOPSC_EXECUTABLE")
  return()
endif()

if(NOT TARGET keopsc::keopsc)
  add_library(keopsc::keopsc INTERFACE IMPORTED)
  target_include_directories(keopsc::keopsc INTERFACE "${_keopsc_prefix}/include")
  target_compile_features(keopsc::keopsc INTERFACE cxx_std_17)
  target_link_libraries(keopsc::keopsc INTERFACE ${CMAKE_DL_LIBS})
endif()
unset(_keopsc_prefix)

# Ninja compares the paths that keopsc writes with those that CMake gave it.
if(POLICY CMP0116)
  cmake_policy(SET CMP0116 NEW)
endif()

function(keopsc_add_library target formula)
  cmake_parse_arguments(PARSE_ARGV 2 argument "" "NAME;DTYPE" "DEFINE;OPTIONS")
  if(argument_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "keopsc_add_library(${target} ...): unknown arguments: ${argument_UNPARSED_ARGUMENTS}")
  endif()

  get_filename_component(formula "${formula}" ABSOLUTE)
  if(NOT argument_NAME)
    get_filename_component(argument_NAME "${formula}" NAME_WE)
  endif()
  set(options --name "${argument_NAME}" ${argument_OPTIONS})
  if(argument_DTYPE)
    list(APPEND options --dtype "${argument_DTYPE}")
  endif()
  foreach(definition IN LISTS argument_DEFINE)
    list(APPEND options -D "${definition}")
  endforeach()

  # A folder of its own, since the header lies beside the library and is found there.
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/keopsc/${target}")
  file(MAKE_DIRECTORY "${folder}")
  set(library "${folder}/lib${argument_NAME}.so")
  set(header "${folder}/${argument_NAME}.h")
  set(depfile "${folder}/${argument_NAME}.d")
  set(follow)
  if(CMAKE_VERSION VERSION_GREATER_EQUAL 3.20 OR CMAKE_GENERATOR MATCHES "Ninja")
    set(follow DEPFILE "${depfile}")
  endif()
  add_custom_command(
    OUTPUT "${library}" "${header}"
    COMMAND "${KEOPSC_EXECUTABLE}" compile "${formula}" ${options} -o "${library}" --depfile "${depfile}"
    DEPENDS "${formula}" "${KEOPSC_EXECUTABLE}"
    ${follow}
    COMMENT "keopsc compiles ${formula}"
    VERBATIM)
  add_custom_target(${target}_compile DEPENDS "${library}" "${header}")

  add_library(${target} SHARED IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES
    IMPORTED_LOCATION "${library}"
    IMPORTED_SONAME "lib${argument_NAME}.so")
  target_include_directories(${target} INTERFACE "${folder}")
  target_link_libraries(${target} INTERFACE keopsc::keopsc)
  add_dependencies(${target} ${target}_compile)
endfunction()
