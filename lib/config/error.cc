#include "lib/config/error.h"

#include <stdio.h>
#include <string.h>

namespace rotary {
namespace {

void Describe(const Failure& failure, const char* argument, const char* reason,
              char* message, size_t size) {
  switch (failure.type) {
    case Failure::kInteger:
      snprintf(message, size, "%s is %lld: %s", argument,
               static_cast<long long>(failure.value), reason);
      break;
    case Failure::kReal:
      snprintf(message, size, "%s is %.17g: %s", argument, failure.real_value,
               reason);
      break;
    case Failure::kText:
      snprintf(message, size, "%s is \"%.64s\": %s", argument, failure.text,
               reason);
      break;
    case Failure::kNone:
      snprintf(message, size, "%s %s", argument, reason);
      break;
  }
}

}  // namespace

rotary_status Fail(rotary_error* error, const Failure& failure,
                   const char* reason) {
  if (error == nullptr) return failure.status;
  memset(error, 0, sizeof(*error));
  error->status = failure.status;
  error->tensor = failure.tensor;
  error->token = failure.token;
  error->value = failure.value;
  error->real_value = failure.real_value;
  if (failure.tensor < 0) {
    snprintf(error->argument, sizeof(error->argument), "%s", failure.argument);
  } else {
    snprintf(error->argument, sizeof(error->argument), "%s[%d].%s",
             failure.list, static_cast<int>(failure.tensor), failure.argument);
  }
  Describe(failure, error->argument, reason, error->message,
           sizeof(error->message));
  return failure.status;
}

rotary_status FailArgument(rotary_error* error, const char* argument,
                           int64_t value, const char* reason) {
  Failure failure = {ROTARY_ERROR_ARGUMENT, argument};
  failure.value = value;
  return Fail(error, failure, reason);
}

rotary_status FailReal(rotary_error* error, const char* argument, double value,
                       const char* reason) {
  Failure failure = {ROTARY_ERROR_ARGUMENT, argument};
  failure.real_value = value;
  failure.type = Failure::kReal;
  return Fail(error, failure, reason);
}

rotary_status FailNull(rotary_error* error, const char* argument) {
  Failure failure = {ROTARY_ERROR_ARGUMENT, argument};
  failure.type = Failure::kNone;
  return Fail(error, failure, "is NULL");
}

rotary_status FailMemory(rotary_error* error, size_t bytes) {
  Failure failure = {ROTARY_ERROR_MEMORY, "bytes"};
  failure.value = static_cast<int64_t>(bytes);
  return Fail(error, failure, "could not be allocated");
}

void RenameArgument(rotary_error* error, const char* argument) {
  char message[sizeof(error->message)];
  snprintf(message, sizeof(message), "%s%s", argument,
           error->message + strlen(error->argument));
  memcpy(error->message, message, sizeof(message));
  memset(error->argument, 0, sizeof(error->argument));
  snprintf(error->argument, sizeof(error->argument), "%s", argument);
}

void NameConfig(rotary_error* error, char config) {
  if (error == nullptr) return;
  constexpr char kConfig[] = "config";
  constexpr size_t kLength = sizeof(kConfig) - 1;
  // Of "config", "config.struct_size" or "base" the second or third part.
  const bool named = strncmp(error->argument, kConfig, kLength) == 0;
  const char* const rest = error->argument + (named ? kLength : 0);
  const bool field = rest[0] != '\0' && rest[0] != '.';
  char argument[sizeof(error->argument)];
  snprintf(argument, sizeof(argument), "%c%s%.60s", config, field ? "." : "",
           rest);
  RenameArgument(error, argument);
}

}  // namespace rotary
