// The checks that a config is refused, as it is made and as its size is asked
// for.  Used by the tests of what is wrong with embeddings and scalings.
#ifndef TESTS_CONFIG_REFUSED_CONFIG_H_
#define TESTS_CONFIG_REFUSED_CONFIG_H_

#include <rotary/rotary.h>

#include <string>

#include "tests/config/valid_call.h"

namespace rotary_test {

// A real number as what is wrong.
Wrong WrongReal(const std::string& argument, double value);

// By rotary_embedding_create.
void CheckCreateRefused(const rotary_embedding_config& config,
                        const Wrong& expected);

// And already by rotary_embedding_bytes_needed.
void CheckConfigRefused(const rotary_embedding_config& config,
                        const Wrong& expected);

}  // namespace rotary_test

#endif  // TESTS_CONFIG_REFUSED_CONFIG_H_
