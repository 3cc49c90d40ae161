/* Must not compile, whichever of the two macros is defined: the header refuses
 * platforms that the library was not made for. */
#include <stdint.h>

#if defined(AS_32_BIT)
#undef UINTPTR_MAX
#define UINTPTR_MAX UINT32_MAX
#elif defined(AS_BIG_ENDIAN)
#undef __BYTE_ORDER__
#define __BYTE_ORDER__ __ORDER_BIG_ENDIAN__
#endif

#include <rotary/rotary.h>
