// Version, status names, targets: what the library is.

#include "include/rotary/rotary.h"
#include "lib/apply/team.h"
#include "lib/config/common_args.h"
#include "lib/kernels/target.h"

#define ROTARY_TEXT_OF(number) #number
#define ROTARY_TEXT(number) ROTARY_TEXT_OF(number)

const char* rotary_status_string(rotary_status status) {
  switch (status) {
    case ROTARY_OK:
      return "ROTARY_OK";
    case ROTARY_ERROR_ARGUMENT:
      return "ROTARY_ERROR_ARGUMENT";
    case ROTARY_ERROR_STRUCT_SIZE:
      return "ROTARY_ERROR_STRUCT_SIZE";
    case ROTARY_ERROR_OVERLAP:
      return "ROTARY_ERROR_OVERLAP";
    case ROTARY_ERROR_POSITION:
      return "ROTARY_ERROR_POSITION";
    case ROTARY_ERROR_SLOT:
      return "ROTARY_ERROR_SLOT";
    case ROTARY_ERROR_TARGET:
      return "ROTARY_ERROR_TARGET";
    case ROTARY_ERROR_UNSUPPORTED:
      return "ROTARY_ERROR_UNSUPPORTED";
    case ROTARY_ERROR_MEMORY:
      return "ROTARY_ERROR_MEMORY";
    default:
      return "unknown rotary_status";
  }
}

int32_t rotary_version(void) {
  return ROTARY_VERSION_MAJOR * 1000000 + ROTARY_VERSION_MINOR * 1000 +
         ROTARY_VERSION_PATCH;
}

const char* rotary_version_string(void) {
  return ROTARY_TEXT(ROTARY_VERSION_MAJOR) "." ROTARY_TEXT(
      ROTARY_VERSION_MINOR) "." ROTARY_TEXT(ROTARY_VERSION_PATCH);
}

int32_t rotary_abi_version(void) { return ROTARY_ABI_VERSION; }

int32_t rotary_has_openmp(void) { return rotary::HasOpenMP() ? 1 : 0; }

int32_t rotary_target_count(void) { return rotary::SupportedTargets(); }

const char* rotary_target_name(int32_t index) {
  if (index < 0 || index >= rotary::SupportedTargets()) return nullptr;
  return rotary::TargetName(rotary::SupportedTarget(index));
}

rotary_status rotary_target_default(const char** name, rotary_error* error) {
  return rotary::ReadDefaultTarget(name, error);
}
