#include "lib/import/bytes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/import/refusal.h"

namespace rotary_import {
namespace {

[[noreturn]] void RefuseEnd(uint64_t size) {
  throw Refusal("data", "ends after " + std::to_string(size) +
                            " bytes, within its metadata");
}

class Memory : public Bytes {
 public:
  Memory(const void* data, size_t size)
      : data_(static_cast<const char*>(data)), size_(size) {}

  void Read(void* to, size_t count) override {
    if (!Holds(count, 1)) RefuseEnd(size_);
    if (count > 0) memcpy(to, data_ + position_, count);
    position_ += count;
  }
  void Seek(uint64_t offset) override {
    if (offset > size_) RefuseEnd(size_);
    position_ = offset;
  }
  uint64_t size() const override { return size_; }

 private:
  const char* data_;
  uint64_t size_;
};

class File : public Bytes {
 public:
  explicit File(const std::string& path) : file_(fopen(path.c_str(), "rb")) {
    struct stat about;
    if (file_ == nullptr || fstat(fileno(file_), &about) != 0) {
      const std::string reason = strerror(errno);
      Close();
      throw Refusal("path", "cannot be opened: " + reason);
    }
    if (!S_ISREG(about.st_mode)) {
      Close();
      throw Refusal("path", "is not a regular file");
    }
    size_ = static_cast<uint64_t>(about.st_size);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() override { Close(); }

  void Read(void* to, size_t count) override {
    if (!Holds(count, 1)) RefuseEnd(size_);
    if (fread(to, 1, count, file_) != count) {
      throw Refusal("path", "cannot be read");
    }
    position_ += count;
  }
  void Seek(uint64_t offset) override {
    if (offset > size_) RefuseEnd(size_);
    // A short way is read, so that what is buffered stays.
    char skipped[512];
    if (offset >= position_ && offset - position_ <= sizeof(skipped)) {
      return Read(skipped, static_cast<size_t>(offset - position_));
    }
    if (fseeko(file_, static_cast<off_t>(offset), SEEK_SET) != 0) {
      throw Refusal("path", "cannot be read");
    }
    position_ = offset;
  }
  uint64_t size() const override { return size_; }

 private:
  void Close() {
    if (file_ != nullptr) fclose(file_);
  }

  FILE* file_;
  uint64_t size_ = 0;
};

}  // namespace

std::unique_ptr<Bytes> BytesOfMemory(const void* data, size_t size) {
  return std::make_unique<Memory>(data, size);
}

std::unique_ptr<Bytes> BytesOfFile(const std::string& path) {
  return std::make_unique<File>(path);
}

}  // namespace rotary_import
