//! What OpenBLAS says about itself: asked for provenance only, so that no result depends on this file.
#![allow(unsafe_code, reason = "foreign functions without arguments, whose answers are texts")]

use std::ffi::{CStr, c_char};
use std::sync::LazyLock;

unsafe extern "C" {
    fn openblas_get_config() -> *const c_char;
    fn openblas_get_corename() -> *const c_char;
}

fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return "unknown".to_owned();
    }
    // SAFETY: OpenBLAS gives null-terminated texts that live as long as the process.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().trim().to_owned()
}

/// Version and build options of the library, and the kernel that it chose for this processor. Read once: OpenBLAS composes
/// its configuration anew at each call, in one static buffer for all threads.
pub(crate) static LIBRARY: LazyLock<(String, String)> = LazyLock::new(|| {
    // SAFETY: both functions take nothing and give a text. `LazyLock` lets one thread run this, once, and nothing else in
    // this program calls them.
    unsafe { (text(openblas_get_config()), text(openblas_get_corename())) }
});
