#include "lib/inspect/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

#include "lib/inspect/failure.h"

namespace rotary_inspect {
namespace {

struct CloseFile {
  void operator()(FILE* file) const { fclose(file); }
};
// What the child writes goes to files without a name, so that neither process
// ever waits for the other to read.
using TemporaryFile = std::unique_ptr<FILE, CloseFile>;

TemporaryFile MakeFile() {
  TemporaryFile file(tmpfile());
  if (file == nullptr) {
    throw Failure(std::string("no temporary file: ") + strerror(errno));
  }
  return file;
}

std::string Contents(FILE* file) {
  std::string contents;
  rewind(file);
  char piece[65536];
  for (size_t read; (read = fread(piece, 1, sizeof(piece), file)) > 0;) {
    contents.append(piece, read);
  }
  return contents;
}

// A write to a child that has ended is an error then, not this process's end.
class IgnoredSigpipe {
 public:
  IgnoredSigpipe() : before_(signal(SIGPIPE, SIG_IGN)) {}
  IgnoredSigpipe(const IgnoredSigpipe&) = delete;
  IgnoredSigpipe& operator=(const IgnoredSigpipe&) = delete;
  ~IgnoredSigpipe() { signal(SIGPIPE, before_); }

 private:
  void (*before_)(int);
};

void WriteAll(int to, const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    const ssize_t written = write(to, text.data() + at, text.size() - at);
    if (written > 0) at += static_cast<size_t>(written);
    // A child that does not read on tells why by how it ends.
    if (written < 0 && errno != EINTR) return;
  }
}

Failure NotFound() {
  return Failure(
      "--plot needs gnuplot, which is not found: install it (in Debian's "
      "package gnuplot-nox)");
}

// Starts it with these as standard input, output and error.
pid_t Start(int in, int out, int err) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  // Without the user's own settings.
  char name[] = "gnuplot";
  char defaults[] = "-d";
  char* const arguments[] = {name, defaults, nullptr};
  pid_t child = 0;
  const int failure =
      posix_spawnp(&child, name, &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure == ENOENT) throw NotFound();
  if (failure != 0) {
    throw Failure(std::string("gnuplot cannot be run: ") + strerror(failure));
  }
  return child;
}

}  // namespace

std::string RunGnuplot(const std::string& script) {
  const TemporaryFile out = MakeFile();
  const TemporaryFile err = MakeFile();
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    throw Failure(std::string("no pipe: ") + strerror(errno));
  }
  const IgnoredSigpipe ignored;
  pid_t child = 0;
  try {
    child = Start(ends[0], fileno(out.get()), fileno(err.get()));
  } catch (...) {
    close(ends[0]);
    close(ends[1]);
    throw;
  }
  close(ends[0]);
  WriteAll(ends[1], script);
  close(ends[1]);

  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  // What posix_spawn may leave to the child to tell, and does when emulated.
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) throw NotFound();
  std::string picture = Contents(out.get());
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || picture.empty()) {
    throw Failure("gnuplot failed: " + Contents(err.get()));
  }
  return picture;
}

}  // namespace rotary_inspect
