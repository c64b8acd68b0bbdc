/** The two small C++ sources compiled beside the package's own addon. */

/**
 * Keeps signals away while TensorFlow computes. Its matrix products (oneDNN's, on AVX) point the stack into the heap; a signal
 * that arrives then (Ctrl-C, a profiler's tick) writes its frame over other memory. The addon's two calls into the library go
 * through here: signals wait until the operation ends, and the library's own threads, started here, inherit the mask. Faults
 * stay as they are: they belong to the instruction that made them.
 */
export const SIGNAL_GUARD = `
#undef TFE_Execute
#undef TFE_NewContext
#include <pthread.h>
#include <signal.h>
#include <initializer_list>
#include "tensorflow/c/eager/c_api.h"
namespace {
class SignalsWait {
 public:
  SignalsWait() {
    sigset_t all;
    sigfillset(&all);
    for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) sigdelset(&all, fault);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~SignalsWait() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
 private:
  sigset_t before_;
};
}
extern "C" void prosam_TFE_Execute(TFE_Op* op, TFE_TensorHandle** results, int* count, TF_Status* status) {
  SignalsWait wait;
  TFE_Execute(op, results, count, status);
}
extern "C" TFE_Context* prosam_TFE_NewContext(const TFE_ContextOptions* options, TF_Status* status) {
  SignalsWait wait;
  return TFE_NewContext(options, status);
}
`;

/** Functions the package's own sources call instead. */
export const GUARDED_CALLS = ['-DTFE_Execute=prosam_TFE_Execute', '-DTFE_NewContext=prosam_TFE_NewContext'] as const;

/**
 * Holds stderr back while the library is loaded: it announces its settings there, and no variable of its own stops that.
 * hold() and release(); what was said in between is lost.
 */
export const QUIET_LOADING = `
#include <fcntl.h>
#include <unistd.h>
#include <node_api.h>
static int kept = -1;
static napi_value hold(napi_env, napi_callback_info) {
  int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (kept < 0 && nowhere >= 0) {
    kept = fcntl(2, F_DUPFD_CLOEXEC, 3);
    if (kept >= 0) dup2(nowhere, 2);
  }
  if (nowhere >= 0) close(nowhere);
  return nullptr;
}
static napi_value release(napi_env, napi_callback_info) {
  if (kept >= 0) {
    dup2(kept, 2);
    close(kept);
    kept = -1;
  }
  return nullptr;
}
NAPI_MODULE_INIT() {
  napi_value hold_function, release_function;
  napi_create_function(env, "hold", NAPI_AUTO_LENGTH, hold, nullptr, &hold_function);
  napi_create_function(env, "release", NAPI_AUTO_LENGTH, release, nullptr, &release_function);
  napi_set_named_property(env, exports, "hold", hold_function);
  napi_set_named_property(env, exports, "release", release_function);
  return exports;
}
`;
