// README.md's section on rotary_inspect: its command prints what stands there.

#include <doctest/doctest.h>

#include <string>

#include "tests/inspect/program_run.h"

namespace rotary_test {
namespace {

// The first block of this language behind `from`.
std::string Block(const std::string& text, const std::string& language,
                  size_t from) {
  const std::string fence = "\n```" + language + "\n";
  const size_t begin = text.find(fence, from);
  REQUIRE(begin != std::string::npos);
  const size_t first = begin + fence.size();
  const size_t end = text.find("```\n", first);
  REQUIRE(end != std::string::npos);
  return text.substr(first, end - first);
}

TEST_CASE("inspect: README.md's example") {
  const std::string readme = ReadFile(ROTARY_TEST_README);
  const size_t section = readme.find("\n## What a model's file says\n");
  REQUIRE(section != std::string::npos);
  const WorkFolder folder;
  const std::string file =
      folder.Write("config.json", Block(readme, "json", section));
  REQUIRE(Block(readme, "sh", section) ==
          "rotary_inspect config.json --positions 4096\n");
  const ProgramRun run = RunInspect({file, "--positions", "4096"});
  CHECK(run.exit_code == 0);
  // All but the line that names the file, which here is another.
  const std::string expected = Block(readme, "text", section);
  CHECK(run.out.substr(run.out.find('\n')) ==
        expected.substr(expected.find('\n')));
}

}  // namespace
}  // namespace rotary_test
