// The texts of --help and of wrong usage.

#include "lib/inspect/options.h"

namespace rotary_inspect {

const char kUsage[] =
    "usage: rotary_inspect [options] FILE\n"
    "       rotary_inspect --help | --version\n";

const char kManual[] =
    R"(
Tells how a model rotates its queries and keys (RoPE), as its own file says.
FILE is the config.json of a Hugging Face model, or a GGUF file.

For each distinct rotation it prints which layers have it; every value that
counts, with the key of FILE that it comes from ("default": the file does not
say); and for each pair
  inv_freq     by how many radians a token turns it,
  wavelength   after how many tokens it comes around, 2 pi / inv_freq,
  x unscaled   how many times that of the base without any scaling,
  turns        how many times it turns within the longest sequence that FILE
               says the model was trained on;
and which pairs turn less than once within that.  Of positions with several
axes (time, height and width of a patch), a pair has the axis that turns it; of
images, it is by positions, not tokens.

  --layer N            only the rotation of that layer, counted from 0
  --positions A,B,..   also the angle of each pair at these positions, position
                       * inv_freq, and its cos and sin as rows have them, which
                       is times the gain; several axes all have that position
  --plot OUT.png|.svg  also a picture: wavelengths, and effective scaling
                       (needs gnuplot, in Debian's package gnuplot-nox)
  --json               one JSON object with all of this

What FILE does not say, or says otherwise:
  --part text|vision   which part of a multimodal model; default text
  --pairing half|interleaved
                       which two elements form a pair, of a type of model that
                       is not known
  --axes-layout sections|sections_ggml|interleaved|interleaved_ggml|
                alternating_last|blocks
                       how M-RoPE's sections lie, of such a model
  --head-dim N         elements of a head
  --length N           tokens of the sequences that are to be rotated, for
                       scalings that depend on it; default: no more than those
                       that the model was trained on

In JSON, "rotations" is a list of objects: "name" (of the kind of layer),
"layers", "fields" (of each its "value", null if it is not set, and its
"source"), "pairs", "pairs_below_one_turn", "pairs_that_do_not_turn" and, with
--positions, "positions".  A pair that does not turn has "wavelength" null.
"unrotated_layers" are those that do not rotate (NoPE).

The exit code is 0, or 1 for a file that cannot be read or is not understood
(what is not understood is refused, never guessed), or 2 for wrong usage.
)";

}  // namespace rotary_inspect
