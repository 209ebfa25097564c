// libstdc++ gained this function in 3.4.29; with a copy of our own an addon loads on the 3.4.28 of Ubuntu 20.04.

#include <cstdlib>

namespace std {
__attribute__((visibility("hidden"))) void __throw_bad_array_new_length() { abort(); }
}  // namespace std
