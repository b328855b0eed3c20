//! What OpenBLAS says about itself: asked for provenance only, so that no result depends on this file.
#![allow(unsafe_code, reason = "foreign functions without arguments, whose answers are constant texts")]

use std::ffi::{CStr, c_char};

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

/// Version and build options of the library.
pub fn version() -> String {
    // SAFETY: the function takes nothing and gives a constant text.
    text(unsafe { openblas_get_config() })
}

/// The kernel that it chose for this processor.
pub fn kernel() -> String {
    // SAFETY: the function takes nothing and gives a constant text.
    text(unsafe { openblas_get_corename() })
}
