// Which field of which fusion of a fused pass was wrong, and the memory that a
// tensor of one takes.  Used by config/fused_*.cc, config/backward_*.cc and
// config/cache_arg.cc.

#ifndef ROTARY_LIB_CONFIG_FUSED_FAILURE_H_
#define ROTARY_LIB_CONFIG_FUSED_FAILURE_H_

#include "include/rotary/rotary.h"
#include "lib/config/error.h"
#include "lib/config/region.h"

namespace rotary {

struct FusionFailure {
  int64_t index;
  rotary_error* error;
  const char* list = "fusions";  // that the field is of

  rotary_status operator()(const char* field, int64_t value, const char* reason,
                           rotary_status status = ROTARY_ERROR_ARGUMENT) const {
    Failure failure = {status, field};
    failure.value = value;
    return As(&failure, reason);
  }
  rotary_status Real(const char* field, double value,
                     const char* reason) const {
    Failure failure = {ROTARY_ERROR_ARGUMENT, field};
    failure.real_value = value;
    failure.type = Failure::kReal;
    return As(&failure, reason);
  }
  rotary_status Null(const char* field) const { return None(field, "is NULL"); }
  rotary_status None(const char* field, const char* reason) const {
    Failure failure = {ROTARY_ERROR_ARGUMENT, field};
    failure.type = Failure::kNone;
    return As(&failure, reason);
  }

 private:
  rotary_status As(Failure* failure, const char* reason) const {
    failure->tensor = static_cast<int32_t>(index);
    failure->list = list;
    return Fail(error, *failure, reason);
  }
};

// Memory that a pass reads or writes.
struct Use {
  Region region;
  bool writes;
  int32_t tensor;  // or -1
  const char* field;
  const char* list;  // that the field is of, if there is a tensor
  bool is_side;      // of the tensor: it may be both
  bool counts;       // it is added to: others may count there too
  const void* data;
};

// 8 of each tensor, those of the rotation, two of slots or the scratch, and the
// memory that a call is kept in.
constexpr int kMostUses = 72;
struct Uses {
  int count = 0;
  Use uses[kMostUses];

  Use* Add(int64_t tensor, const char* field, const void* data, bool writes) {
    Use* use = &uses[count++];
    use->writes = writes;
    use->tensor = static_cast<int32_t>(tensor);
    use->field = field;
    use->list = "fusions";
    use->is_side = false;
    use->counts = false;
    use->data = data;
    return use;
  }
};

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_FUSED_FAILURE_H_
