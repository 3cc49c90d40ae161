// A user of the library in the C++ of its own project, as old as may be.
#include <rotary/rotary.h>

static_assert(__cplusplus == 201103L, "the library changes its user's C++");
