// A program: calls with several threads before, after and during fork().
#include <rotary/rotary.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "tests/support/program.h"

namespace {

using rotary_test::Workload;

// Runs the calls in a child, and in a child of that.  A child that hangs is
// ended by its alarm.
void ExpectRightInChild(const Workload& workload, int generations) {
  const pid_t child = fork();
  ROTARY_EXPECT(child >= 0);
  if (child == 0) {
    alarm(30);
    ROTARY_EXPECT(workload.IsRightWith(2));
    ROTARY_EXPECT(workload.IsRightWith(0));
    ROTARY_EXPECT(workload.IsRightWith(1));
    if (generations > 1) ExpectRightInChild(workload, generations - 1);
    _exit(0);
  }
  int status = 0;
  ROTARY_EXPECT(waitpid(child, &status, 0) == child);
  ROTARY_EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace

int main() {
  const Workload workload;
  ExpectRightInChild(workload, 1);  // before the process has a team
  ROTARY_EXPECT(workload.IsRightWith(2));
  ExpectRightInChild(workload, 2);
  ROTARY_EXPECT(workload.IsRightWith(2));
  ROTARY_EXPECT(workload.IsRightWith(0));

  // A fork in the middle of another thread's call, which may have the team.
  std::atomic<bool> done{false};
  std::thread caller([&] {
    while (!done) ROTARY_EXPECT(workload.IsRightWith(2));
  });
  for (int i = 0; i < 10; ++i) ExpectRightInChild(workload, 1);
  done = true;
  caller.join();
  ROTARY_EXPECT(workload.IsRightWith(2));
  return 0;
}
