# What all our targets share: warnings as errors, sanitizers, includes from the root.
add_library(seine_options INTERFACE)
target_include_directories(seine_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(seine_options INTERFACE
  -Werror -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor)
if(NOT SANITIZE)
  # GCC's flow analysis of null pointers raises false alarms in the standard library and in Boost once
  # code is optimised or sanitized.
  target_compile_options(seine_options INTERFACE $<$<CONFIG:Debug>:-Wnull-dereference>)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC bug 105651: false alarms about assignments to std::string in optimized code.
  target_compile_options(seine_options INTERFACE -Wno-restrict)
endif()
target_compile_definitions(seine_options INTERFACE SEINE_VERSION="${PROJECT_VERSION}")
set(SEINE_SANITIZED 0)
if(SANITIZE)
  set(SEINE_SANITIZED 1)
  add_compile_options(-fsanitize=${SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  if(SANITIZE MATCHES "address")
    # What ASan finds anyway: these two checks of UBSan are a sixth of what there is to compile.
    add_compile_options(-fno-sanitize=null,object-size)
  endif()
  add_link_options(-fsanitize=${SANITIZE})
endif()

# precompiled_headers(NAME HEADERS... LINK libs): what nearly every source below this folder includes, read
# once for all of them. Dev builds do without: there a source that forgot an include must not compile.
option(SEINE_PRECOMPILE "Read the most used headers once" OFF)
function(precompiled_headers name)
  cmake_parse_arguments(ARG "" "" "HEADERS;LINK" ${ARGN})
  if(NOT SEINE_PRECOMPILE)
    return()
  endif()
  file(CONFIGURE OUTPUT ${name}.cpp CONTENT "")
  add_library(${name} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  target_link_libraries(${name} PRIVATE seine_options ${ARG_LINK})
  target_precompile_headers(${name} PRIVATE ${ARG_HEADERS})
  set(SEINE_HEADERS ${name} PARENT_SCOPE)
  set(SEINE_HEADERS_LINK ${ARG_LINK} PARENT_SCOPE)
endfunction()

# own_options(TARGET): our warnings and our precompiled headers, with the definitions those were read with.
function(own_options target)
  target_link_libraries(${target} PRIVATE seine_options ${SEINE_HEADERS_LINK})
  if(SEINE_HEADERS)
    target_precompile_headers(${target} REUSE_FROM ${SEINE_HEADERS})
  endif()
endfunction()

# seine_library(NAME SOURCES... [PUBLIC_LINK libs] [PRIVATE_LINK libs]): a folder's library.
function(seine_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC_LINK;PRIVATE_LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  own_options(${name})
  target_link_libraries(${name} PUBLIC ${ARG_PUBLIC_LINK} PRIVATE ${ARG_PRIVATE_LINK})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
endfunction()

# seine_program(NAME SOURCES... [LINK libs]): a program in build/<preset>/bin.
function(seine_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  own_options(${name})
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
endfunction()

# seine_test(NAME SOURCES... [LINK libs] [WHOLE] [TIMEOUT s] [LABELS l...]): a GoogleTest program. Each case
# is a ctest test of its own, except with WHOLE, for programs whose cases share a costly server. What may
# take longest begins first.
function(seine_test name)
  cmake_parse_arguments(ARG "WHOLE" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  own_options(${name})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE
    SEINE_SOURCE_DIR="${CMAKE_SOURCE_DIR}" SEINE_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}"
    SEINE_SANITIZED=${SEINE_SANITIZED})
  if(ARG_WHOLE)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES
      TIMEOUT ${ARG_TIMEOUT} COST ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
  else()
    gtest_discover_tests(${name} TEST_PREFIX ${name}. DISCOVERY_MODE PRE_TEST
      PROPERTIES TIMEOUT ${ARG_TIMEOUT} COST ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
  endif()
endfunction()
