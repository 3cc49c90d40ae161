// What is wrong with several embeddings in one call that sets rows.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/config/valid_call.h"
#include "tests/rows/row_check.h"

namespace rotary_test {
namespace {

// Three embeddings for [2][3] tokens, one for each.
struct ValidIndex {
  ValidIndex()
      : list{MakeEmbedding(8), MakeEmbedding(8, 500), MakeEmbedding(8, 3)},
        embeddings{list[0].get(), list[1].get(), list[2].get()},
        positions(MakePositions(ids)),
        rows(MakeRows(embeddings[0], ids)) {
    args = MakeRowsArgs(nullptr, &positions, 3);
    args.batch = 2;
    args.embeddings = embeddings.data();
    args.num_embeddings = 3;
    args.embedding_index = index.data();
    args.index_batch_stride = 3;
    args.index_token_stride = 1;
  }
  ValidIndex(const ValidIndex&) = delete;
  ValidIndex& operator=(const ValidIndex&) = delete;
  ~ValidIndex() = default;

  void CheckRefusedAs(const Wrong& expected) {
    const RowValues before = ReadRows(rows.get());
    CheckRefused(
        [&](rotary_error* error) {
          return rotary_rows_set(rows.get(), &args, error);
        },
        expected);
    CHECK(ReadRows(rows.get()) == before);
  }

  Embedding list[3];
  std::vector<const rotary_embedding*> embeddings;
  std::vector<int64_t> ids = {5, 6, 7, 8, 9, 10};
  std::vector<int32_t> index = {0, 1, 2, 2, 1, 0};
  rotary_positions positions;
  Rows rows;
  rotary_rows_args args;
};

void CheckSpoiled(const std::function<void(ValidIndex*)>& spoil,
                  const Wrong& expected) {
  ValidIndex valid;
  SetRowsOk(valid.rows.get(), valid.args);
  spoil(&valid);
  valid.CheckRefusedAs(expected);
}

Wrong Overlap(const char* argument) {
  Wrong wrong = {argument};
  wrong.status = ROTARY_ERROR_OVERLAP;
  return wrong;
}

TEST_CASE("an index must be one of the embeddings") {
  for (const int32_t value : {-1, 3, INT32_MAX, INT32_MIN}) {
    for (size_t token = 0; token < 6; ++token) {
      Wrong wrong = {"embedding_index", value};
      wrong.token = static_cast<int64_t>(token);
      CheckSpoiled([&](ValidIndex* v) { v->index[token] = value; }, wrong);
    }
  }
  // Of a sequence it is that of its first token.
  Wrong wrong = {"embedding_index", 7};
  wrong.token = 3;
  CheckSpoiled(
      [](ValidIndex* v) {
        v->index = {1, 7};
        v->args.embedding_index = v->index.data();
        v->args.index_batch_stride = ROTARY_DENSE;
        v->args.index_token_stride = ROTARY_DENSE;
      },
      wrong);
}

TEST_CASE("embeddings of one call have one shape") {
  const Embedding narrow = MakeEmbedding(6);
  rotary_embedding_config config = MakeConfig(8);
  config.heads = 2;
  const Embedding heads = Create(config);
  config.heads = 1;
  rotary_axes axes;
  rotary_axes_init(&axes, sizeof(axes));
  axes.num_axes = 2;
  axes.layout = ROTARY_AXES_STRIDED;
  config.axes = &axes;
  const Embedding two_axes = Create(config);
  for (const size_t i : {0u, 1u, 2u}) {
    const std::string name = "embeddings[" + std::to_string(i) + "]";
    CheckSpoiled([&](ValidIndex* v) { v->embeddings[i] = nullptr; }, {name});
    CheckSpoiled([&](ValidIndex* v) { v->embeddings[i] = narrow.get(); },
                 {name, 6});
    // The first is what the others are compared with.
    const std::string other = i == 0 ? "embeddings[1]" : name;
    CheckSpoiled([&](ValidIndex* v) { v->embeddings[i] = heads.get(); },
                 {other, i == 0 ? 1 : 2});
    CheckSpoiled([&](ValidIndex* v) { v->embeddings[i] = two_axes.get(); },
                 {other, i == 0 ? 1 : 2});
  }
}

TEST_CASE("several embeddings, or one") {
  for (const int64_t count :
       {int64_t{0}, int64_t{-1}, kMin64, int64_t{1} << 31, kMax64}) {
    CheckSpoiled([&](ValidIndex* v) { v->args.num_embeddings = count; },
                 {"num_embeddings", count});
  }
  CheckSpoiled([](ValidIndex* v) { v->args.embeddings = nullptr; },
               {"embeddings"});
  CheckSpoiled([](ValidIndex* v) { v->args.embedding = v->embeddings[0]; },
               {"embedding"});
  CheckSpoiled([](ValidIndex* v) { v->args.embedding_index = nullptr; },
               {"embedding_index"});
}

TEST_CASE("an index without several embeddings is not looked at") {
  ValidIndex valid;
  valid.index = {9, 9, 9, 9, 9, 9};
  valid.args.embedding = valid.embeddings[1];
  valid.args.embeddings = nullptr;
  valid.args.num_embeddings = 0;
  SetRowsOk(valid.rows.get(), valid.args);
}

TEST_CASE("where an index lies") {
  CheckSpoiled(
      [](ValidIndex* v) {
        v->args.embedding_index = reinterpret_cast<const int32_t*>(
            reinterpret_cast<const char*>(v->index.data()) + 2);
      },
      {"embedding_index"});
  CheckSpoiled(
      [](ValidIndex* v) {
        v->args.embedding_index =
            reinterpret_cast<const int32_t*>(v->rows.get());
      },
      Overlap("embedding_index"));
  // Its last element is the first of the rows.
  CheckSpoiled(
      [](ValidIndex* v) {
        v->args.embedding_index =
            reinterpret_cast<const int32_t*>(v->rows.get()) - 5;
      },
      Overlap("embedding_index"));
  CheckSpoiled([](ValidIndex* v) { v->args.index_batch_stride = kMax64; },
               {"index_batch_stride", kMax64});
  CheckSpoiled([](ValidIndex* v) { v->args.index_token_stride = kMin64 + 1; },
               {"index_token_stride", kMin64 + 1});
}

// xPos may have 35000 of them, and one with a scale_base of 100 a fifth.
TEST_CASE("positions are those that all embeddings may have") {
  rotary_embedding_config config = MakeConfig(8);
  config.xpos = ROTARY_XPOS_QUERY;
  config.xpos_scale_base = 100;
  const Embedding xpos = Create(config);
  config.xpos_scale_base = 512;
  config.xpos_center = 30000;
  const Embedding centered = Create(config);
  const auto position = [&](int64_t value, bool legal) {
    CAPTURE(value);
    ValidIndex valid;
    valid.embeddings[1] = xpos.get();
    valid.embeddings[2] = centered.get();
    valid.index.assign(6, 0);
    valid.ids[4] = value;
    if (legal) return SetRowsOk(valid.rows.get(), valid.args);
    Wrong wrong = {"positions.data", value};
    wrong.status = ROTARY_ERROR_POSITION;
    wrong.token = 4;
    valid.CheckRefusedAs(wrong);
  };
  // 126 / log2(3.5) is 69.715.
  position(6971, true);
  position(6972, false);
  position(30000 - 35694, true);
  position(30000 - 35695, false);
}

}  // namespace
}  // namespace rotary_test
