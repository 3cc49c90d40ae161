// How deep a call goes into its stack.  Used by tests/apply/stack_test.cc.
#ifndef TESTS_SUPPORT_PAINTED_STACK_H_
#define TESTS_SUPPORT_PAINTED_STACK_H_

#include <rotary/rotary.h>

#include <cstddef>
#include <cstdint>
#include <functional>

namespace rotary_test {

using StackCall = std::function<rotary_status()>;

// The bytes of stack that `call` takes in a thread, beyond those that a thread
// takes which only asks for the library's version.  *status is what it
// returned.  A call is to be made once before, or the dynamic linker's work for
// its first call is counted.
int64_t StackBytesOf(const StackCall& call, rotary_status* status);

}  // namespace rotary_test

#endif  // TESTS_SUPPORT_PAINTED_STACK_H_
